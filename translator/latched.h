/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What latched, on its way from those who translate to natctl's link. Any
 * thread may add; one takes.
 */
#ifndef VIADUCT_TRANSLATOR_LATCHED_H
#define VIADUCT_TRANSLATOR_LATCHED_H

#include "common/rulewire.h"

#define LATCHED_MAX 65536 /* that wait; further ones are lost */

struct latched;

/* 0 or -Exxx. */
int latched_new(struct latched **ret);
void latched_free(struct latched *latched);
/* Readable when there is something to take. */
int latched_fd(const struct latched *latched);
/*
 * One that is lost (no room, no memory) is told by the link when natctl puts
 * its rule again.
 */
void latched_add(struct latched *latched, const struct wire_latched *item);
/* The oldest; false: none. */
bool latched_take(struct latched *latched, struct wire_latched *ret);

#endif
