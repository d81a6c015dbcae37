/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fast path's way back: what the rules no longer say leaves the kernel. */
#include "translator/fastpath_parts.h"

#include <errno.h>
#include <string.h>

#define REMOVE_TRIES 3

/* Removes the first ones of the list from the kernel. */
static int remove_batch(struct fastpath *fastpath, struct list *list,
			uint64_t *count)
{
	struct fastpath_batch batch;
	int err;

	fastpath_batch_fill(&batch, list);
	err = conntrack_remove(fastpath->conntrack, batch.entries, batch.count,
			       batch.results);
	for (size_t i = 0; i < batch.count && err == 0; i++)
		if (batch.results[i] != 0 && batch.results[i] != -ENOENT)
			err = batch.results[i];
	fastpath_take_ended(fastpath);
	for (size_t i = 0; i < batch.count && err == 0; i++) {
		++*count;
		flows_remove(fastpath->flows, batch.flows[i]);
	}
	return err;
}

int fastpath_remove(struct fastpath *fastpath, struct list *list,
		    uint64_t *count)
{
	int err = 0;

	for (int tries = 0; tries < REMOVE_TRIES && !list_is_empty(list);) {
		err = remove_batch(fastpath, list, count);
		tries += err != 0;
	}
	while (!list_is_empty(list))
		flows_unmark(flows_of_mark(list->next));
	if (err != 0)
		log_error("fast path: flows cannot be removed: %s",
			  strerror(-err));
	return err;
}

/* Could it be that the rules which it needs are still to come? */
static bool awaits_rules(const struct resolve_view *view,
			 const struct flow *flow)
{
	const struct flow_way *ways[] = { &flow->there, &flow->back };

	for (size_t i = 0; i < 2; i++) {
		struct resolve_path path = resolve(view, &ways[i]->src,
						   &ways[i]->dst);

		if (path.verdict == VERDICT_NO_RULE ||
		    path.verdict == VERDICT_NO_SOURCE)
			return true;
	}
	return false;
}

/* Do the rules say of it what its entry says? */
static bool is_confirmed(struct fastpath *fastpath, struct flows_entry *entry)
{
	struct resolve_view view = fastpath_view(fastpath);
	struct conntrack_entry told = fastpath_entry(entry);
	struct flow flow;

	if (fastpath_settle(fastpath, &view, &told.src, &told.dst, &flow) !=
		    FLOW_SETTLED ||
	    !fastpath_is_entry(&told, &flow))
		return entry->adopted && !fastpath->synced &&
		       awaits_rules(&view, &entry->flow);
	if (!entry->adopted)
		return flow_equal(&flow, &entry->flow);
	flows_set_rules(fastpath->flows, entry, &flow);
	entry->adopted = false;
	fastpath->counts.adopted++;
	return true;
}

/* Of those on the list. */
static int check(struct fastpath *fastpath, struct list *list)
{
	struct list *node, *next;

	fastpath->change++;
	list_for_each_safe(node, next, list) {
		struct flows_entry *entry = flows_of_mark(node);

		if (is_confirmed(fastpath, entry))
			flows_unmark(entry);
	}
	return list_is_empty(list) ?
		       0 :
		       fastpath_remove(fastpath, list,
				       &fastpath->counts.taken_back);
}

static void mark_range(struct fastpath *fastpath, struct endpoint first,
		       uint16_t ports, struct list *list)
{
	for (uint16_t i = 0; i < ports; i++, first.port++)
		flows_mark_end(fastpath->flows, &first, list);
}

int fastpath_rules_put(struct fastpath *fastpath, const struct rule *rules,
		       size_t count)
{
	struct list list;

	list_init(&list);
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &rules[i];

		flows_mark_rule(fastpath->flows, rule->id, &list);
		mark_range(fastpath, rule->outer, rule->ports, &list);
		mark_range(fastpath, rule->inner, rule->ports, &list);
		for (size_t k = 0; k < rule->condition_count; k++)
			if (rule->conditions[k].target.addr.family != IP_NONE)
				mark_range(fastpath, rule->conditions[k].target,
					   rule->ports, &list);
	}
	return check(fastpath, &list);
}

int fastpath_rules_deleted(struct fastpath *fastpath, const uint64_t *ids,
			   size_t count)
{
	struct list list;

	list_init(&list);
	for (size_t i = 0; i < count; i++)
		flows_mark_rule(fastpath->flows, ids[i], &list);
	return check(fastpath, &list);
}

int fastpath_rules_synced(struct fastpath *fastpath)
{
	struct list list;

	fastpath->synced = true;
	list_init(&list);
	flows_mark_all(fastpath->flows, &list);
	return check(fastpath, &list);
}
