/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change that the translator has not acknowledged. */
#include "natctl/change.h"

#include <errno.h>
#include <stdlib.h>

struct change *change_new(struct manager *manager, size_t count,
			  manager_answer_fn on_answer, void *arg)
{
	struct change *change;

	change = calloc(1, sizeof(*change) + count * sizeof(*change->items));
	if (change == NULL)
		return NULL;
	change->manager = manager;
	change->first.on_answer = on_answer;
	change->first.arg = arg;
	list_init(&change->waiters);
	change->count = count;
	return change;
}

void change_free(struct change *change)
{
	if (change == NULL)
		return;
	while (!list_is_empty(&change->waiters)) {
		struct list *node = change->waiters.next;

		list_remove(node);
		free(container_of(node, struct change_waiter, node));
	}
	for (size_t i = 0; i < change->count; i++)
		free(change->items[i].conditions);
	json_decref(change->result);
	free(change);
}

int change_wait(struct change *change, manager_answer_fn on_answer, void *arg)
{
	struct change_waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return -ENOMEM;
	waiter->on_answer = on_answer;
	waiter->arg = arg;
	list_add_tail(&change->waiters, &waiter->node);
	return 0;
}

static void give_answer(const struct change *change,
			const struct change_waiter *waiter,
			const struct fault *fault)
{
	struct manager_answer answer = { .result = NULL };

	if (waiter->on_answer == NULL)
		return;
	if (fault != NULL)
		answer.fault = *fault;
	else
		answer.result = json_incref(change->result);
	waiter->on_answer(&answer, waiter->arg);
}

void change_finish(struct change *change, const struct fault *fault)
{
	struct list *pos;

	give_answer(change, &change->first, fault);
	list_for_each(pos, &change->waiters)
		give_answer(change,
			    container_of(pos, struct change_waiter, node),
			    fault);
	change_free(change);
}
