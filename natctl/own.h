/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses this machine has on the interfaces of a realm. */
#ifndef VIADUCT_NATCTL_OWN_H
#define VIADUCT_NATCTL_OWN_H

#include "common/conf.h"

#define OWN_CACHE_MS 1000 /* the interfaces are read again after this */

struct ifaddrs;

struct own {
	const struct conf *conf; /* not owned */
	struct ifaddrs *list;    /* owned; NULL: not read */
	uint64_t read_ms;
};

void own_init(struct own *own, const struct conf *conf);
void own_done(struct own *own);
/* False also when the interfaces cannot be read. */
bool own_has(struct own *own, const struct endpoint *endpoint);

#endif
