/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all kinds of requests need. */
#include "natctl/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SELECT_MAX LEASE_MAX

int task_answer(struct task *task, json_t *result)
{
	if (result == NULL)
		return fault_no_memory(&task->answer->fault);
	task->answer->result = result;
	return 0;
}

int task_link_fault(struct fault *fault, int result)
{
	switch (-result) {
	case ENOTCONN:
		return fault_set(fault, RPC_TRANSLATOR_DOWN,
				 "the translator is not connected");
	case ECONNRESET:
		return fault_set(fault, RPC_TRANSLATOR_DOWN,
				 "the translator did not acknowledge");
	case ENOBUFS:
		return fault_set(fault, RPC_TRANSLATOR_DOWN,
				 "the translator does not keep up");
	case EADDRINUSE:
		return fault_set(fault, RPC_NOT_AVAILABLE,
				 "the translator has another rule there");
	case EMSGSIZE:
		return fault_set(fault, RPC_LIMIT,
				 "too many conditions in one request");
	default:
		return fault_no_memory(fault);
	}
}

bool task_is_visible(const struct task *task, const struct lease *lease)
{
	return lease->state != LEASE_LEAVING &&
	       (policy_may_manage_all(&task->policy) ||
		lease->group->owner->id == task->policy.owner);
}

struct lease *task_find(const struct task *task, uint64_t id)
{
	struct lease *lease = lease_find(&task->manager->leases, id);

	return lease != NULL && task_is_visible(task, lease) ? lease : NULL;
}

static bool is_fixed(const struct lease *lease)
{
	return lease->group->owner->id == LEASE_OWNER_CONFIG;
}

static int refuse_fixed(struct task *task, uint64_t id)
{
	return fault_set(&task->answer->fault, RPC_NOT_AUTHORIZED,
			 "lease %llu is an entry of the configuration",
			 (unsigned long long)id);
}

int task_check_change(struct task *task, uint64_t id)
{
	const struct lease *lease = task_find(task, id);

	if (lease == NULL)
		return fault_set(&task->answer->fault, RPC_NOT_FOUND,
				 "there is no lease %llu",
				 (unsigned long long)id);
	return is_fixed(lease) ? refuse_fixed(task, id) : 0;
}

static int select_group(struct task *task, const char *name,
			struct task_selection *ret)
{
	const struct lease_table *leases = &task->manager->leases;
	struct lease_group *group = NULL;
	struct list *pos;
	size_t room = 0;

	while ((group = lease_next_group(leases, name, group)) != NULL)
		room += group->count;
	if (room == 0)
		goto not_found;
	if (room > SELECT_MAX)
		return fault_set(&task->answer->fault, RPC_LIMIT,
				 "more than %d leases are in groups of that "
				 "name",
				 SELECT_MAX);
	ret->ids = calloc(room, sizeof(*ret->ids));
	if (ret->ids == NULL)
		return fault_no_memory(&task->answer->fault);
	while ((group = lease_next_group(leases, name, group)) != NULL) {
		list_for_each(pos, &group->leases) {
			const struct lease *lease =
				container_of(pos, struct lease, in_group);

			if (task_is_visible(task, lease) && !is_fixed(lease))
				ret->ids[ret->count++] = lease->rule.id;
		}
	}
	if (ret->count > 0)
		return 0;
	free(ret->ids);
not_found:
	return fault_set(&task->answer->fault, RPC_NOT_FOUND,
			 "there is no group \"%s\"", name);
}

/* 0 and at least one lease, or -EPROTO. Takes the target's ids over. */
int task_select(struct task *task, struct request_target *target,
		struct task_selection *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (target->group != NULL)
		return select_group(task, target->group, ret);
	for (size_t i = 0; i < target->count; i++) {
		int rc = task_check_change(task, target->ids[i]);

		if (rc != 0)
			return rc;
	}
	ret->ids = target->ids;
	ret->count = target->count;
	target->ids = NULL;
	return 0;
}
