/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that only look: list, pools, status. */
#include "natctl/inspect.h"

#include <string.h>

#include "config.h"
#include "natctl/answer.h"

#define LIST_BYTES (RPC_LINE_MAX - 4096) /* of the leases of one answer */

static bool is_listed(const struct task *task, const struct request_list *list,
		      const struct lease *lease)
{
	return lease->state == LEASE_ACTIVE && task_is_visible(task, lease) &&
	       (list->group == NULL ||
		strcmp(lease->group->name, list->group) == 0);
}

/* The leases that fit, at least one; *ret_more: there are others. */
static json_t *list_leases(const struct task *task,
			   const struct request_list *list, bool *ret_more)
{
	const struct lease_table *leases = &task->manager->leases;
	struct lease *lease = lease_after(leases, list->after);
	json_t *found = json_array();
	size_t bytes = 0;

	*ret_more = false;
	for (; lease != NULL && found != NULL;
	     lease = lease_after(leases, lease->rule.id)) {
		json_t *item;

		if (!is_listed(task, list, lease))
			continue;
		*ret_more = json_array_size(found) == list->limit;
		if (*ret_more)
			break;
		item = answer_lease(task->manager->conf, lease, task->now_ms);
		bytes += json_dumpb(item, NULL, 0, JSON_COMPACT) + 1;
		*ret_more = bytes > LIST_BYTES && json_array_size(found) > 0;
		if (*ret_more) {
			json_decref(item);
			break;
		}
		if (json_array_append_new(found, item) != 0) {
			json_decref(found);
			found = NULL;
		}
	}
	return found;
}

int inspect_list(struct task *task)
{
	struct request_list list;
	json_t *found;
	bool more;
	int rc = request_parse_list(task->params, &list, &task->answer->fault);

	if (rc != 0)
		return rc;
	found = list_leases(task, &list, &more);
	if (found == NULL)
		return fault_no_memory(&task->answer->fault);
	return task_answer(task, json_pack("{s:o,s:b}", "leases", found, "more",
					   (int)more));
}

int inspect_pools(struct task *task)
{
	int rc = request_parse_nothing(task->params, &task->answer->fault);

	if (rc != 0)
		return rc;
	return task_answer(task, answer_pools(task->manager->pools,
					      &task->manager->conf->names));
}

/* "guests": {...} where they may come. The result is NULL: no memory. */
static json_t *add_guests(json_t *status, const struct guest_count *guests)
{
	if (guests == NULL || status == NULL ||
	    json_object_set_new(
		    status, "guests",
		    json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "connected",
			      (json_int_t)guests->connected, "taken",
			      (json_int_t)guests->taken, "failed",
			      (json_int_t)guests->failed, "unknown",
			      (json_int_t)guests->unknown, "refused",
			      (json_int_t)guests->refused, "late",
			      (json_int_t)guests->late)) == 0)
		return status;
	json_decref(status);
	return NULL;
}

int inspect_status(struct task *task)
{
	const struct manager *manager = task->manager;
	const struct translator *translator = &manager->translator;
	int rc = request_parse_nothing(task->params, &task->answer->fault);
	json_t *status;

	if (rc != 0)
		return rc;
	status = json_pack("{s:s,s:s,s:I,s:I,s:I,s:s,"
			   "s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
			   "program", "viaduct-natctl", "version",
			   PACKAGE_VERSION, "epoch", (json_int_t)manager->epoch,
			   "leases", (json_int_t)lease_count(&manager->leases),
			   "groups",
			   (json_int_t)lease_group_count(&manager->leases),
			   "translator",
			   translator->ops->is_up(translator->link) ? "up" :
								      "down",
			   "asks", (json_int_t)manager->count.asks, "granted",
			   (json_int_t)manager->count.granted, "refused",
			   (json_int_t)manager->count.refused, "refreshed",
			   (json_int_t)manager->count.refreshed, "changed",
			   (json_int_t)manager->count.changed, "released",
			   (json_int_t)manager->count.released, "expired",
			   (json_int_t)manager->count.expired, "undone",
			   (json_int_t)manager->count.undone);
	return task_answer(task, add_guests(status, manager->guests));
}
