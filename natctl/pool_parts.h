/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the pools share: their state. For them only. */
#ifndef VIADUCT_NATCTL_POOL_PARTS_H
#define VIADUCT_NATCTL_POOL_PARTS_H

#include "natctl/candidate.h"
#include "natctl/pool.h"
#include "natctl/run.h"

/* One port is two endpoints: of UDP and of TCP. */
enum side { SIDE_UDP, SIDE_TCP, SIDES };

struct pool_account {
	uint64_t endpoints;
	struct pool_use use[SIDES];
};

struct pool_set {
	const struct conf *conf; /* not owned */
	uint64_t seed;
	uint64_t choices; /* made so far: the next random number */
	struct address_table addresses[SIDES];
	struct pairing_table pairings;
	struct run_table held[SIDES];
	struct pool_account *pools; /* owned array, as conf->pools */
};

/* The pool on whose account an endpoint is: the first that has it. */
bool pool_find(const struct conf *conf, const struct endpoint *outer,
	       size_t *ret);

#endif
