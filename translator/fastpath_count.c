/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fast path's account: what the kernel has counted, and what has ended. */
#include "translator/fastpath_parts.h"

#include <string.h>

#include "common/mono.h"

#define FEW      1024 /* flows that are asked for one by one */
#define SHARE    10   /* counting takes at most 1/10 of the time, */
#define CHEAP_MS 5    /* unless it takes no longer than that */

static void count_way(struct fastpath *fastpath, const struct flow_way *way,
		      uint64_t packets)
{
	fastpath->counts.packets += packets;
	for (size_t i = 0; i < way->step_count; i++) {
		const struct ruleset_rule *rule =
			ruleset_find(fastpath->options.ruleset,
				     way->steps[i].rule);
		struct rule_counters *counters;

		if (rule == NULL)
			continue;
		counters = ruleset_rule_counters(rule);
		if (way->steps[i].source)
			counters->packets_out += packets;
		else
			counters->packets_in += packets;
	}
}

static void count_entry(struct fastpath *fastpath, struct flows_entry *entry,
			const uint64_t packets[2])
{
	const struct flow_way *ways[] = { &entry->flow.there,
					  &entry->flow.back };

	for (size_t i = 0; i < 2; i++) {
		if (packets[i] <= entry->packets[i])
			continue;
		count_way(fastpath, ways[i], packets[i] - entry->packets[i]);
		entry->packets[i] = packets[i];
	}
}

static struct flows_entry *find_told(const struct fastpath *fastpath,
				     const struct conntrack_entry *told)
{
	struct flows_entry *entry;
	bool back;

	entry = flows_find(fastpath->flows, &told->src, &told->dst, &back);
	return entry != NULL && !back && fastpath_is_entry(told, &entry->flow) ?
		       entry :
		       NULL;
}

static void on_counted(const struct conntrack_entry *told, void *arg)
{
	struct fastpath *fastpath = arg;
	struct flows_entry *entry = find_told(fastpath, told);

	if (entry == NULL)
		return;
	count_entry(fastpath, entry, told->packets);
	entry->round = fastpath->round;
}

/* One that is on a list is being dealt with. */
static void on_ended(const struct conntrack_entry *told, void *arg)
{
	struct fastpath *fastpath = arg;
	struct flows_entry *entry = find_told(fastpath, told);

	if (entry == NULL)
		return;
	count_entry(fastpath, entry, told->packets);
	if (entry->marked)
		return;
	fastpath->counts.ended++;
	flows_remove(fastpath->flows, entry);
}

void fastpath_take_ended(struct fastpath *fastpath)
{
	int err = conntrack_ended(fastpath->conntrack, on_ended, fastpath);

	if (err != 0)
		log_limited(&fastpath->failures, mono_ms(), LOG_LEVEL_WARN,
			    "fast path: ends of flows were missed: %s",
			    strerror(-err));
}

/*
 * Those that nobody saw end. One that was merely overlooked must not stay in
 * the kernel without being known here.
 */
static void drop_unseen(struct fastpath *fastpath)
{
	struct list unseen, *node, *next;

	list_init(&unseen);
	flows_mark_all(fastpath->flows, &unseen);
	list_for_each_safe(node, next, &unseen) {
		struct flows_entry *entry = flows_of_mark(node);

		if (entry->round == fastpath->round)
			flows_unmark(entry);
	}
	fastpath_remove(fastpath, &unseen, &fastpath->counts.ended);
}

static int count_all(struct fastpath *fastpath)
{
	return conntrack_each(fastpath->conntrack, on_counted, fastpath);
}

/* A dump goes through the whole of the kernel's table, however few are ours. */
static int count_few(struct fastpath *fastpath)
{
	struct list list;
	int err = 0;

	list_init(&list);
	flows_mark_all(fastpath->flows, &list);
	while (!list_is_empty(&list)) {
		struct fastpath_batch batch;

		fastpath_batch_fill(&batch, &list);
		if (err == 0)
			err = conntrack_read(fastpath->conntrack, batch.entries,
					     batch.count, batch.results);
		for (size_t i = 0; i < batch.count; i++) {
			flows_unmark(batch.flows[i]);
			if (err == 0 && batch.results[i] == 0)
				on_counted(&batch.entries[i], fastpath);
		}
	}
	return err;
}

void fastpath_count(struct fastpath *fastpath, uint64_t now_ms)
{
	uint64_t cost;
	int err;

	if (now_ms < fastpath->count_ms)
		return;
	fastpath->round++;
	err = flows_count(fastpath->flows) <= FEW ? count_few(fastpath) :
						    count_all(fastpath);
	fastpath_take_ended(fastpath);
	if (err == 0)
		fastpath->counted_ms = now_ms;
	if (err == 0)
		drop_unseen(fastpath);
	else
		log_limited(&fastpath->failures, now_ms, LOG_LEVEL_WARN,
			    "fast path: counters cannot be read: %s",
			    strerror(-err));
	cost = mono_ms() - now_ms;
	if (cost > CHEAP_MS)
		fastpath->count_ms = now_ms + SHARE * cost;
}

uint64_t fastpath_counted_ms(const struct fastpath *fastpath)
{
	return fastpath->counted_ms;
}

const struct fastpath_counts *fastpath_counts(const struct fastpath *fastpath)
{
	return &fastpath->counts;
}
