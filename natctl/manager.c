/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spine: a request becomes leases, leases become rules, and when these are
 * in force the request is answered.
 *
 * ask      (ask.c) parse - policy - grant each wanted lease (LEASE_PENDING, endpoints
 *          taken) - build the answer - put the rules - [acknowledged] - the
 *          leases are LEASE_ACTIVE, their lifetime runs - answer. Whatever
 *          fails on the way undoes all leases of the ask.
 * tighten  parse - policy - put changed copies of the rules - [acknowledged] -
 *          the leases take the changes over - answer.
 * release  (and expiry) remove the rules - the leases are LEASE_LEAVING:
 *          nobody sees them any more - endpoints back to the pool, since a
 *          rule that is put from now on comes after the removal -
 *          [acknowledged] - answer.
 * refresh, list, pools, status   answered at once.
 *
 * Leases and rules stay in step because the link tells how each change ended,
 * in the order in which they were made; when it cannot (-ECONNRESET), pending
 * leases and changes are undone and leaving leases are gone, and the link,
 * when it is up again, synchronises what manager_next_rule then has. Changes
 * name leases by id: a change before may have ended them.
 */
#include "natctl/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natctl/ask.h"
#include "natctl/event.h"
#include "natctl/fixed.h"
#include "natctl/inspect.h"
#include "natctl/lifetime.h"
#include "natctl/task.h"
#include "natctl/tighten.h"

static const struct {
	const char *name;
	task_fn run;
} methods[] = {
	{ "ask", ask_do },
	{ "tighten", tighten_do },
	{ "refresh", lifetime_refresh },
	{ "release", lifetime_release },
	{ "list", inspect_list },
	{ "pools", inspect_pools },
	{ "status", inspect_status },
	{ "subscribe", subscription_subscribe },
	{ "unsubscribe", subscription_unsubscribe },
};

struct manager *manager_new(const struct manager_options *options)
{
	struct manager *manager = calloc(1, sizeof(*manager));

	if (manager == NULL)
		return NULL;
	subscription_book_init(&manager->subscriptions);
	manager->conf = options->conf;
	manager->epoch = options->epoch;
	manager->owner = options->owner;
	manager->translator = options->translator;
	manager->guests = options->guests;
	if (lease_table_init(&manager->leases, options->seed) != 0)
		goto no_leases;
	manager->pools = pool_set_new(options->conf, options->seed);
	if (manager->pools == NULL)
		goto no_pools;
	manager->scope.conf = options->conf;
	manager->scope.pools = manager->pools;
	manager->scope.leases = &manager->leases;
	manager->scope.is_own = options->is_own;
	manager->scope.arg = options->arg;
	manager->quotas = calloc(options->conf->client_count + 1,
				 sizeof(*manager->quotas));
	if (manager->quotas != NULL && fixed_add(&manager->scope) == 0)
		return manager;
	manager_free(manager);
	return NULL;
no_pools:
	lease_table_done(&manager->leases);
no_leases:
	free(manager);
	return NULL;
}

void manager_free(struct manager *manager)
{
	struct lease *lease;

	if (manager == NULL)
		return;
	while ((lease = lease_after(&manager->leases, 0)) != NULL)
		grant_end(&manager->scope, lease, false, 0);
	subscription_book_done(&manager->subscriptions);
	lease_table_done(&manager->leases);
	pool_set_free(manager->pools);
	free(manager->quotas);
	free(manager);
}

static task_fn find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].run;
	}
	return NULL;
}

static int find_policy(struct manager *manager,
		       const struct manager_request *request,
		       struct policy *ret, struct fault *fault)
{
	if (request->guest == NULL)
		return policy_find(manager->conf, manager->owner, request->uid,
				   ret, fault);
	policy_of_guest(manager->conf, request->guest, &request->from, ret);
	return 0;
}

static int check_quota(struct manager *manager, const struct policy *policy,
		       uint64_t now_ms, struct fault *fault)
{
	if (policy->client == NULL)
		return 0;
	return quota_take(
		&manager->quotas[policy->client - manager->conf->clients],
		policy->client, now_ms, fault);
}

int manager_request(struct manager *manager,
		    const struct manager_request *request, uint64_t now_ms,
		    manager_answer_fn on_answer, void *arg,
		    struct manager_answer *ret)
{
	struct task task = { .manager = manager,
			     .client = request->client,
			     .params = request->params,
			     .now_ms = now_ms,
			     .on_answer = on_answer,
			     .arg = arg,
			     .answer = ret };
	task_fn run = find_method(request->method);
	int rc;

	memset(ret, 0, sizeof(*ret));
	manager_tick(manager, now_ms);
	if (run == NULL)
		rc = fault_set(&ret->fault, RPC_METHOD_NOT_FOUND,
			       "there is no method \"%s\"", request->method);
	else
		rc = find_policy(manager, request, &task.policy, &ret->fault);
	if (rc == 0 && run == ask_do)
		rc = check_quota(manager, &task.policy, now_ms, &ret->fault);
	if (rc == 0)
		rc = run(&task);
	if (rc == -EPROTO) {
		manager->count.refused++;
		rc = 0;
	}
	return rc;
}

void manager_tick(struct manager *manager, uint64_t now_ms)
{
	lifetime_expire(manager, now_ms);
	pool_expire(manager->pools, now_ms);
	event_tick(manager, now_ms);
}

uint64_t manager_deadline(const struct manager *manager)
{
	const struct lease *lease = lease_first_expiry(&manager->leases);
	uint64_t pool_ms = pool_deadline(manager->pools);

	if (lease == NULL || pool_ms < lease->expires_ms)
		return pool_ms;
	return lease->expires_ms;
}

const struct rule *manager_next_rule(const struct manager *manager, uint64_t id)
{
	const struct lease *lease = lease_after(&manager->leases, id);

	while (lease != NULL && lease->state != LEASE_ACTIVE)
		lease = lease_after(&manager->leases, lease->rule.id);
	return lease == NULL ? NULL : &lease->rule;
}
