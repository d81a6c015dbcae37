/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that the kernel has, by whatever leads to them. Pure. */
#include "translator/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flows {
	struct table ways;  /* struct flows_ref: two an entry; it owns them */
	struct table rules; /* struct flows_ref */
	struct table ends;  /* struct flows_end: those that lead */
	struct table ids;   /* struct flows_entry.id_node */
	struct list all;    /* struct flows_entry.in_all */
	uint64_t last_id;
	size_t count;
	size_t max;
	uint64_t seed;
};

struct way_key {
	const struct endpoint *src;
	const struct endpoint *dst;
};

static const struct flows_ref *ref_of(const struct table_node *node)
{
	return container_of_const(node, struct flows_ref, node);
}

static uint64_t way_hash(const struct flows *flows, const struct endpoint *src,
			 const struct endpoint *dst)
{
	return hash_u64(endpoint_hash(src, flows->seed),
			endpoint_hash(dst, ~flows->seed));
}

static uint64_t end_hash(const struct flows *flows, const struct endpoint *end)
{
	struct endpoint anywhere = *end;

	anywhere.realm = REALM_NONE;
	return endpoint_hash(&anywhere, flows->seed);
}

static const struct flow_way *way_of(const struct flows_ref *ref)
{
	return ref == &ref->entry->ways[0] ? &ref->entry->flow.there :
					     &ref->entry->flow.back;
}

static bool way_equal(const struct table_node *node, const void *arg)
{
	const struct flow_way *way = way_of(ref_of(node));
	const struct way_key *key = arg;

	return endpoint_equal(&way->src, key->src) &&
	       endpoint_equal(&way->dst, key->dst);
}

static bool rule_equal(const struct table_node *node, const void *arg)
{
	const uint64_t *rule = arg;

	return ref_of(node)->rule == *rule;
}

static struct flows_end *end_of(struct table_node *node)
{
	return container_of(node, struct flows_end, node);
}

static bool end_equal(const struct table_node *node, const void *arg)
{
	const struct flows_end *at = container_of_const(node, struct flows_end,
							node);
	const struct endpoint *own = at->end, *end = arg;

	return own->port == end->port && ip_addr_equal(&own->addr, &end->addr);
}

struct flows *flows_new(size_t max, uint64_t seed)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	if (table_init(&flows->ways))
		goto fail;
	if (table_init(&flows->rules))
		goto fail_rules;
	if (table_init(&flows->ends))
		goto fail_ends;
	if (table_init(&flows->ids))
		goto fail_ids;
	list_init(&flows->all);
	flows->max = max;
	flows->seed = seed;
	return flows;
fail_ids:
	table_done(&flows->ends);
fail_ends:
	table_done(&flows->rules);
fail_rules:
	table_done(&flows->ways);
fail:
	free(flows);
	return NULL;
}

void flows_free(struct flows *flows)
{
	struct flows_entry *entry;

	if (!flows)
		return;
	while ((entry = flows_next(flows, NULL)))
		flows_remove(flows, entry);
	table_done(&flows->ids);
	table_done(&flows->ends);
	table_done(&flows->rules);
	table_done(&flows->ways);
	free(flows);
}

size_t flows_count(const struct flows *flows)
{
	return flows->count;
}

struct flows_entry *flows_find(const struct flows *flows,
			       const struct endpoint *src,
			       const struct endpoint *dst, bool *ret_back)
{
	struct way_key key = { src, dst };
	const struct table_node *node;
	const struct flows_ref *ref;

	node = table_find(&flows->ways, way_hash(flows, src, dst), way_equal,
			  &key);
	if (!node)
		return NULL;
	ref = ref_of(node);
	*ret_back = ref == &ref->entry->ways[1];
	return ref->entry;
}

static bool rule_is_full(const struct flows *flows, uint64_t rule)
{
	uint64_t hash = hash_u64(rule, flows->seed);
	const struct table_node *node;
	unsigned count = 0;

	node = table_find(&flows->rules, hash, rule_equal, &rule);
	while (node && ++count < FLOWS_PER_RULE_MAX)
		node = table_find_next(node, rule_equal, &rule);
	return node;
}

/* The rules of both directions, each once. */
static void collect_rules(struct flows_entry *entry, const struct flow *flow)
{
	const struct flow_way *ways[] = { &flow->there, &flow->back };

	entry->rule_count = 0;
	for (size_t w = 0; w < 2; w++) {
		for (size_t i = 0; i < ways[w]->step_count; i++) {
			uint64_t rule = ways[w]->steps[i].rule;
			size_t k = 0;

			while (k < entry->rule_count &&
			       entry->rules[k].rule != rule)
				k++;
			if (k < entry->rule_count)
				continue;
			entry->rules[k].entry = entry;
			entry->rules[k].rule = rule;
			entry->rule_count++;
		}
	}
}

static void index_rules(struct flows *flows, struct flows_entry *entry)
{
	for (size_t i = 0; i < entry->rule_count; i++)
		table_add(&flows->rules, &entry->rules[i].node,
			  hash_u64(entry->rules[i].rule, flows->seed));
}

static void unindex_rules(struct flows *flows, struct flows_entry *entry)
{
	for (size_t i = 0; i < entry->rule_count; i++)
		table_remove(&flows->rules, &entry->rules[i].node);
}

static struct flows_end *find_end(const struct flows *flows,
				  const struct endpoint *end)
{
	struct table_node *node = table_find(&flows->ends, end_hash(flows, end),
					     end_equal, end);

	return node ? end_of(node) : NULL;
}

static void index_end(struct flows *flows, struct flows_end *end)
{
	struct flows_end *first = find_end(flows, end->end);

	list_init(&end->same);
	end->leads = !first;
	if (first)
		list_add_tail(&first->same, &end->same);
	else
		table_add(&flows->ends, &end->node, end_hash(flows, end->end));
}

static void unindex_end(struct flows *flows, struct flows_end *end)
{
	struct flows_end *next = container_of(end->same.next, struct flows_end,
					      same);

	list_remove(&end->same);
	if (!end->leads)
		return;
	table_remove(&flows->ends, &end->node);
	if (next == end)
		return;
	next->leads = true;
	table_add(&flows->ends, &next->node, end_hash(flows, next->end));
}

static void index_ways(struct flows *flows, struct flows_entry *entry)
{
	struct flow_way *ways[] = { &entry->flow.there, &entry->flow.back };

	for (size_t i = 0; i < 2; i++) {
		entry->ways[i].entry = entry;
		table_add(&flows->ways, &entry->ways[i].node,
			  way_hash(flows, &ways[i]->src, &ways[i]->dst));
		entry->ends[2 * i].end = &ways[i]->src;
		entry->ends[2 * i + 1].end = &ways[i]->dst;
	}
	for (size_t i = 0; i < FLOWS_ENDS_MAX; i++) {
		entry->ends[i].entry = entry;
		index_end(flows, &entry->ends[i]);
	}
}

int flows_add(struct flows *flows, const struct flow *flow,
	      struct flows_entry **ret)
{
	struct flows_entry *entry;
	bool back;

	if (flows->count >= flows->max)
		return -ENOSPC;
	if (flows_find(flows, &flow->there.src, &flow->there.dst, &back) ||
	    flows_find(flows, &flow->back.src, &flow->back.dst, &back))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->flow = *flow;
	collect_rules(entry, flow);
	for (size_t i = 0; i < entry->rule_count; i++) {
		if (!rule_is_full(flows, entry->rules[i].rule))
			continue;
		free(entry);
		return -EDQUOT;
	}
	index_ways(flows, entry);
	index_rules(flows, entry);
	entry->id = ++flows->last_id;
	list_add_tail(&flows->all, &entry->in_all);
	table_add(&flows->ids, &entry->id_node,
		  hash_u64(entry->id, flows->seed));
	flows->count++;
	*ret = entry;
	return 0;
}

void flows_set_rules(struct flows *flows, struct flows_entry *entry,
		     const struct flow *flow)
{
	unindex_rules(flows, entry);
	entry->flow = *flow;
	collect_rules(entry, flow);
	index_rules(flows, entry);
}

void flows_remove(struct flows *flows, struct flows_entry *entry)
{
	flows_unmark(entry);
	unindex_rules(flows, entry);
	for (size_t i = 0; i < FLOWS_ENDS_MAX; i++)
		unindex_end(flows, &entry->ends[i]);
	for (size_t i = 0; i < 2; i++)
		table_remove(&flows->ways, &entry->ways[i].node);
	table_remove(&flows->ids, &entry->id_node);
	list_remove(&entry->in_all);
	flows->count--;
	free(entry);
}

static struct flows_entry *entry_of(const struct flows *flows,
				    struct list *node)
{
	return node == &flows->all ?
		       NULL :
		       container_of(node, struct flows_entry, in_all);
}

static bool id_equal(const struct table_node *node, const void *key)
{
	return container_of_const(node, struct flows_entry, id_node)->id ==
	       *(const uint64_t *)key;
}

/* From the start only where the one with that id has gone. */
struct flows_entry *flows_after(const struct flows *flows, uint64_t after)
{
	struct table_node *node = table_find(&flows->ids,
					     hash_u64(after, flows->seed),
					     id_equal, &after);
	struct flows_entry *entry;

	if (node != NULL)
		return flows_next(flows, container_of(node, struct flows_entry,
						      id_node));
	entry = flows_next(flows, NULL);
	while (entry != NULL && entry->id <= after)
		entry = flows_next(flows, entry);
	return entry;
}

struct flows_entry *flows_next(const struct flows *flows,
			       const struct flows_entry *entry)
{
	return entry_of(flows,
			entry == NULL ? flows->all.next : entry->in_all.next);
}

static void mark(struct flows_entry *entry, struct list *list)
{
	if (entry->marked)
		return;
	entry->marked = true;
	list_add_tail(list, &entry->marked_node);
}

void flows_mark_rule(struct flows *flows, uint64_t rule, struct list *list)
{
	const struct table_node *node;

	node = table_find(&flows->rules, hash_u64(rule, flows->seed),
			  rule_equal, &rule);
	for (; node; node = table_find_next(node, rule_equal, &rule))
		mark(ref_of(node)->entry, list);
}

void flows_mark_end(struct flows *flows, const struct endpoint *end,
		    struct list *list)
{
	struct flows_end *first = find_end(flows, end);
	struct list *node;

	if (!first)
		return;
	mark(first->entry, list);
	list_for_each(node, &first->same)
		mark(container_of(node, struct flows_end, same)->entry, list);
}

void flows_mark_all(struct flows *flows, struct list *list)
{
	struct flows_entry *entry = NULL;

	while ((entry = flows_next(flows, entry)))
		mark(entry, list);
}

void flows_unmark(struct flows_entry *entry)
{
	if (!entry->marked)
		return;
	list_remove(&entry->marked_node);
	entry->marked = false;
}

struct flows_entry *flows_of_mark(struct list *node)
{
	return container_of(node, struct flows_entry, marked_node);
}
