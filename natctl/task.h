/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request on its way through the manager, and what all kinds need. */
#ifndef VIADUCT_NATCTL_TASK_H
#define VIADUCT_NATCTL_TASK_H

#include "natctl/change.h"
#include "natctl/grant.h"
#include "natctl/kept.h"
#include "natctl/manager.h"
#include "natctl/quota.h"
#include "natctl/request.h"
#include "natctl/subscription.h"

struct manager {
	const struct conf *conf; /* not owned */
	uint64_t epoch;
	uint32_t owner;
	struct translator translator;
	struct keeper keeper;
	struct pool_set *pools; /* owned */
	struct lease_table leases;
	struct grant_scope scope;
	struct quota *quotas;             /* owned, of conf->clients */
	const struct guest_count *guests; /* not owned; NULL: none come */
	struct subscription_book subscriptions;
	struct {
		uint64_t asks;
		uint64_t granted;
		uint64_t refused; /* requests of any kind */
		uint64_t refreshed;
		uint64_t changed;
		uint64_t released;
		uint64_t expired;
		uint64_t undone; /* not acknowledged by the translator */
	} count;
};

struct task {
	struct manager *manager;
	struct policy policy;
	void *client; /* as in struct manager_request */
	const json_t *params;
	uint64_t now_ms;
	manager_answer_fn on_answer;
	void *arg;
	struct manager_answer *answer; /* where an immediate one goes */
};

/* 0: answered; -EINPROGRESS; -EPROTO: task->answer->fault says why not. */
typedef int (*task_fn)(struct task *task);

/* 0, or -EPROTO where `result` is NULL (no memory). */
int task_answer(struct task *task, json_t *result);
/* How a change ended that the link refused or lost. Always -EPROTO. */
int task_link_fault(struct fault *fault, int result);

/* A lease that the client may see; NULL: none. */
struct lease *task_find(const struct task *task, uint64_t id);
/* May the client change or end it? 0 or -EPROTO. */
int task_check_change(struct task *task, uint64_t id);
bool task_is_visible(const struct task *task, const struct lease *lease);

struct task_selection {
	uint64_t *ids; /* owned by who selected */
	size_t count;
};

/* 0 and at least one lease, or -EPROTO. Takes the target's ids over. */
int task_select(struct task *task, struct request_target *target,
		struct task_selection *ret);

#endif
