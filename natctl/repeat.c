/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ask with a key that was carried out before. */
#include "natctl/repeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "natctl/answer.h"

/* The same in every manager: the journal has it. */
#define HASH_SEED UINT64_C(0x7669616475637421)

/* Whatever the order of members and the blanks. 0 or -EPROTO. */
static int make_key(const struct task *task, const struct request_ask *ask,
		    struct lease_key *ret)
{
	char *text = json_dumps(task->params, JSON_COMPACT | JSON_SORT_KEYS);

	if (text == NULL)
		return fault_no_memory(&task->answer->fault);
	ret->name = hash_bytes(ask->key, strlen(ask->key), HASH_SEED) | 1;
	ret->digest = hash_bytes(text, strlen(text), HASH_SEED);
	ret->count = (uint8_t)ask->count;
	free(text);
	return 0;
}

/* Those of the group with that key that have not been released. */
static size_t collect(const struct lease_group *group,
		      const struct lease_key *key,
		      struct lease *ret[REQUEST_LEASES_MAX])
{
	size_t count = 0;
	struct list *pos;

	list_for_each(pos, &group->leases) {
		struct lease *lease = container_of(pos, struct lease, in_group);

		if (lease->key.name == key->name &&
		    lease->state != LEASE_LEAVING && count < REQUEST_LEASES_MAX)
			ret[count++] = lease;
	}
	return count;
}

int repeat_find(struct task *task, const struct request_ask *ask,
		struct lease_key *ret_key)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct lease *leases[REQUEST_LEASES_MAX];
	const struct lease_group *group;
	size_t count = 0;
	int rc;

	memset(ret_key, 0, sizeof(*ret_key));
	if (ask->key == NULL)
		return 0;
	rc = make_key(task, ask, ret_key);
	if (rc != 0)
		return rc;
	group = lease_find_group(&manager->leases, task->policy.owner,
				 ask->group);
	if (group != NULL)
		count = collect(group, ret_key, leases);
	if (count == 0)
		return 0;
	if (leases[0]->key.digest != ret_key->digest)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "key: \"%s\" was that of another ask",
				 ask->key);
	if (count < leases[0]->key.count)
		return fault_set(fault, RPC_INVALID_PARAMS,
				 "key: leases of the ask \"%s\" have ended",
				 ask->key);
	if (leases[0]->state == LEASE_PENDING)
		return change_wait(leases[0]->asking, task->on_answer,
				   task->arg) == 0 ?
			       -EINPROGRESS :
			       fault_no_memory(fault);
	rc = task_answer(task, answer_ask(manager->epoch, &manager->conf->names,
					  leases, count, task->now_ms));
	return rc == 0 ? 1 : rc;
}
