/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted becomes a lease, if policy, realms and pools allow it. */
#ifndef VIADUCT_NATCTL_GRANT_H
#define VIADUCT_NATCTL_GRANT_H

#include "natctl/lease.h"
#include "natctl/policy.h"
#include "natctl/request.h"

/* Is it an address of this machine, in that realm? */
typedef bool (*grant_is_own_fn)(const struct endpoint *endpoint, void *arg);

/* Seconds that a permit of a one-way rule lasts: RFC 4787 REQ-5, RFC 5382
 * REQ-5. */
#define GRANT_TIMER_UDP 300
#define GRANT_TIMER_TCP 7440

uint32_t grant_timer(uint8_t protocol);

struct grant_scope {
	const struct conf *conf;
	struct pool_set *pools;
	struct lease_table *leases;
	grant_is_own_fn is_own;
	void *arg;
};

/*
 * A lease, LEASE_PENDING, with its endpoints taken out of the pool and its
 * rule complete. Takes the conditions out of `want`. 0 or -EPROTO.
 */
int grant_want(const struct grant_scope *scope, const struct policy *policy,
	       const char *group, uint32_t lifetime, struct request_want *want,
	       struct lease **ret_lease, struct fault *fault);
/*
 * May conditions, remote and latch of the lease become these? 0 or -EPROTO.
 */
int grant_check_filter(const struct grant_scope *scope,
		       const struct policy *policy, const struct rule *rule,
		       const struct request_filter *filter,
		       struct fault *fault);
/* The removal of its rule is under way; its endpoints return to the pool. */
void grant_leave(const struct grant_scope *scope, struct lease *lease,
		 uint64_t now_ms);
/* The lease ends; its endpoints return to the pool if they have not yet. */
void grant_end(const struct grant_scope *scope, struct lease *lease, bool hold,
	       uint64_t now_ms);

#endif
