/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that the translator has been told and has not acknowledged: which
 * leases it is about, and who waits for the answer.
 */
#ifndef VIADUCT_NATCTL_CHANGE_H
#define VIADUCT_NATCTL_CHANGE_H

#include "common/list.h"
#include "natctl/manager.h"
#include "natctl/request.h"

struct change_item {
	uint64_t lease;
	struct rule_condition *conditions; /* owned; of a tightening */
	uint16_t condition_count;
	struct rule_remote remote;
	struct rule_latch latch;
};

struct change_waiter {
	struct list node;            /* on change.waiters */
	manager_answer_fn on_answer; /* NULL: nobody waits */
	void *arg;
};

struct change {
	struct manager *manager; /* not owned */
	struct change_waiter first;
	struct list waiters; /* who asked for the same since; owned */
	json_t *result;      /* owned; the answer when all goes well */
	size_t count;
	struct change_item items[];
};

/* One more waits for the same answer. 0 or -ENOMEM. */
int change_wait(struct change *change, manager_answer_fn on_answer, void *arg);
/* `on_answer` may be NULL. NULL: no memory. */
struct change *change_new(struct manager *manager, size_t count,
			  manager_answer_fn on_answer, void *arg);
void change_free(struct change *change);
/* Answers all who wait (with the result where `fault` is NULL) and frees it. */
void change_finish(struct change *change, const struct fault *fault);

#endif
