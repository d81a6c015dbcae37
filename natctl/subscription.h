/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who wants to be told of what, and the telling. A subscription belongs to a
 * client of the control channel and ends with it. One whose client does not
 * take what it is told loses events; how many is told as soon as there is
 * room. Nobody waits for it.
 */
#ifndef VIADUCT_NATCTL_SUBSCRIPTION_H
#define VIADUCT_NATCTL_SUBSCRIPTION_H

#include "common/list.h"
#include "natctl/lease.h"
#include "natctl/manager.h"
#include "natctl/policy.h"

#define SUBSCRIPTIONS_MAX        1024 /* of all clients */
#define SUBSCRIPTIONS_CLIENT_MAX 16   /* of one */
#define SUBSCRIPTION_SILENCE     30   /* seconds, where none are given */
#define SUBSCRIPTION_SILENCE_MAX 3600

enum event_type {
	EVENT_EXPIRED,
	EVENT_RELEASED,
	EVENT_LATCHED,
	EVENT_SILENT,
	EVENT_HEARD,
	EVENT_POOL,
	EVENT_TRANSLATOR,
	EVENT_TYPES
};

#define EVENTS_ALL      ((1u << EVENT_TYPES) - 1)
#define EVENTS_ACTIVITY (1u << EVENT_SILENT | 1u << EVENT_HEARD)

struct subscription {
	struct list node; /* on subscription_book.all, by id */
	uint32_t id;
	void *client; /* who is told; never NULL */
	struct policy policy;
	unsigned events;            /* bits: 1 << enum event_type */
	char group[RULE_GROUP_MAX]; /* "": any */
	bool own;                   /* the client's own leases only */
	uint16_t silence;           /* seconds */
	uint8_t percent;            /* of a pool */
	bool *above;                /* owned, by pool: more than that is used */
	uint64_t lost;              /* events, since it was told so */
};

struct subscription_book {
	struct list all; /* owned; struct subscription.node */
	size_t count;
	unsigned events; /* that anybody wants */
	uint32_t last_id;
	manager_notify_fn notify; /* NULL: nobody can be told */
	void *arg;
	uint64_t next_check_ms; /* of the pools */
};

struct task;

void subscription_book_init(struct subscription_book *book);
void subscription_book_done(struct subscription_book *book);
struct subscription *subscription_find(const struct subscription_book *book,
				       uint32_t id);
/* Does it want to know such a thing of that lease? */
bool subscription_covers(const struct subscription *subscription,
			 enum event_type type, const struct lease *lease);
/* `event` is not taken over. */
void subscription_tell(struct subscription_book *book,
		       struct subscription *subscription, const json_t *event);
/* Says how much was lost to those who have room again. */
void subscription_catch_up(struct subscription_book *book);

/* Methods: task_fn. */
int subscription_subscribe(struct task *task);
int subscription_unsubscribe(struct task *task);

#endif
