/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who wants to be told of what, and the telling. */
#include "natctl/subscription.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natctl/activity.h"
#include "natctl/member.h"
#include "natctl/task.h"

static const char *const event_names[] = { "expired",    "released", "latched",
					   "silent",     "heard",    "pool",
					   "translator", NULL };
static const char *const subscribe_members[] = { "events",  "group",   "own",
						 "silence", "percent", NULL };
static const char *const unsubscribe_members[] = { "subscription", NULL };

_Static_assert(sizeof(event_names) / sizeof(event_names[0]) == EVENT_TYPES + 1,
	       "a name for each");

void subscription_book_init(struct subscription_book *book)
{
	memset(book, 0, sizeof(*book));
	list_init(&book->all);
}

static void update_events(struct subscription_book *book)
{
	struct list *pos;

	book->events = 0;
	list_for_each(pos, &book->all)
		book->events |=
			container_of(pos, struct subscription, node)->events;
}

static void end(struct subscription_book *book,
		struct subscription *subscription)
{
	list_remove(&subscription->node);
	book->count--;
	free(subscription->above);
	free(subscription);
	update_events(book);
}

void subscription_book_done(struct subscription_book *book)
{
	while (!list_is_empty(&book->all))
		end(book,
		    container_of(book->all.next, struct subscription, node));
}

struct subscription *subscription_find(const struct subscription_book *book,
				       uint32_t id)
{
	struct list *pos;

	list_for_each(pos, &book->all) {
		struct subscription *subscription =
			container_of(pos, struct subscription, node);

		if (subscription->id == id)
			return subscription;
	}
	return NULL;
}

bool subscription_covers(const struct subscription *subscription,
			 enum event_type type, const struct lease *lease)
{
	const struct policy *policy = &subscription->policy;
	bool all = policy_may_manage_all(policy) && !subscription->own;

	return (subscription->events >> type & 1) &&
	       (all || lease->group->owner->id == policy->owner) &&
	       (subscription->group[0] == '\0' ||
		strcmp(subscription->group, lease->group->name) == 0);
}

/* 0 or -Exxx. Takes the event over, which may be NULL: no memory. */
static int send(struct subscription_book *book,
		const struct subscription *subscription, json_t *event)
{
	if (event == NULL ||
	    json_object_set_new(event, "subscription",
				json_integer(subscription->id)) != 0) {
		json_decref(event);
		return -ENOMEM;
	}
	return book->notify(subscription->client, event, book->arg);
}

static int tell_lost(struct subscription_book *book,
		     struct subscription *subscription)
{
	int rc = 0;

	if (subscription->lost > 0)
		rc = send(book, subscription,
			  json_pack("{s:s,s:I}", "event", "overrun", "lost",
				    (json_int_t)subscription->lost));
	if (rc == 0)
		subscription->lost = 0;
	return rc;
}

void subscription_tell(struct subscription_book *book,
		       struct subscription *subscription, const json_t *event)
{
	json_t *copy;

	if (tell_lost(book, subscription) == 0) {
		/* json_copy only reads it. */
		memcpy(&copy, &event, sizeof(copy));
		if (send(book, subscription, json_copy(copy)) == 0)
			return;
	}
	subscription->lost++;
}

void subscription_catch_up(struct subscription_book *book)
{
	struct list *pos;

	list_for_each(pos, &book->all)
		(void)tell_lost(book,
				container_of(pos, struct subscription, node));
}

void manager_on_event(struct manager *manager, manager_notify_fn notify,
		      void *arg)
{
	manager->subscriptions.notify = notify;
	manager->subscriptions.arg = arg;
}

void manager_client_gone(struct manager *manager, const void *client)
{
	struct subscription_book *book = &manager->subscriptions;
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &book->all) {
		struct subscription *subscription =
			container_of(pos, struct subscription, node);

		if (subscription->client != client)
			continue;
		activity_end(manager, subscription);
		end(book, subscription);
	}
}

static int check_room(struct task *task)
{
	struct subscription_book *book = &task->manager->subscriptions;
	struct fault *fault = &task->answer->fault;
	struct list *pos;
	size_t count = 0;

	if (task->client == NULL || book->notify == NULL)
		return fault_set(fault, RPC_NOT_AUTHORIZED,
				 "nothing can be told on this channel");
	list_for_each(pos, &book->all)
		count += container_of(pos, struct subscription, node)->client ==
			 task->client;
	if (count < SUBSCRIPTIONS_CLIENT_MAX && book->count < SUBSCRIPTIONS_MAX)
		return 0;
	return fault_set(fault, RPC_LIMIT,
			 "a client has %d subscriptions at most, all have %d",
			 SUBSCRIPTIONS_CLIENT_MAX, SUBSCRIPTIONS_MAX);
}

static int read_events(const struct member_place *place, unsigned *ret)
{
	const json_t *names;
	int rc = member_array(place, "events", 1, EVENT_TYPES, &names);

	*ret = rc == 0 && names == NULL ? EVENTS_ALL : 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		unsigned type = 0;

		while (name != NULL && event_names[type] != NULL &&
		       strcmp(event_names[type], name) != 0)
			type++;
		if (name == NULL || event_names[type] == NULL)
			return member_fault(place, "events",
					    "element %zu is not known here", i);
		*ret |= 1u << type;
	}
	return rc;
}

static int read_params(const struct task *task,
		       struct subscription *subscription)
{
	struct member_place place = { .fault = &task->answer->fault };
	uint64_t percent = task->manager->conf->pool_alarm;
	uint64_t silence = SUBSCRIPTION_SILENCE;
	const char *group = NULL;
	int rc;

	subscription->events = EVENTS_ALL;
	rc = task->params == NULL ?
		     0 :
		     member_open(&place, task->params, subscribe_members);
	if (rc == 0 && task->params != NULL)
		rc = read_events(&place, &subscription->events);
	if (rc == 0)
		rc = request_read_group(&place, false, &group);
	if (rc == 0)
		rc = member_bool(&place, "own", &subscription->own);
	if (rc == 0)
		rc = member_number(&place, "silence", 1,
				   SUBSCRIPTION_SILENCE_MAX, &silence);
	if (rc == 0)
		rc = member_number(&place, "percent", 1, 99, &percent);
	if (rc == 0 && group != NULL)
		strcpy(subscription->group, group);
	subscription->silence = (uint16_t)silence;
	subscription->percent = (uint8_t)percent;
	return rc;
}

int subscription_subscribe(struct task *task)
{
	struct manager *manager = task->manager;
	struct subscription_book *book = &manager->subscriptions;
	struct subscription *subscription = calloc(1, sizeof(*subscription));
	bool *above = calloc(pool_count(manager->pools) + 1, sizeof(*above));
	json_t *result = NULL;
	int rc = check_room(task);

	if (rc == 0 && (subscription == NULL || above == NULL))
		rc = fault_no_memory(&task->answer->fault);
	if (rc == 0)
		rc = read_params(task, subscription);
	if (rc == 0) {
		result = json_pack("{s:I,s:I}", "subscription",
				   (json_int_t)book->last_id + 1, "epoch",
				   (json_int_t)manager->epoch);
		rc = task_answer(task, result);
	}
	if (rc != 0) {
		free(subscription);
		free(above);
		return rc;
	}
	subscription->id = ++book->last_id;
	subscription->client = task->client;
	subscription->policy = task->policy;
	subscription->above = above;
	list_add_tail(&book->all, &subscription->node);
	book->count++;
	book->next_check_ms = 0;
	update_events(book);
	activity_begin(manager, subscription);
	return 0;
}

int subscription_unsubscribe(struct task *task)
{
	struct manager *manager = task->manager;
	struct fault *fault = &task->answer->fault;
	struct member_place place = { .fault = fault };
	struct subscription *subscription;
	uint64_t id = 0;
	int rc = task->params == NULL ?
			 fault_set(fault, RPC_INVALID_PARAMS,
				   "subscription: missing") :
			 member_open(&place, task->params, unsubscribe_members);

	if (rc == 0)
		rc = member_number(&place, "subscription", 1, UINT32_MAX, &id);
	if (rc != 0)
		return rc;
	subscription = subscription_find(&manager->subscriptions, (uint32_t)id);
	if (subscription == NULL || subscription->client != task->client)
		return fault_set(fault, RPC_NOT_FOUND,
				 "there is no subscription %llu",
				 (unsigned long long)id);
	rc = task_answer(task, json_pack("{s:i}", "unsubscribed", 1));
	if (rc != 0)
		return rc;
	activity_end(manager, subscription);
	end(&manager->subscriptions, subscription);
	return 0;
}
