/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases of the configuration. */
#include "natctl/fixed.h"

#include <assert.h>
#include <errno.h>

_Static_assert(CONF_STATICS_MAX <= LEASE_GROUP_MAX, "they are one group");

static int add(const struct grant_scope *scope, const struct conf_static *entry)
{
	struct pool_want want = { .inner = entry->inner,
				  .realm = entry->outer.realm,
				  .protocol = entry->protocol,
				  .ports = entry->ports,
				  .owner = LEASE_OWNER_CONFIG,
				  .wish = { .strict = true } };
	struct lease *lease;
	int rc;

	want.wish.prefix = ip_prefix_of(&entry->outer.addr);
	want.wish.ports.first = entry->outer.port;
	want.wish.ports.last = entry->outer.port;
	rc = lease_add(scope->leases, LEASE_OWNER_CONFIG, FIXED_GROUP, &lease);
	if (rc != 0)
		return rc;
	rc = pool_take(scope->pools, &want, &lease->run, &lease->preferred);
	if (rc != 0) {
		/* conf_read has seen that it is free, and in a pool. */
		assert(rc == -ENOMEM);
		lease_remove(scope->leases, lease);
		return rc;
	}
	lease->rule.inner = entry->inner;
	lease->rule.outer = entry->outer;
	lease->rule.ports = entry->ports;
	lease->rule.kind = entry->kind;
	lease->rule.protocol = (uint8_t)entry->protocol;
	lease->rule.timer = grant_timer(lease->rule.protocol);
	lease->state = LEASE_ACTIVE;
	return 0;
}

int fixed_add(const struct grant_scope *scope)
{
	for (size_t i = 0; i < scope->conf->static_count; i++) {
		int rc = add(scope, &scope->conf->statics[i]);

		if (rc != 0)
			return rc;
	}
	return 0;
}
