/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints that rest: until when, and again after a restart. */
#include <errno.h>
#include <stdlib.h>

#include "natctl/pool_parts.h"

/* The pool on whose account an endpoint is: the first that has it. */
bool pool_find(const struct conf *conf, const struct endpoint *outer,
	       size_t *ret)
{
	for (size_t p = 0; p < conf->pool_count; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		if (pool->realm != outer->realm)
			continue;
		for (size_t r = 0; r < pool->range_count; r++) {
			const struct conf_range *range = &pool->ranges[r];

			if (ip_prefix_contains(&range->prefix, &outer->addr) &&
			    port_range_contains(range->ports, outer->port)) {
				*ret = p;
				return true;
			}
		}
	}
	return false;
}

static void expire_side(struct pool_set *set, enum side side, uint64_t now_ms)
{
	struct run_table *held = &set->held[side];
	struct pool_run *run = run_oldest(held);

	while (run != NULL && run->held_until_ms <= now_ms) {
		struct address *address = run->address;
		uint64_t ports = run->held_ports;

		for (unsigned i = 0; i < RULE_PORTS_MAX; i++) {
			if (!(ports >> i & 1))
				continue;
			set->pools[run->pool].use[side].held--;
			/* The last one frees the run. */
			ports &= ~(UINT64_C(1) << i);
			run_end_port(held, run, i);
			if (ports == 0)
				break;
		}
		address_put(&set->addresses[side], address);
		run = run_oldest(held);
	}
}

void pool_expire(struct pool_set *set, uint64_t now_ms)
{
	expire_side(set, SIDE_UDP, now_ms);
	expire_side(set, SIDE_TCP, now_ms);
}

uint64_t pool_deadline(const struct pool_set *set)
{
	uint64_t deadline = UINT64_MAX;

	for (size_t i = 0; i < SIDES; i++) {
		const struct pool_run *run = run_oldest(&set->held[i]);

		if (run != NULL && run->held_until_ms < deadline)
			deadline = run->held_until_ms;
	}
	return deadline;
}

static void tell_run(const struct pool_run *run, enum side side,
		     pool_hold_fn tell, void *arg)
{
	struct pool_hold hold = { .outer = run->outer,
				  .protocol = side == SIDE_TCP ? RULE_TCP :
								 RULE_UDP,
				  .ports = run->held_ports,
				  .owner = run->owner,
				  .until_ms = run->held_until_ms };

	tell(&hold, arg);
}

void pool_each_hold(const struct pool_set *set, pool_hold_fn tell, void *arg)
{
	for (enum side side = SIDE_UDP; side < SIDES; side++) {
		const struct run_table *held = &set->held[side];

		for (size_t i = 0; i < held->realm_count; i++) {
			struct list *pos;

			list_for_each(pos, &held->realms[i])
				tell_run(container_of(pos, struct pool_run,
						      in_realm),
					 side, tell, arg);
		}
	}
}

/* Every port of it in a pool, and free. 0 or -Exxx. */
static int check_free(const struct pool_set *set, const struct pool_hold *hold,
		      const struct address *address)
{
	struct endpoint at = hold->outer;
	size_t pool;

	for (unsigned i = 0; i < RULE_PORTS_MAX; i++) {
		if (!(hold->ports >> i & 1))
			continue;
		if (hold->outer.port + i > UINT16_MAX)
			return -EADDRNOTAVAIL;
		at.port = (uint16_t)(hold->outer.port + i);
		if (!pool_find(set->conf, &at, &pool))
			return -EADDRNOTAVAIL;
		if (!portmap_is_free(&address->map, at.port, 1))
			return -EADDRINUSE;
	}
	return hold->ports == 0 ? -EADDRNOTAVAIL : 0;
}

int pool_hold_again(struct pool_set *set, const struct pool_hold *hold)
{
	enum side side = hold->protocol == RULE_TCP ? SIDE_TCP : SIDE_UDP;
	struct endpoint key = { .addr = hold->outer.addr,
				.realm = hold->outer.realm };
	struct pool_run *run = calloc(1, sizeof(*run));
	struct address *address = address_get(&set->addresses[side], &key);
	int rc = run == NULL || address == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = check_free(set, hold, address);
	if (rc == 0 && !pool_find(set->conf, &hold->outer, &run->pool))
		rc = -EADDRNOTAVAIL;
	if (rc != 0) {
		if (address != NULL)
			address_put(&set->addresses[side], address);
		free(run);
		return rc;
	}
	list_init(&run->in_realm);
	run->outer = hold->outer;
	run->address = address;
	run->owner = hold->owner;
	run->side = (uint8_t)side;
	for (unsigned i = 0; i < RULE_PORTS_MAX; i++) {
		if (!(hold->ports >> i & 1))
			continue;
		run->ports = (uint16_t)(i + 1);
		set->pools[run->pool].use[side].held++;
		portmap_set(&address->map, (uint16_t)(run->outer.port + i), 1);
	}
	run_hold(&set->held[side], run, hold->until_ms);
	run->held_ports = hold->ports;
	return 0;
}
