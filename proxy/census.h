/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many connections each address has with each port of ours. */
#ifndef VIADUCT_PROXY_CENSUS_H
#define VIADUCT_PROXY_CENSUS_H

#include "common/endpoint.h"
#include "common/table.h"

struct census {
	struct table sources; /* owned */
	uint64_t seed;
};

/* 0 or -ENOMEM. */
int census_init(struct census *census, uint64_t seed);
void census_done(struct census *census);
/* One more; how many there are now, UINT_MAX: no memory, nothing is noted. */
unsigned census_enter(struct census *census, const void *port,
		      const struct ip_addr *addr);
/* One less, of those that were noted. */
void census_leave(struct census *census, const void *port,
		  const struct ip_addr *addr);

#endif
