/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted becomes a lease, if policy, realms and pools allow it. */
#include "natctl/grant.h"

#include <errno.h>

#include "natctl/candidate.h"

/* An endpoint inside: a real one of its realm, none of ours. 0 or -EPROTO. */
static int check_inside(const struct conf *conf, const char *what,
			const struct endpoint *endpoint, uint16_t ports,
			struct fault *fault)
{
	const struct ip_addr *addr = &endpoint->addr;
	const char *realm = conf->realms[endpoint->realm].name;
	char text[IP_ADDR_TEXT];

	ip_addr_format(addr, text);
	if (endpoint->port + ports - 1u > UINT16_MAX)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "%s: %u ports from %u on go beyond 65535",
				 what, ports, endpoint->port);
	if (ip_addr_is_any(addr) || ip_addr_is_loopback(addr) ||
	    ip_addr_is_multicast(addr) || ip_addr_is_broadcast(addr))
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "%s: %s is no address of a host in a network",
				 what, text);
	if (conf_realm_of(conf, endpoint->realm, addr) != endpoint->realm)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "%s: %s is not an address of realm \"%s\"",
				 what, text, realm);
	for (unsigned i = 0; i < ports; i++) {
		uint16_t port = (uint16_t)(endpoint->port + i);

		if (conf_in_pool(conf, endpoint->realm, addr, port))
			return fault_set(fault, RPC_INVALID_PARAMS,
					 "%s: %s:%u is in a pool of realm "
					 "\"%s\"",
					 what, text, port, realm);
	}
	return 0;
}

/* Is it an address of the machine that asks? */
static bool is_own(const struct grant_scope *scope, const struct policy *policy,
		   const struct endpoint *endpoint)
{
	if (policy->from.addr.family == IP_NONE)
		return scope->is_own(endpoint, scope->arg);
	return endpoint->realm == policy->from.realm &&
	       ip_addr_equal(&endpoint->addr, &policy->from.addr);
}

static int check_conditions(const struct grant_scope *scope,
			    const struct policy *policy,
			    const struct rule *rule,
			    const struct request_filter *filter,
			    struct fault *fault)
{
	for (size_t i = 0; i < filter->condition_count; i++) {
		const struct rule_condition *condition = &filter->conditions[i];
		const struct endpoint *target = &condition->target;
		int rc;

		if (condition->source.addr.family != rule->outer.addr.family)
			return fault_set(fault, RPC_INVALID_PARAMS,
					 "conditions: a source is not of the "
					 "outer endpoint's IP version");
		if (target->addr.family == IP_NONE)
			continue;
		rc = check_inside(scope->conf, "target", target, rule->ports,
				  fault);
		if (rc == 0)
			rc = policy_check_third_party(
				policy, is_own(scope, policy, target), fault);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int check_latch(const struct rule *rule, const struct ip_prefix *latch,
		       struct fault *fault)
{
	if (latch->addr.family == IP_NONE)
		return 0;
	if (latch->addr.family != rule->outer.addr.family)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "latch: not of the outer endpoint's IP "
				 "version");
	if (rule->protocol != RULE_UDP || rule->kind != RULE_BOTH ||
	    rule->ports > RULE_LATCH_PORTS)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "latch: only udp of kind both with at most %d "
				 "ports latches",
				 RULE_LATCH_PORTS);
	return 0;
}

int grant_check_filter(const struct grant_scope *scope,
		       const struct policy *policy, const struct rule *rule,
		       const struct request_filter *filter, struct fault *fault)
{
	const struct rule_remote *remote = &filter->remote;
	int rc = check_latch(rule, &filter->latch, fault);

	if (rc != 0)
		return rc;
	if (remote->prefix.addr.family != IP_NONE &&
	    remote->prefix.addr.family != rule->outer.addr.family)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "remote: not of the outer endpoint's IP "
				 "version");
	if (rule->keep_source &&
	    rule->inner.addr.family != rule->outer.addr.family)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "keep_source: the outer endpoint is of "
				 "another IP version");
	if (remote->port + rule->ports - 1u > UINT16_MAX)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "remote: %u ports from %u on go beyond 65535",
				 rule->ports, remote->port);
	return check_conditions(scope, policy, rule, filter, fault);
}

static int take_fault(const struct grant_scope *scope,
		      const struct pool_want *want, int rc, struct fault *fault)
{
	const char *realm = scope->conf->realms[want->realm].name;

	switch (-rc) {
	case EADDRINUSE:
		return fault_set(fault, RPC_NOT_AVAILABLE,
				 "the requested endpoint of realm \"%s\" is "
				 "taken",
				 realm);
	case EADDRNOTAVAIL:
		return fault_set(fault, RPC_NOT_AVAILABLE,
				 "the requested endpoint is in no pool of "
				 "realm \"%s\"",
				 realm);
	case ENOENT:
		return fault_set(fault, RPC_NOT_AVAILABLE,
				 "realm \"%s\" has no pool \"%s\"", realm,
				 want->wish.name);
	case EPERM:
		return fault_set(fault, RPC_NOT_AUTHORIZED,
				 "none of the outer endpoints that the client "
				 "may have fits");
	case ENOSPC:
		return fault_set(fault, RPC_NO_ENDPOINT,
				 "no endpoint left in pool \"%s\"",
				 want->wish.name != NULL ? want->wish.name :
							   realm);
	default:
		return fault_no_memory(fault);
	}
}

/* Whom it is for says of which family it has to be, if `family` does not. */
static uint8_t asked_family(const struct request_want *want)
{
	const struct request_filter *filter = &want->filter;

	if (want->family != IP_NONE)
		return want->family;
	if (want->keep_source)
		return want->inner.addr.family;
	if (filter->remote.prefix.addr.family != IP_NONE)
		return filter->remote.prefix.addr.family;
	if (filter->latch.addr.family != IP_NONE)
		return filter->latch.addr.family;
	return filter->condition_count > 0 ?
		       filter->conditions[0].source.addr.family :
		       IP_NONE;
}

static struct pool_want pool_want_of(const struct grant_scope *scope,
				     const struct policy *policy,
				     const struct request_want *want)
{
	struct pool_want pool_want = { .inner = want->inner,
				       .realm = want->realm,
				       .protocol = want->protocol,
				       .ports = want->ports,
				       .owner = policy->owner,
				       .wish = want->wish };

	if (want->wish.prefix.addr.family == IP_NONE)
		pool_want.family = asked_family(want);
	pool_want.family = candidate_family(scope->conf, &pool_want);
	return pool_want;
}

static int take_endpoints(const struct grant_scope *scope,
			  const struct policy *policy,
			  const struct request_want *want, struct lease *lease,
			  struct fault *fault)
{
	struct pool_want pool_want = pool_want_of(scope, policy, want);
	int rc;

	pool_want.within_count = policy_within(policy, &pool_want.within);
	rc = pool_take(scope->pools, &pool_want, &lease->run,
		       &lease->preferred);
	if (rc != 0)
		return take_fault(scope, &pool_want, rc, fault);
	lease->rule.outer = *pool_run_outer(lease->run);
	return 0;
}

static int add_lease(const struct grant_scope *scope,
		     const struct policy *policy, const char *group,
		     struct lease **ret_lease, struct fault *fault)
{
	switch (-lease_add(scope->leases, policy->owner, group, ret_lease)) {
	case 0:
		return 0;
	case EDQUOT:
		return fault_set(fault, RPC_LIMIT,
				 "a group has %d leases at "
				 "most",
				 LEASE_GROUP_MAX);
	case ENOSPC:
		return fault_set(fault, RPC_LIMIT,
				 "there are %d leases at "
				 "most",
				 LEASE_MAX);
	default:
		return fault_no_memory(fault);
	}
}

uint32_t grant_timer(uint8_t protocol)
{
	return protocol == RULE_TCP ? GRANT_TIMER_TCP : GRANT_TIMER_UDP;
}

int grant_want(const struct grant_scope *scope, const struct policy *policy,
	       const char *group, uint32_t lifetime, struct request_want *want,
	       struct lease **ret_lease, struct fault *fault)
{
	struct request_filter *filter = &want->filter;
	struct lease *lease;
	int rc = policy_check_want(policy, want,
				   is_own(scope, policy, &want->inner), fault);

	if (rc == 0)
		rc = check_inside(scope->conf, "inner", &want->inner,
				  want->ports, fault);
	if (rc == 0)
		rc = add_lease(scope, policy, group, &lease, fault);
	if (rc != 0)
		return rc;
	lease->lifetime = lifetime;
	lease->rule.inner = want->inner;
	lease->rule.remote = filter->remote;
	lease->rule.ports = want->ports;
	lease->rule.kind = want->kind;
	lease->rule.protocol = want->protocol;
	lease->rule.keep_source = want->keep_source;
	lease->rule.latch.prefix = filter->latch;
	lease->rule.timer = grant_timer(want->protocol);
	lease->rule.outer.addr.family =
		pool_want_of(scope, policy, want).family;
	rc = grant_check_filter(scope, policy, &lease->rule, filter, fault);
	if (rc == 0)
		rc = take_endpoints(scope, policy, want, lease, fault);
	if (rc != 0) {
		lease_remove(scope->leases, lease);
		return rc;
	}
	lease_set_conditions(lease, filter->conditions,
			     filter->condition_count);
	filter->conditions = NULL;
	filter->condition_count = 0;
	*ret_lease = lease;
	return 0;
}

void grant_leave(const struct grant_scope *scope, struct lease *lease,
		 uint64_t now_ms)
{
	struct pool_run *run = lease->run;

	lease->run = NULL;
	if (run != NULL)
		pool_give(scope->pools, run, true, now_ms);
}

void grant_end(const struct grant_scope *scope, struct lease *lease, bool hold,
	       uint64_t now_ms)
{
	struct pool_run *run = lease->run;

	lease->run = NULL;
	lease_remove(scope->leases, lease);
	if (run != NULL)
		pool_give(scope->pools, run, hold, now_ms);
}
