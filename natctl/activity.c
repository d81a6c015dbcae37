/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Silence: which leases the translator watches for whom. */
#include "natctl/activity.h"

#include "natctl/event.h"
#include "natctl/task.h"

#define BATCH 512 /* leases of one record */

struct batch {
	const struct manager *manager;
	struct wire_watch watches[BATCH];
	size_t count;
};

static void flush(struct batch *batch)
{
	const struct translator *translator = &batch->manager->translator;

	if (batch->count > 0)
		translator->ops->watch(translator->link, batch->watches,
				       batch->count);
	batch->count = 0;
}

static bool is_wanted(const struct subscription *subscription,
		      const struct lease *lease)
{
	return lease->state == LEASE_ACTIVE &&
	       (subscription_covers(subscription, EVENT_SILENT, lease) ||
		subscription_covers(subscription, EVENT_HEARD, lease));
}

static void add(struct batch *batch, const struct subscription *subscription,
		const struct lease *lease)
{
	if (!is_wanted(subscription, lease))
		return;
	batch->watches[batch->count++] =
		(struct wire_watch){ .watcher = subscription->id,
				     .seconds = subscription->silence,
				     .lease = lease->rule.id };
	if (batch->count == BATCH)
		flush(batch);
}

void activity_begin(const struct manager *manager,
		    const struct subscription *subscription)
{
	struct batch batch = { .manager = manager };
	const struct lease *lease = NULL;
	uint64_t id = 0;

	if ((subscription->events & EVENTS_ACTIVITY) == 0)
		return;
	for (; (lease = lease_after(&manager->leases, id)) != NULL;
	     id = lease->rule.id)
		add(&batch, subscription, lease);
	flush(&batch);
}

void activity_end(const struct manager *manager,
		  const struct subscription *subscription)
{
	struct batch batch = { .manager = manager, .count = 1 };

	if ((subscription->events & EVENTS_ACTIVITY) == 0)
		return;
	batch.watches[0] = (struct wire_watch){ .watcher = subscription->id };
	flush(&batch);
}

void activity_granted(const struct manager *manager,
		      const struct change *change)
{
	const struct subscription_book *book = &manager->subscriptions;
	struct batch batch = { .manager = manager };
	struct list *pos;

	if ((book->events & EVENTS_ACTIVITY) == 0)
		return;
	for (size_t i = 0; i < change->count; i++) {
		const struct lease *lease = lease_find(&manager->leases,
						       change->items[i].lease);

		if (lease == NULL)
			continue;
		list_for_each(pos, &book->all)
			add(&batch,
			    container_of(pos, struct subscription, node),
			    lease);
	}
	flush(&batch);
}

void manager_on_link(struct manager *manager, bool up)
{
	struct list *pos;

	event_translator(manager, up);
	if (!up)
		return;
	list_for_each(pos, &manager->subscriptions.all)
		activity_begin(manager,
			       container_of(pos, struct subscription, node));
}

void manager_on_activity(struct manager *manager,
			 const struct wire_activity *activity)
{
	const struct lease *lease = lease_find(&manager->leases,
					       activity->lease);
	struct subscription *subscription =
		subscription_find(&manager->subscriptions, activity->watcher);

	if (lease != NULL && lease->state == LEASE_ACTIVE &&
	    subscription != NULL)
		event_activity(manager, subscription, lease, activity);
}
