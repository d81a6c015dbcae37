/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps what netsetup made by the host's links and routes in step with them:
 * an interface that goes down takes its routes and proxy ARP entries along,
 * and the kernel brings back only those of the main table.
 */
#ifndef VIADUCT_TRANSLATOR_FOLLOW_H
#define VIADUCT_TRANSLATOR_FOLLOW_H

#include "common/conf.h"

struct event_base;
struct follow;

/* From now on, in the loop of `base`. 0 or -Exxx. */
int follow_new(struct event_base *base, const struct conf *conf,
	       struct follow **ret);
void follow_free(struct follow *follow);

#endif
