/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens, told to those who subscribed to it. */
#include "natctl/event.h"

#include "natctl/answer.h"
#include "natctl/task.h"

#define CHECK_MS   1000 /* between two looks at the pools */
#define HYSTERESIS 5    /* per cent below a threshold that is over it */

static bool is_wanted(const struct manager *manager, enum event_type type)
{
	return manager->subscriptions.events >> type & 1;
}

/* To all who may see the lease and want to. Takes `event` over. */
static void tell_of_lease(struct manager *manager, enum event_type type,
			  const struct lease *lease, json_t *event)
{
	struct subscription_book *book = &manager->subscriptions;
	struct list *pos;

	list_for_each(pos, &book->all) {
		struct subscription *subscription =
			container_of(pos, struct subscription, node);

		if (subscription_covers(subscription, type, lease))
			subscription_tell(book, subscription, event);
	}
	json_decref(event);
}

void event_ended(struct manager *manager, enum event_type type,
		 const struct lease *lease, const char *by)
{
	json_t *event;

	if (!is_wanted(manager, type))
		return;
	event = answer_event(manager->conf, lease,
			     type == EVENT_EXPIRED ? "expired" : "released");
	if (by != NULL)
		json_object_set_new(event, "by", json_string(by));
	tell_of_lease(manager, type, lease, event);
}

void event_activity(struct manager *manager, struct subscription *subscription,
		    const struct lease *lease,
		    const struct wire_activity *activity)
{
	enum event_type type = activity->silent ? EVENT_SILENT : EVENT_HEARD;
	json_t *event;

	if (!subscription_covers(subscription, type, lease))
		return;
	event = answer_event(manager->conf, lease,
			     activity->silent ? "silent" : "heard");
	json_object_set_new(event, "direction",
			    json_string(activity->inwards ? "in" : "out"));
	json_object_set_new(event, "seconds", json_integer(activity->seconds));
	subscription_tell(&manager->subscriptions, subscription, event);
	json_decref(event);
}

void event_latched(struct manager *manager, const struct lease *lease,
		   uint16_t offset, const struct endpoint *remote)
{
	char text[ENDPOINT_TEXT];
	json_t *event;

	if (!is_wanted(manager, EVENT_LATCHED))
		return;
	event = answer_event(manager->conf, lease, "latched");
	endpoint_format(remote, &manager->conf->names, text);
	json_object_set_new(event, "port", json_integer(offset));
	json_object_set_new(event, "remote", json_string(text));
	tell_of_lease(manager, EVENT_LATCHED, lease, event);
}

/* To all who want it. Takes `event` over. */
static void tell_all(struct manager *manager, enum event_type type,
		     json_t *event)
{
	struct subscription_book *book = &manager->subscriptions;
	struct list *pos;

	list_for_each(pos, &book->all) {
		struct subscription *subscription =
			container_of(pos, struct subscription, node);

		if (subscription->events >> type & 1)
			subscription_tell(book, subscription, event);
	}
	json_decref(event);
}

void event_translator(struct manager *manager, bool up)
{
	if (is_wanted(manager, EVENT_TRANSLATOR))
		tell_all(manager, EVENT_TRANSLATOR,
			 json_pack("{s:s,s:s}", "event", "translator", "state",
				   up ? "up" : "down"));
}

/* Endpoints that nobody can get: of the protocol that has more of them. */
static uint64_t used_of(const struct pool_info *info)
{
	uint64_t udp = info->udp.leased + info->udp.held;
	uint64_t tcp = info->tcp.leased + info->tcp.held;

	return udp > tcp ? udp : tcp;
}

static void check_pool(struct manager *manager,
		       struct subscription *subscription, size_t index,
		       const struct pool_info *info)
{
	int low = subscription->percent > HYSTERESIS ?
			  subscription->percent - HYSTERESIS :
			  0;
	double used = 100.0 * (double)used_of(info) / (double)info->endpoints;
	bool *above = &subscription->above[index];
	json_t *event;

	if (*above ? used > low : used <= subscription->percent)
		return;
	*above = !*above;
	event = json_pack("{s:s,s:s,s:s,s:s,s:i,s:i}", "event", "pool", "pool",
			  info->name, "realm",
			  manager->conf->realms[info->realm].name, "state",
			  *above ? "above" : "below", "percent",
			  (int)subscription->percent, "used", (int)used);
	subscription_tell(&manager->subscriptions, subscription, event);
	json_decref(event);
}

static void check_pools(struct manager *manager)
{
	struct subscription_book *book = &manager->subscriptions;
	struct pool_info info;
	struct list *pos;

	for (size_t i = 0; i < pool_count(manager->pools); i++) {
		pool_describe(manager->pools, i, &info);
		if (info.dynamic || info.endpoints == 0)
			continue;
		list_for_each(pos, &book->all) {
			struct subscription *subscription =
				container_of(pos, struct subscription, node);

			if (subscription->events >> EVENT_POOL & 1)
				check_pool(manager, subscription, i, &info);
		}
	}
}

void event_tick(struct manager *manager, uint64_t now_ms)
{
	struct subscription_book *book = &manager->subscriptions;

	if (book->count == 0 || now_ms < book->next_check_ms)
		return;
	book->next_check_ms = now_ms + CHECK_MS;
	subscription_catch_up(book);
	if (is_wanted(manager, EVENT_POOL))
		check_pools(manager);
}
