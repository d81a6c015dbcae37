/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long leases live: refresh, release, expiry. */
#include "natctl/lifetime.h"

#include <errno.h>
#include <stdlib.h>

#include "natctl/answer.h"
#include "natctl/event.h"
#include "natctl/restore.h"

#define EXPIRE_BATCH    1024 /* leases that end in one change */
#define EXPIRE_RETRY_MS 100  /* without memory for it */

static int refresh_leases(struct task *task, struct request_refresh *refresh,
			  uint32_t lifetime)
{
	struct lease_table *leases = &task->manager->leases;
	struct task_selection selection;
	int rc = task_select(task, &refresh->target, &selection);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < selection.count; i++) {
		struct lease *lease = lease_find(leases, selection.ids[i]);

		lease->lifetime = lifetime;
		if (lease->state == LEASE_ACTIVE)
			lease_set_expiry(leases, lease,
					 task->now_ms +
						 lifetime * UINT64_C(1000));
		if (lease->state == LEASE_ACTIVE)
			restore_tell_expiry(&task->manager->keeper, lease,
					    task->now_ms);
	}
	keeper_commit(&task->manager->keeper);
	task->manager->count.refreshed += selection.count;
	free(selection.ids);
	return task_answer(task, answer_count("refreshed", selection.count));
}

int lifetime_refresh(struct task *task)
{
	struct fault *fault = &task->answer->fault;
	struct request_refresh refresh;
	uint32_t lifetime;
	int rc = request_parse_refresh(task->params, &refresh, fault);

	if (rc != 0)
		return rc;
	rc = policy_check_lifetime(&task->policy, refresh.lifetime, &lifetime,
				   fault);
	if (rc == 0)
		rc = refresh_leases(task, &refresh, lifetime);
	request_refresh_done(&refresh);
	return rc;
}

static void end_leases(struct manager *manager, const struct change *change,
		       uint64_t now_ms)
{
	for (size_t i = 0; i < change->count; i++) {
		struct lease *lease = lease_find(&manager->leases,
						 change->items[i].lease);

		if (lease != NULL)
			grant_end(&manager->scope, lease, true, now_ms);
	}
}

static void on_remove_done(int result, uint64_t now_ms, void *arg)
{
	struct change *change = arg;

	/* Whatever the result: the synchronisation will not have them. */
	(void)result;
	end_leases(change->manager, change, now_ms);
	change_finish(change, NULL);
}

/* `policy`: of who releases it; NULL: it has expired. */
static void tell_end(struct manager *manager, const struct lease *lease,
		     const struct policy *policy)
{
	if (policy == NULL)
		event_ended(manager, EVENT_EXPIRED, lease, NULL);
	else
		event_ended(manager, EVENT_RELEASED, lease,
			    policy->owner == lease->group->owner->id ?
				    "owner" :
				    "administrator");
}

/*
 * The leases leave. 0: they are gone (the translator is not there) and `change`
 * is still the caller's; -EINPROGRESS: it is the link's; -ENOMEM: neither.
 */
static int remove_leases(struct manager *manager, const uint64_t *ids,
			 struct change *change, const struct policy *policy,
			 uint64_t now_ms)
{
	const struct translator *translator = &manager->translator;
	int rc = translator->ops->remove(translator->link, ids, change->count,
					 on_remove_done, change);

	if (rc == -ENOMEM)
		return rc;
	for (size_t i = 0; i < change->count; i++) {
		struct lease *lease = lease_find(&manager->leases, ids[i]);

		change->items[i].lease = ids[i];
		tell_end(manager, lease, policy);
		lease->state = LEASE_LEAVING;
		lease_clear_expiry(&manager->leases, lease);
		grant_leave(&manager->scope, lease, now_ms);
	}
	/* Before the answer, and before the rules go: one that is back after
	 * a restart would have no one to end it. */
	restore_tell_end(&manager->keeper, ids, change->count, now_ms);
	keeper_commit(&manager->keeper);
	if (rc == 0)
		return -EINPROGRESS;
	end_leases(manager, change, now_ms);
	return 0;
}

static int release_selected(struct task *task,
			    const struct task_selection *selection)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct change *change = change_new(manager, selection->count,
					   task->on_answer, task->arg);
	int rc;

	if (change == NULL)
		return fault_no_memory(fault);
	change->result = answer_count("released", selection->count);
	rc = change->result == NULL ?
		     -ENOMEM :
		     remove_leases(manager, selection->ids, change,
				   &task->policy, task->now_ms);
	if (rc == -ENOMEM) {
		rc = fault_no_memory(fault);
	} else {
		manager->count.released += selection->count;
		if (rc == -EINPROGRESS)
			return rc;
		rc = task_answer(task, json_incref(change->result));
	}
	change_free(change);
	return rc;
}

int lifetime_release(struct task *task)
{
	struct request_target target;
	struct task_selection selection;
	int rc = request_parse_release(task->params, &target,
				       &task->answer->fault);

	if (rc != 0)
		return rc;
	rc = task_select(task, &target, &selection);
	if (rc == 0) {
		rc = release_selected(task, &selection);
		free(selection.ids);
	}
	request_target_done(&target);
	return rc;
}

/* Takes those that are over off the heap. */
static size_t collect_expired(struct manager *manager, uint64_t *ids,
			      uint64_t now_ms)
{
	size_t count = 0;

	while (count < EXPIRE_BATCH) {
		struct lease *lease = lease_first_expiry(&manager->leases);

		if (lease == NULL || lease->expires_ms > now_ms)
			break;
		lease_clear_expiry(&manager->leases, lease);
		ids[count++] = lease->rule.id;
	}
	return count;
}

void lifetime_expire(struct manager *manager, uint64_t now_ms)
{
	uint64_t ids[EXPIRE_BATCH];
	size_t count;

	while ((count = collect_expired(manager, ids, now_ms)) > 0) {
		struct change *change = change_new(manager, count, NULL, NULL);
		int rc = change == NULL ? -ENOMEM :
					  remove_leases(manager, ids, change,
							NULL, now_ms);

		if (rc != -EINPROGRESS)
			change_free(change);
		if (rc != -ENOMEM) {
			manager->count.expired += count;
			continue;
		}
		for (size_t i = 0; i < count; i++)
			lease_set_expiry(&manager->leases,
					 lease_find(&manager->leases, ids[i]),
					 now_ms + EXPIRE_RETRY_MS);
	}
}
