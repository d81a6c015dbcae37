/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leases that a call holds, each with the limits that are in force. */
#ifndef VIADUCT_PROXY_GRANT_H
#define VIADUCT_PROXY_GRANT_H

#include "common/list.h"
#include "proxy/anchor.h"

#define GRANT_CONDITIONS_MAX 8  /* of all early dialogs of a fork together */
#define GRANTS_MAX           96 /* leases of one call */

/* Who may send into a lease, and where its inner endpoint sends to. */
struct grant_limits {
	size_t count; /* 0: anyone */
	struct rule_condition conditions[GRANT_CONDITIONS_MAX];
	struct rule_remote remote;
	struct ip_prefix latch; /* addr.family IP_NONE: it does not latch */
};

struct grant {
	struct list node; /* in grants.list */
	uint64_t lease;   /* the manager's id */
	int side;         /* enum call_side: whose endpoint inner is */
	struct endpoint inner;
	struct endpoint outer;
	uint16_t ports;
	const struct conf_media_rule *request; /* not owned: the conf's */
	struct grant_limits limits;            /* in force */
	bool marked;
	unsigned silent; /* bits: 1 in, 2 out */
};

struct grants {
	struct list list; /* of struct grant, owned */
	size_t count;
};

void grants_init(struct grants *grants);
void grants_done(struct grants *grants);
/* NULL: no memory, or GRANTS_MAX. */
struct grant *grant_add(struct grants *grants, const struct grant *value);
/*
 * The lease that serves this endpoint of that side in that realm with at least
 * that many ports, or NULL.
 */
struct grant *grant_find(const struct grants *grants, int side,
			 const struct endpoint *inner, realm_id realm,
			 uint16_t ports);
/*
 * Removes the grants that are not marked and takes all marks away; writes the
 * lease ids of the removed ones, at most GRANTS_MAX. How many.
 */
size_t grants_sweep(struct grants *grants, uint64_t ids[GRANTS_MAX]);

void grant_limits_from(struct grant_limits *limits,
		       const struct anchor_limits *anchor);
/*
 * What either admits. A remote that is not that of both becomes "anywhere"; a
 * latch that is not, a condition.
 */
void grant_limits_unite(struct grant_limits *limits,
			const struct grant_limits *more);
bool grant_limits_equal(const struct grant_limits *a,
			const struct grant_limits *b);
/* Anyone may send. */
bool grant_limits_open(const struct grant_limits *limits);
/* The far party is another one, or elsewhere: it is latched on to anew. */
bool grant_limits_latch_anew(const struct grant_limits *before,
			     const struct grant_limits *now);

#endif
