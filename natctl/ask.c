/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New leases, all or none. */
#include "natctl/ask.h"

#include <errno.h>
#include <stdlib.h>

#include "natctl/activity.h"
#include "natctl/answer.h"
#include "natctl/repeat.h"
#include "natctl/restore.h"

/* Ends the leases of an ask that was not granted. */
static void undo_ask(struct change *change, size_t count, bool hold,
		     uint64_t now_ms)
{
	struct manager *manager = change->manager;

	for (size_t i = 0; i < count; i++) {
		struct lease *lease = lease_find(&manager->leases,
						 change->items[i].lease);

		if (lease != NULL)
			grant_end(&manager->scope, lease, hold, now_ms);
	}
}

static void on_ask_done(int result, uint64_t now_ms, void *arg)
{
	struct change *change = arg;
	struct manager *manager = change->manager;
	struct fault fault;

	if (result != 0) {
		/* The rules may have been in force for a moment. */
		undo_ask(change, change->count, true, now_ms);
		manager->count.undone += change->count;
		manager->count.refused++;
		(void)task_link_fault(&fault, result);
		change_finish(change, &fault);
		return;
	}
	for (size_t i = 0; i < change->count; i++) {
		struct lease *lease = lease_find(&manager->leases,
						 change->items[i].lease);

		if (lease == NULL || lease->state != LEASE_PENDING)
			continue; /* released meanwhile */
		lease->state = LEASE_ACTIVE;
		lease->asking = NULL;
		lease_set_expiry(&manager->leases, lease,
				 now_ms + lease->lifetime * UINT64_C(1000));
		restore_tell_lease(&manager->keeper, lease, now_ms);
	}
	keeper_commit(&manager->keeper);
	activity_granted(manager, change);
	manager->count.granted += change->count;
	change_finish(change, NULL);
}

/* The leases and what is to be answered about them, in `change`. */
static int grant_ask(struct task *task, struct request_ask *ask,
		     uint32_t lifetime, struct change *change,
		     struct rule *rules)
{
	struct manager *manager = task->manager;
	struct lease *leases[REQUEST_LEASES_MAX];
	struct fault *fault = &task->answer->fault;
	size_t i;

	for (i = 0; i < ask->count; i++) {
		int rc = grant_want(&manager->scope, &task->policy, ask->group,
				    lifetime, &ask->wants[i], &leases[i],
				    fault);

		if (rc != 0)
			goto undo;
		change->items[i].lease = leases[i]->rule.id;
		rules[i] = leases[i]->rule;
	}
	change->result = answer_ask(manager->epoch, &manager->conf->names,
				    leases, ask->count, task->now_ms);
	if (change->result == NULL) {
		(void)fault_no_memory(fault);
		goto undo;
	}
	return 0;
undo:
	undo_ask(change, i, false, task->now_ms);
	return -EPROTO;
}

static int put_ask(struct task *task, struct request_ask *ask,
		   const struct lease_key *key, uint32_t lifetime)
{
	const struct translator *translator = &task->manager->translator;
	struct fault *fault = &task->answer->fault;
	struct change *change = change_new(task->manager, ask->count,
					   task->on_answer, task->arg);
	struct rule *rules = calloc(ask->count, sizeof(*rules));
	int rc = -ENOMEM;

	if (change == NULL || rules == NULL) {
		rc = fault_no_memory(fault);
		goto out;
	}
	rc = grant_ask(task, ask, lifetime, change, rules);
	if (rc != 0)
		goto out;
	for (size_t i = 0; i < ask->count; i++) {
		struct lease *lease = lease_find(&task->manager->leases,
						 change->items[i].lease);

		lease->key = *key;
		lease->asking = change;
	}
	rc = translator->ops->put(translator->link, rules, ask->count,
				  on_ask_done, change);
	if (rc != 0) {
		undo_ask(change, ask->count, false, task->now_ms);
		rc = task_link_fault(fault, rc);
		goto out;
	}
	change = NULL; /* the link's, until it is done */
	rc = -EINPROGRESS;
out:
	free(rules);
	change_free(change);
	return rc;
}

int ask_do(struct task *task)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct request_ask ask;
	struct lease_key key;
	uint32_t lifetime;
	int rc = request_parse_ask(task->params, &manager->conf->names, &ask,
				   fault);

	if (rc != 0)
		return rc;
	manager->count.asks++;
	rc = repeat_find(task, &ask, &key);
	if (rc != 0) {
		request_ask_done(&ask);
		return rc > 0 ? 0 : rc;
	}
	rc = policy_check_lifetime(&task->policy, ask.lifetime, &lifetime,
				   fault);
	if (rc == 0)
		rc = policy_check_count(&task->policy,
					lease_count_of(&manager->leases,
						       task->policy.owner),
					ask.count, fault);
	if (rc == 0)
		rc = put_ask(task, &ask, &key, lifetime);
	request_ask_done(&ask);
	return rc;
}
