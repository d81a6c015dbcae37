/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases into the keeper's entries, and back. */
#include "natctl/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void restore_tell_lease(const struct keeper *keeper, const struct lease *lease,
			uint64_t now_ms)
{
	struct kept_entry entry = {
		.type = KEPT_LEASE,
		.at_ms = now_ms,
		.owner = lease->group->owner->id,
		.lifetime = lease->lifetime,
		.expires_ms = lease->expires_ms,
		.preferred = lease->preferred,
		.key = lease->key,
		.rule = &lease->rule,
	};

	keeper_add(keeper, &entry);
}

void restore_tell_expiry(const struct keeper *keeper, const struct lease *lease,
			 uint64_t now_ms)
{
	struct kept_entry entry = {
		.type = KEPT_EXPIRY,
		.at_ms = now_ms,
		.lifetime = lease->lifetime,
		.expires_ms = lease->expires_ms,
		.ids = &lease->rule.id,
		.count = 1,
	};

	keeper_add(keeper, &entry);
}

void restore_tell_end(const struct keeper *keeper, const uint64_t *ids,
		      size_t count, uint64_t now_ms)
{
	struct kept_entry entry = {
		.type = KEPT_END, .at_ms = now_ms, .ids = ids, .count = count
	};

	keeper_add(keeper, &entry);
}

void manager_keep(struct manager *manager, const struct keeper *keeper)
{
	manager->keeper = *keeper;
}

uint64_t manager_epoch(const struct manager *manager)
{
	return manager->epoch;
}

void manager_set_epoch(struct manager *manager, uint64_t epoch)
{
	manager->epoch = epoch;
}

static void tell_hold(const struct pool_hold *hold, void *arg)
{
	const struct kept_entry entry = { .type = KEPT_HOLD, .hold = *hold };

	keeper_add(arg, &entry);
}

void manager_tell_all(const struct manager *manager,
		      const struct keeper *keeper)
{
	const struct lease_table *leases = &manager->leases;
	const struct kept_entry last = { .type = KEPT_LAST,
					 .ids = &leases->last_id,
					 .count = 1 };
	const struct lease *lease = NULL;
	struct keeper told;
	uint64_t id = 0;

	for (; (lease = lease_after(leases, id)) != NULL; id = lease->rule.id)
		if (lease->state == LEASE_ACTIVE &&
		    lease->group->owner->id != LEASE_OWNER_CONFIG)
			restore_tell_lease(keeper, lease, 0);
	told = *keeper;
	pool_each_hold(manager->pools, tell_hold, &told);
	keeper_add(keeper, &last);
}

/* Conditions and remote as the entry has them. */
static int copy_filter(struct lease *lease, const struct rule *rule)
{
	size_t size = rule->condition_count * sizeof(*rule->conditions);
	struct rule_condition *conditions = NULL;

	if (size > 0) {
		conditions = malloc(size);
		if (conditions == NULL)
			return -ENOMEM;
		memcpy(conditions, rule->conditions, size);
	}
	lease->rule.remote = rule->remote;
	lease->rule.latch = rule->latch;
	lease_set_conditions(lease, conditions, rule->condition_count);
	return 0;
}

/* Precisely the endpoints that it had. */
static int take_again(struct manager *manager, struct lease *lease)
{
	const struct rule *rule = &lease->rule;
	struct pool_want want = {
		.inner = rule->inner,
		.realm = rule->outer.realm,
		.protocol = rule->protocol,
		.ports = rule->ports,
		.owner = lease->group->owner->id,
		.wish = { .prefix = { .addr = rule->outer.addr },
			  .ports = { rule->outer.port, rule->outer.port },
			  .strict = true },
	};
	bool preferred;

	want.wish.prefix.bits = rule->outer.addr.family == IP_V6 ? 128 : 32;
	return pool_take(manager->pools, &want, &lease->run, &preferred);
}

static int add_again(struct manager *manager, const struct kept_entry *entry)
{
	struct lease_table *leases = &manager->leases;
	const struct rule *rule = entry->rule;
	struct lease *lease;
	int rc;

	if (rule->id <= leases->last_id)
		return -EEXIST;
	leases->last_id = rule->id - 1;
	rc = lease_add(leases, entry->owner, rule->group, &lease);
	if (rc != 0)
		return rc;
	lease->rule = *rule;
	lease->rule.conditions = NULL;
	lease->rule.condition_count = 0;
	rc = copy_filter(lease, rule);
	if (rc == 0)
		rc = take_again(manager, lease);
	if (rc != 0) {
		lease_remove(leases, lease);
		return rc;
	}
	lease->state = LEASE_ACTIVE;
	lease->preferred = entry->preferred;
	lease->key = entry->key;
	lease->lifetime = entry->lifetime;
	lease_set_expiry(leases, lease, entry->expires_ms);
	return 0;
}

static int restore_lease(struct manager *manager,
			 const struct kept_entry *entry)
{
	struct lease *lease = lease_find(&manager->leases, entry->rule->id);

	if (entry->at_ms > 0)
		pool_expire(manager->pools, entry->at_ms);
	if (lease == NULL)
		return add_again(manager, entry);
	return copy_filter(lease, entry->rule);
}

static void restore_expiry(struct manager *manager,
			   const struct kept_entry *entry)
{
	struct lease *lease = lease_find(&manager->leases, entry->ids[0]);

	if (lease == NULL)
		return;
	lease->lifetime = entry->lifetime;
	lease_set_expiry(&manager->leases, lease, entry->expires_ms);
}

static void restore_end(struct manager *manager, const struct kept_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		struct lease *lease = lease_find(&manager->leases,
						 entry->ids[i]);

		if (lease != NULL)
			grant_end(&manager->scope, lease, true, entry->at_ms);
	}
}

void manager_restore(struct manager *manager, const struct kept_entry *entry)
{
	int rc;

	switch (entry->type) {
	case KEPT_LAST:
		if (entry->ids[0] > manager->leases.last_id)
			manager->leases.last_id = entry->ids[0];
		break;
	case KEPT_LEASE:
		rc = restore_lease(manager, entry);
		if (rc != 0)
			log_warn("lease %llu of group \"%s\": %s; it is "
				 "forgotten",
				 (unsigned long long)entry->rule->id,
				 entry->rule->group, strerror(-rc));
		break;
	case KEPT_EXPIRY:
		restore_expiry(manager, entry);
		break;
	case KEPT_END:
		restore_end(manager, entry);
		break;
	case KEPT_HOLD:
		rc = pool_hold_again(manager->pools, &entry->hold);
		if (rc != 0)
			log_warn("what rests cannot be held on: %s",
				 strerror(-rc));
		break;
	}
}
