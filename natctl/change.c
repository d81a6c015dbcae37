/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change that the translator has not acknowledged. */
#include "natctl/change.h"

#include <stdlib.h>

struct change *change_new(struct manager *manager, size_t count,
			  manager_answer_fn on_answer, void *arg)
{
	struct change *change;

	change = calloc(1, sizeof(*change) + count * sizeof(*change->items));
	if (change == NULL)
		return NULL;
	change->manager = manager;
	change->on_answer = on_answer;
	change->arg = arg;
	change->count = count;
	return change;
}

void change_free(struct change *change)
{
	if (change == NULL)
		return;
	for (size_t i = 0; i < change->count; i++)
		free(change->items[i].conditions);
	json_decref(change->result);
	free(change);
}

void change_finish(struct change *change, const struct fault *fault)
{
	struct manager_answer answer = { .result = NULL };

	if (fault != NULL) {
		answer.fault = *fault;
	} else {
		answer.result = change->result;
		change->result = NULL;
	}
	if (change->on_answer != NULL)
		change->on_answer(&answer, change->arg);
	else
		json_decref(answer.result);
	change_free(change);
}
