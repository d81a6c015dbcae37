/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoints of the pools are free, leased or held. */
#include "natctl/pool_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One search for a run. */
struct search {
	struct pool_set *set;
	enum side side;
	const struct pool_want *want;
	struct candidate_list list;
	bool free_choice; /* whatever is wished */
	enum portmap_parity parity;
	struct address *address; /* found: where */
	uint16_t port;           /* found: the first */
	bool was_held;           /* found: for its owner */
	bool has_moved;          /* found: away from a full paired address */
};

static uint64_t random_below(struct pool_set *set, uint64_t n)
{
	return hash_u64(set->choices++, set->seed) % n;
}

static uint64_t range_endpoints(const struct conf_range *range)
{
	uint64_t ports = range->ports.last - range->ports.first + 1u;
	uint64_t count = ip_prefix_count(&range->prefix);

	return count > UINT64_MAX / ports ? UINT64_MAX : count * ports;
}

struct pool_set *pool_set_new(const struct conf *conf, uint64_t seed)
{
	struct pool_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->conf = conf;
	set->seed = seed;
	set->pools = calloc(conf->pool_count + 1, sizeof(*set->pools));
	if (set->pools == NULL)
		goto fail;
	for (size_t p = 0; p < conf->pool_count; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		for (size_t r = 0; r < pool->range_count; r++)
			set->pools[p].endpoints += range_endpoints(
				&pool->ranges[r]);
		/* All of it is the translator's. */
		for (size_t i = 0; i < SIDES && pool->dynamic; i++)
			set->pools[p].use[i].leased = set->pools[p].endpoints;
	}
	if (pairing_table_init(&set->pairings, seed) != 0)
		goto fail;
	for (size_t i = 0; i < SIDES; i++)
		if (address_table_init(&set->addresses[i], seed) != 0 ||
		    run_table_init(&set->held[i], conf->realm_count, seed) != 0)
			goto fail;
	return set;
fail:
	pool_set_free(set);
	return NULL;
}

void pool_set_free(struct pool_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < SIDES; i++) {
		run_table_done(&set->held[i]);
		address_table_done(&set->addresses[i]);
	}
	pairing_table_done(&set->pairings);
	free(set->pools);
	free(set);
}

/* Frees what is held for the owner who now asks for precisely this. */
static void reclaim(struct search *search, struct address *address,
		    uint16_t port)
{
	struct pool_set *set = search->set;
	struct endpoint at = address->key;

	for (unsigned i = 0; i < search->want->ports; i++) {
		struct pool_run *run;

		at.port = (uint16_t)(port + i);
		if (portmap_is_free(&address->map, at.port, 1))
			continue;
		run = run_find(&set->held[search->side], &at,
			       search->want->owner);
		set->pools[run->pool].use[search->side].held--;
		run_end_port(&set->held[search->side], run,
			     (unsigned)(at.port - run->outer.port));
	}
}

/* Every port is free, or held for the owner. */
static bool is_reclaimable(const struct search *search,
			   const struct address *address, uint16_t port)
{
	struct endpoint at = address->key;

	for (unsigned i = 0; i < search->want->ports; i++) {
		at.port = (uint16_t)(port + i);
		if (!portmap_is_free(&address->map, at.port, 1) &&
		    run_find(&search->set->held[search->side], &at,
			     search->want->owner) == NULL)
			return false;
	}
	return true;
}

/* 0: found; -ENOSPC: not here; -ENOMEM. */
static int try_address(struct search *search, size_t candidate,
		       const struct ip_addr *addr)
{
	const struct candidate *part = &search->list.items[candidate];
	struct endpoint key = { .addr = *addr, .realm = search->want->realm };
	unsigned width = part->ports.last - part->ports.first + 1u;
	struct address *address;
	uint16_t start;

	if (!candidate_fits(part, search->want->ports, search->parity))
		return -ENOSPC;
	address = address_get(&search->set->addresses[search->side], &key);
	if (address == NULL)
		return -ENOMEM;
	start = (uint16_t)(part->ports.first +
			   random_below(search->set, width));
	search->port = portmap_find(&address->map, part->ports,
				    search->want->ports, search->parity, start);
	if (search->port == 0) {
		address_put(&search->set->addresses[search->side], address);
		return -ENOSPC;
	}
	search->address = address;
	return 0;
}

static int try_paired(struct search *search)
{
	const struct pairing *pairing = pairing_find(&search->set->pairings,
						     &search->want->inner,
						     search->want->realm);
	int rc = -ENOSPC;

	if (pairing == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < search->list.count && rc == -ENOSPC; i++) {
		if (ip_prefix_contains(&search->list.items[i].prefix,
				       &pairing->outer))
			rc = try_address(search, i, &pairing->outer);
	}
	return rc;
}

static bool any_fits(const struct search *search)
{
	for (size_t i = 0; i < search->list.count; i++) {
		if (candidate_fits(&search->list.items[i], search->want->ports,
				   search->parity))
			return true;
	}
	return false;
}

/* From a random address on, all of them. Full ones are few: leases are. */
static int try_all(struct search *search)
{
	uint64_t total = search->list.addresses;
	uint64_t start = random_below(search->set, total);
	int rc = -ENOSPC;

	for (uint64_t i = 0; i < total && rc == -ENOSPC; i++) {
		size_t candidate;
		struct ip_addr addr = candidate_address(&search->list,
							(start + i) % total,
							&candidate);

		rc = try_address(search, candidate, &addr);
	}
	return rc;
}

static int try_parity(struct search *search, enum portmap_parity parity)
{
	int rc;

	search->parity = parity;
	if (!any_fits(search))
		return -ENOSPC;
	rc = try_paired(search);
	if (rc != -ENOSPC)
		return rc;
	search->has_moved = true;
	return try_all(search);
}

/* Address and port are given: what is held for the owner will do as well. */
static int try_exact(struct search *search)
{
	struct endpoint key = { .addr = search->want->wish.prefix.addr,
				.realm = search->want->realm };
	uint16_t port = search->want->wish.ports.first;
	struct address *address =
		address_find(&search->set->addresses[search->side], &key);
	int rc = try_parity(search, PORTMAP_ANY);

	if (rc != -ENOSPC || address == NULL ||
	    !is_reclaimable(search, address, port))
		return rc;
	search->address = address;
	search->port = port;
	search->was_held = true;
	return 0;
}

static int find_run(struct search *search, bool free_choice)
{
	const struct pool_want *want = search->want;
	const struct pool_wish *wish = &want->wish;
	bool port_given = !free_choice && wish->ports.first != 0 &&
			  wish->ports.first == wish->ports.last;
	int rc;

	rc = candidate_list_init(&search->list, search->set->conf, want,
				 free_choice);
	if (rc != 0)
		return rc;
	search->free_choice = free_choice;
	search->has_moved = false;
	search->parity = PORTMAP_ANY;
	if (!any_fits(search)) {
		rc = -EADDRNOTAVAIL;
	} else if (port_given && ip_prefix_count(&wish->prefix) == 1) {
		rc = try_exact(search);
	} else if (port_given) {
		rc = try_parity(search, PORTMAP_ANY);
	} else {
		rc = try_parity(search, want->inner.port % 2 == 0 ?
						PORTMAP_EVEN :
						PORTMAP_ODD);
		if (rc == -ENOSPC && want->ports == 1)
			rc = try_parity(search, PORTMAP_ANY);
	}
	candidate_list_done(&search->list);
	return rc;
}

static bool has_wish(const struct pool_wish *wish)
{
	return wish->name != NULL || wish->prefix.addr.family != IP_NONE;
}

/* The search is over: the run is marked as taken. */
static int take_found(struct search *search, struct pool_run **ret_run)
{
	struct pool_set *set = search->set;
	const struct pool_want *want = search->want;
	struct pool_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		goto no_run;
	run->pairing = pairing_get(&set->pairings, &want->inner, want->realm,
				   &search->address->key.addr);
	if (run->pairing == NULL)
		goto no_pairing;
	if (search->has_moved && search->free_choice)
		run->pairing->outer = search->address->key.addr;
	if (search->was_held)
		reclaim(search, search->address, search->port);
	list_init(&run->in_realm);
	run->outer = search->address->key;
	run->outer.port = search->port;
	run->address = search->address;
	run->owner = want->owner;
	run->ports = want->ports;
	run->was_held = search->was_held;
	run->side = (uint8_t)search->side;
	if (!pool_find(set->conf, &run->outer, &run->pool))
		abort(); /* it was taken out of one */
	portmap_set(&run->address->map, search->port, want->ports);
	set->pools[run->pool].use[search->side].leased += want->ports;
	*ret_run = run;
	return 0;
no_pairing:
	free(run);
no_run:
	address_put(&set->addresses[search->side], search->address);
	return -ENOMEM;
}

int pool_take(struct pool_set *set, const struct pool_want *want,
	      struct pool_run **ret_run, bool *ret_preferred)
{
	struct search search = { .set = set,
				 .side = want->protocol == RULE_TCP ? SIDE_TCP :
								      SIDE_UDP,
				 .want = want };
	const struct pool_wish *wish = &want->wish;
	bool wished = has_wish(wish);
	bool preferred = true;
	int rc;

	assert(want->ports >= 1 && want->ports <= RULE_PORTS_MAX);
	rc = find_run(&search, !wished);
	if (rc == -ENOSPC && wish->prefix.addr.family != IP_NONE)
		rc = -EADDRINUSE;
	if (wished && !wish->strict &&
	    (rc == -EADDRINUSE || rc == -EADDRNOTAVAIL || rc == -ENOSPC)) {
		preferred = false;
		rc = find_run(&search, true);
	}
	if (rc == -EADDRNOTAVAIL && wish->prefix.addr.family == IP_NONE)
		rc = -ENOSPC;
	if (rc == 0)
		rc = take_found(&search, ret_run);
	if (rc == 0)
		*ret_preferred = preferred;
	return rc;
}

const struct endpoint *pool_run_outer(const struct pool_run *run)
{
	return &run->outer;
}

void pool_give(struct pool_set *set, struct pool_run *run, bool hold,
	       uint64_t now_ms)
{
	struct pool_use *use = &set->pools[run->pool].use[run->side];
	uint64_t hold_ms = set->conf->realms[run->outer.realm].hold_down *
			   UINT64_C(1000);

	pairing_put(&set->pairings, run->pairing);
	run->pairing = NULL;
	use->leased -= run->ports;
	if (hold_ms > 0 && (hold || run->was_held)) {
		use->held += run->ports;
		run_hold(&set->held[run->side], run, now_ms + hold_ms);
		return;
	}
	portmap_clear(&run->address->map, run->outer.port, run->ports);
	address_put(&set->addresses[run->side], run->address);
	free(run);
}

size_t pool_count(const struct pool_set *set)
{
	return set->conf->pool_count;
}

void pool_describe(const struct pool_set *set, size_t index,
		   struct pool_info *ret)
{
	const struct pool_account *account = &set->pools[index];

	ret->name = set->conf->pools[index].name;
	ret->realm = set->conf->pools[index].realm;
	ret->dynamic = set->conf->pools[index].dynamic;
	ret->endpoints = account->endpoints;
	ret->udp = account->use[SIDE_UDP];
	ret->tcp = account->use[SIDE_TCP];
}
