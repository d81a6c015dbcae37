/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoints of the pools are free, leased or held, for UDP and for TCP
 * apart. Pure: time and the seed of the random choice are arguments.
 *
 * An endpoint that is given back is held for the realm's hold_down: nobody
 * gets it, except its last owner who asks for precisely that endpoint. Memory
 * is used only for addresses of which a port is leased or held.
 */
#ifndef VIADUCT_NATCTL_POOL_H
#define VIADUCT_NATCTL_POOL_H

#include "common/conf.h"
#include "common/rule.h"

struct pool_set;

/* What is asked for. All zero: any endpoint of the realm's own pool. */
struct pool_wish {
	struct ip_prefix prefix; /* family IP_NONE: not by address */
	/* With prefix; first == 0: any; first == last: exactly this port. */
	struct port_range ports;
	const char *name; /* of a pool, or NULL */
	bool strict;      /* nothing else will do */
};

struct pool_want {
	struct endpoint inner; /* whose parity and outer address are kept */
	realm_id realm;
	enum rule_protocol protocol;
	uint16_t ports; /* consecutive, 1..RULE_PORTS_MAX */
	uint64_t owner;
	/* enum ip_family of a free choice; IP_NONE: that of `inner`. */
	uint8_t family;
	struct pool_wish wish;
	/* Only endpoints in one of these; count 0: all. Not owned. */
	const struct conf_range *within;
	size_t within_count;
};

/* Consecutive endpoints that were taken together. */
struct pool_run;

struct pool_use { /* endpoints */
	uint64_t leased;
	uint64_t held;
};

struct pool_info {
	const char *name;
	realm_id realm;
	bool dynamic;       /* the translator's: leased as a whole */
	uint64_t endpoints; /* == free + leased + held, of each protocol */
	struct pool_use udp;
	struct pool_use tcp;
};

/* `conf` must outlive the set. NULL: no memory. */
struct pool_set *pool_set_new(const struct conf *conf, uint64_t seed);
void pool_set_free(struct pool_set *set);

/*
 * A port that may be chosen keeps the inner port's parity; a single port
 * changes it when no other is left (RFC 4787 REQ-4, RFC 3550 section 11). The
 * address is that of the inner address's other leases in this realm where
 * possible (RFC 4787 REQ-2). *ret_preferred: as wished, or nothing was wished.
 * 0, or -ENOSPC: nothing is left; -EADDRINUSE: what was strictly wished is
 * taken; -EADDRNOTAVAIL: it is in no pool of the realm; -ENOENT: the realm has
 * no pool of that name; -EPERM: nothing of it is `within`; -ENOMEM.
 */
int pool_take(struct pool_set *set, const struct pool_want *want,
	      struct pool_run **ret_run, bool *ret_preferred);
/* The first endpoint of the run. */
const struct endpoint *pool_run_outer(const struct pool_run *run);
/* Takes the run over. `hold`: it was in use, so it is held first. */
void pool_give(struct pool_set *set, struct pool_run *run, bool hold,
	       uint64_t now_ms);
/* Ends the holding of what was given back long enough ago. */
void pool_expire(struct pool_set *set, uint64_t now_ms);
/* When pool_expire has something to do; UINT64_MAX: never. */
uint64_t pool_deadline(const struct pool_set *set);

/* Endpoints that rest: outer.port + i where bit i of `ports` is set. */
struct pool_hold {
	struct endpoint outer;
	uint8_t protocol; /* enum rule_protocol */
	uint64_t ports;
	uint64_t owner; /* who gets them all the same */
	uint64_t until_ms;
};

typedef void (*pool_hold_fn)(const struct pool_hold *hold, void *arg);
/* Of a realm the one whose hold ends first is told first. */
void pool_each_hold(const struct pool_set *set, pool_hold_fn tell, void *arg);
/*
 * Holds what another set held, in the order in which it told. 0;
 * -EADDRNOTAVAIL: not of a pool; -EADDRINUSE: it is taken; -ENOMEM.
 */
int pool_hold_again(struct pool_set *set, const struct pool_hold *hold);

size_t pool_count(const struct pool_set *set);
void pool_describe(const struct pool_set *set, size_t index,
		   struct pool_info *ret);

#endif
