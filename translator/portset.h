/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of ports, in the text form of ip_local_reserved_ports. Pure. */
#ifndef VIADUCT_TRANSLATOR_PORTSET_H
#define VIADUCT_TRANSLATOR_PORTSET_H

#include <stddef.h>

#include "common/endpoint.h"

struct portset {
	uint64_t bits[65536 / 64];
};

/* "" or "8080,16384-32767"; -EINVAL and *ret untouched. */
int portset_parse(const char *text, struct portset *ret);
/* The kernel's own form: ascending, joined. 0 or -ENOSPC. */
int portset_format(const struct portset *set, char *buf, size_t size);
void portset_add(struct portset *set, struct port_range range);
void portset_union(struct portset *set, const struct portset *more);
void portset_subtract(struct portset *set, const struct portset *less);

#endif
