/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other conditions and remotes for leases, all or none, without a gap. */
#include "natctl/tighten.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natctl/answer.h"
#include "natctl/restore.h"

static void on_tighten_done(int result, uint64_t now_ms, void *arg)
{
	struct change *change = arg;
	struct manager *manager = change->manager;
	struct fault fault;

	for (size_t i = 0; i < change->count; i++) {
		struct change_item *item = &change->items[i];
		struct lease *lease = lease_find(&manager->leases, item->lease);

		if (lease == NULL)
			continue;
		lease->changing--;
		if (result != 0)
			continue;
		lease_set_conditions(lease, item->conditions,
				     item->condition_count);
		lease->rule.remote = item->remote;
		/* Of the same round it knows more than was sent. */
		if (lease->rule.latch.round != item->latch.round)
			lease->rule.latch = item->latch;
		item->conditions = NULL;
		if (lease->state == LEASE_ACTIVE)
			restore_tell_lease(&manager->keeper, lease, now_ms);
	}
	keeper_commit(&manager->keeper);
	if (result == 0) {
		manager->count.changed += change->count;
		change_finish(change, NULL);
		return;
	}
	manager->count.refused++;
	(void)task_link_fault(&fault, result);
	change_finish(change, &fault);
}

/* Conditions stay unless others are given; the item owns a copy of its own. */
static int fill_conditions(const struct lease *lease,
			   struct request_filter *filter,
			   struct change_item *item)
{
	size_t size = lease->rule.condition_count * sizeof(*item->conditions);

	if (filter->has_conditions) {
		item->conditions = filter->conditions;
		item->condition_count = filter->condition_count;
		filter->conditions = NULL;
		return 0;
	}
	if (size == 0)
		return 0;
	item->conditions = malloc(size);
	if (item->conditions == NULL)
		return -ENOMEM;
	memcpy(item->conditions, lease->conditions, size);
	item->condition_count = lease->rule.condition_count;
	return 0;
}

/* Each time that a prefix is signalled a round of latching begins. */
static void fill_latch(const struct lease *lease,
		       const struct request_filter *filter,
		       struct change_item *item)
{
	item->latch = lease->changing > 0 ? lease->latch_sent :
					    lease->rule.latch;
	if (filter->has_latch)
		item->latch = (struct rule_latch){
			.prefix = filter->latch, .round = item->latch.round + 1
		};
}

/* One change: what the lease will be, and the rule for it. */
static int prepare(struct task *task, struct request_change *wanted,
		   struct change_item *item, struct rule *rule)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct request_filter *filter = &wanted->filter;
	const struct lease *lease = task_find(task, wanted->lease);
	int rc = task_check_change(task, wanted->lease);

	if (rc != 0)
		return rc;
	if (lease->state != LEASE_ACTIVE)
		return fault_set(fault, RPC_NOT_FOUND, "there is no lease %llu",
				 (unsigned long long)wanted->lease);
	if (lease->changing > 0 &&
	    !(filter->has_conditions && filter->has_remote))
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "lease %llu is being changed: conditions and "
				 "remote are both needed",
				 (unsigned long long)wanted->lease);
	rc = grant_check_filter(&manager->scope, &task->policy, &lease->rule,
				filter, fault);
	if (rc != 0)
		return rc;
	if (fill_conditions(lease, filter, item) != 0)
		return fault_no_memory(fault);
	item->lease = wanted->lease;
	item->remote = filter->has_remote ? filter->remote : lease->rule.remote;
	fill_latch(lease, filter, item);
	*rule = lease->rule;
	rule->remote = item->remote;
	rule->latch = item->latch;
	rule->conditions = item->conditions;
	rule->condition_count = item->condition_count;
	return 0;
}

static int put_changes(struct task *task, struct request_tighten *tighten,
		       struct change *change, struct rule *rules)
{
	struct manager *manager = task->manager;
	const struct translator *translator = &manager->translator;
	int rc = 0;

	for (size_t i = 0; i < tighten->count && rc == 0; i++)
		rc = prepare(task, &tighten->changes[i], &change->items[i],
			     &rules[i]);
	if (rc != 0)
		return rc;
	rc = translator->ops->put(translator->link, rules, tighten->count,
				  on_tighten_done, change);
	if (rc != 0)
		return task_link_fault(&task->answer->fault, rc);
	for (size_t i = 0; i < tighten->count; i++) {
		struct lease *lease = lease_find(&manager->leases,
						 change->items[i].lease);

		lease->changing++;
		lease->latch_sent = change->items[i].latch;
	}
	return -EINPROGRESS;
}

int tighten_do(struct task *task)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct request_tighten tighten;
	struct change *change;
	struct rule *rules;
	int rc = request_parse_tighten(task->params, &manager->conf->names,
				       &tighten, fault);

	if (rc != 0)
		return rc;
	change = change_new(manager, tighten.count, task->on_answer, task->arg);
	rules = calloc(tighten.count, sizeof(*rules));
	if (change != NULL)
		change->result = answer_count("changed", tighten.count);
	if (change == NULL || rules == NULL || change->result == NULL)
		rc = fault_no_memory(fault);
	else
		rc = put_changes(task, &tighten, change, rules);
	if (rc != -EINPROGRESS)
		change_free(change);
	free(rules);
	request_tighten_done(&tighten);
	return rc;
}
