/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the pools out of which a wish can be met. Pure. */
#ifndef VIADUCT_NATCTL_CANDIDATE_H
#define VIADUCT_NATCTL_CANDIDATE_H

#include "common/portmap.h"
#include "natctl/pool.h"

/* Addresses x ports of one pool that will do. */
struct candidate {
	struct ip_prefix prefix;
	struct port_range ports;
};

struct candidate_list {
	struct candidate *items; /* owned */
	size_t count;
	uint64_t addresses; /* of all items; CANDIDATE_ADDRESSES each at most */
};

/* Of a larger prefix only so many addresses are ever chosen freely. */
#define CANDIDATE_ADDRESSES (UINT64_C(1) << 32)

/*
 * Of which family (enum ip_family) an endpoint for `want` will be: as it asks,
 * else that of its wish, else the inner endpoint's where the pools have it,
 * else what they have.
 */
uint8_t candidate_family(const struct conf *conf, const struct pool_want *want);
/*
 * What of the pools fits the wish of `want` (free_choice: as if it had none).
 * 0, or -ENOSPC (free choice or name), -EADDRNOTAVAIL, -ENOENT, -EPERM,
 * -ENOMEM as pool_take.
 */
int candidate_list_init(struct candidate_list *list, const struct conf *conf,
			const struct pool_want *want, bool free_choice);
void candidate_list_done(struct candidate_list *list);

/* Its ports can hold a run of that length and parity. */
bool candidate_fits(const struct candidate *candidate, unsigned count,
		    enum portmap_parity parity);
/* Address number `index` (< list->addresses); *ret_candidate: of which item. */
struct ip_addr candidate_address(const struct candidate_list *list,
				 uint64_t index, size_t *ret_candidate);

#endif
