/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in force, found by outer and by inner endpoint. Pure. */
#include "translator/ruleset.h"

#include <errno.h>
#include <stdlib.h>

#include "translator/ids.h"
#include "translator/ruleset_rule.h"

struct ruleset {
	struct table outer; /* struct ruleset_node: the first `ports` */
	struct table inner; /* struct ruleset_node: the others */
	struct ids ids;     /* struct ruleset_rule, owned */
	size_t realm_count;
	uint64_t seed;
	uint64_t serial; /* of the last publication */
	uint32_t sync;   /* the current synchronisation */
	bool syncing;    /* it has not ended */
};

struct node_key {
	const struct endpoint *endpoint;
	enum rule_protocol protocol;
};

static uint64_t key_hash(const struct ruleset *set, uint8_t protocol,
			 const struct endpoint *endpoint)
{
	return endpoint_hash(endpoint, set->seed + protocol);
}

static const struct ruleset_node *node_of(const struct table_node *node)
{
	return (const void *)node; /* its first member */
}

static bool node_equal(const struct table_node *table_node, const void *arg)
{
	const struct ruleset_node *node = node_of(table_node);
	const struct ruleset_rule *rule = ruleset_rule_of(node);
	const struct node_key *key = arg;
	struct endpoint endpoint;

	if (rule->protocol != key->protocol)
		return false;
	endpoint = ruleset_rule_endpoint(rule, node->index);
	return endpoint_equal(&endpoint, key->endpoint);
}

struct ruleset *ruleset_new(size_t realm_count, uint64_t seed)
{
	struct ruleset *set;

	set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	if (table_init(&set->outer))
		goto fail;
	if (table_init(&set->inner))
		goto fail_inner;
	set->realm_count = realm_count;
	set->seed = seed;
	return set;
fail_inner:
	table_done(&set->outer);
fail:
	free(set);
	return NULL;
}

void ruleset_free(struct ruleset *set)
{
	struct ruleset_rule *rule;
	uint64_t id = 0;

	if (!set)
		return;
	while ((rule = ids_next(&set->ids, id))) {
		id = rule->id;
		ruleset_rule_free(rule);
	}
	ids_done(&set->ids);
	table_done(&set->inner);
	table_done(&set->outer);
	free(set);
}

size_t ruleset_count(const struct ruleset *set)
{
	return set->ids.count;
}

static void index_rule(struct ruleset *set, struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->node_count; i++) {
		struct endpoint key = ruleset_rule_endpoint(rule, i);

		table_add(i < rule->ports ? &set->outer : &set->inner,
			  &rule->nodes[i].node,
			  key_hash(set, rule->protocol, &key));
	}
}

static void unindex_rule(struct ruleset *set, struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->node_count; i++)
		table_remove(i < rule->ports ? &set->outer : &set->inner,
			     &rule->nodes[i].node);
}

struct batch { /* rules that are to be published together */
	struct ruleset_rule **rules; /* owned, by id */
	size_t count;
	size_t listed; /* of them, how many have their id in the set */
};

static int by_id(const void *a, const void *b)
{
	const struct ruleset_rule *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static bool batch_has(const struct batch *batch, uint64_t id)
{
	struct ruleset_rule key = { .id = id }, *pointer = &key;

	return bsearch(&pointer, batch->rules, batch->count,
		       sizeof(struct ruleset_rule *), by_id);
}

static int batch_copy(struct batch *batch, const struct ruleset *set,
		      const struct rule *rules, size_t count)
{
	int err;

	batch->rules = calloc(count, sizeof(struct ruleset_rule *));
	if (!batch->rules)
		return -ENOMEM;
	for (; batch->count < count; batch->count++) {
		err = ruleset_rule_new(&rules[batch->count], set->realm_count,
				       &batch->rules[batch->count]);
		if (err)
			return err;
	}
	qsort(batch->rules, count, sizeof(struct ruleset_rule *), by_id);
	for (size_t i = 1; i < count; i++)
		if (batch->rules[i - 1]->id == batch->rules[i]->id)
			return -EEXIST;
	return 0;
}

/* Of before the synchronisation that goes on, and not put again since. */
static bool is_stale(const struct ruleset *set, const struct ruleset_rule *rule)
{
	return set->syncing && rule->sync != set->sync &&
	       rule->id < RULE_ID_DYNAMIC;
}

/* Claims the rule's outer endpoints among those of the batch. */
static int claim(const struct ruleset *set, const struct batch *batch,
		 struct table *claimed, struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->ports; i++) {
		struct endpoint outer = ruleset_rule_endpoint(rule, i);
		struct node_key key = { &outer, rule->protocol };
		uint64_t hash = key_hash(set, rule->protocol, &outer);
		const struct ruleset_rule *holder;

		holder = ruleset_find_outer(set, rule->protocol, &outer);
		if ((holder && !batch_has(batch, holder->id) &&
		     !is_stale(set, holder)) ||
		    table_find(claimed, hash, node_equal, &key))
			return -EEXIST;
		table_add(claimed, &rule->nodes[i].node, hash);
	}
	return 0;
}

/* Would each outer endpoint have one rule, once all of them are published? */
static int batch_check(const struct ruleset *set, const struct batch *batch)
{
	struct table claimed;
	int err;

	err = table_init(&claimed);
	for (size_t i = 0; !err && i < batch->count; i++)
		err = claim(set, batch, &claimed, batch->rules[i]);
	table_done(&claimed);
	return err;
}

/* Gets everything that publishing needs: from here on nothing can fail. */
static int batch_list(struct batch *batch, struct ruleset *set)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct ruleset_rule *rule = batch->rules[i];

		if (ids_find(&set->ids, rule->id))
			continue;
		rule->counters = calloc(1, sizeof(*rule->counters));
		if (!rule->counters || ids_put(&set->ids, rule->id, rule))
			return -ENOMEM;
		batch->listed = i + 1;
	}
	return 0;
}

static void batch_undo(struct batch *batch, struct ruleset *set)
{
	for (size_t i = 0; i < batch->listed; i++)
		if (batch->rules[i]->counters)
			ids_remove(&set->ids, batch->rules[i]->id);
	for (size_t i = 0; i < batch->count; i++)
		ruleset_rule_free(batch->rules[i]);
	free(batch->rules);
}

/* Within a round it is not undone: what has been seen here since counts. */
static void keep_latch(struct ruleset_rule *rule, struct ruleset_rule *former)
{
	if (!rule->latch || !former->latch ||
	    rule->latch->round != former->latch->round)
		return;
	free(rule->latch);
	rule->latch = former->latch;
	former->latch = NULL;
}

/* In place of its former publication, if there is one. */
static void publish(struct ruleset *set, struct ruleset_rule *rule)
{
	struct ruleset_rule *former = NULL;

	rule->serial = ++set->serial;
	rule->first_serial = rule->serial;
	rule->sync = set->sync;
	if (!rule->counters) {
		former = ids_find(&set->ids, rule->id);
		rule->counters = former->counters;
		rule->first_serial = former->first_serial;
		keep_latch(rule, former);
		ids_put(&set->ids, rule->id, rule);
	}
	index_rule(set, rule);
	if (!former)
		return;
	unindex_rule(set, former);
	former->counters = NULL;
	ruleset_rule_free(former);
}

/* Stale holders go; one that is in the batch is replaced as it is published. */
static void evict(struct ruleset *set, const struct batch *batch,
		  const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->ports; i++) {
		struct endpoint outer = ruleset_rule_endpoint(rule, i);
		const struct ruleset_rule *holder;
		uint64_t id;

		holder = ruleset_find_outer(set, rule->protocol, &outer);
		if (!holder || batch_has(batch, holder->id))
			continue;
		id = holder->id;
		ruleset_delete(set, &id, 1);
	}
}

int ruleset_put(struct ruleset *set, const struct rule *rules, size_t count)
{
	struct batch batch = { 0 };
	int err;

	if (count == 0)
		return 0;
	err = batch_copy(&batch, set, rules, count);
	if (!err)
		err = batch_check(set, &batch);
	if (!err)
		err = batch_list(&batch, set);
	if (err) {
		batch_undo(&batch, set);
		return err;
	}
	for (size_t i = 0; i < count; i++)
		evict(set, &batch, batch.rules[i]);
	for (size_t i = 0; i < count; i++)
		publish(set, batch.rules[i]);
	free(batch.rules);
	return 0;
}

static void remove_rule(struct ruleset *set, struct ruleset_rule *rule)
{
	ids_remove(&set->ids, rule->id);
	unindex_rule(set, rule);
	ruleset_rule_free(rule);
}

size_t ruleset_delete(struct ruleset *set, const uint64_t *ids, size_t count)
{
	size_t removed = 0;

	for (size_t i = 0; i < count; i++) {
		struct ruleset_rule *rule = ids_find(&set->ids, ids[i]);

		if (!rule)
			continue;
		remove_rule(set, rule);
		removed++;
	}
	return removed;
}

void ruleset_sync_begin(struct ruleset *set)
{
	set->sync++;
	set->syncing = true;
}

size_t ruleset_sync_end(struct ruleset *set)
{
	struct ruleset_rule *rule;
	size_t removed = 0;
	uint64_t id = 0;

	set->syncing = false;
	while ((rule = ids_next(&set->ids, id))) {
		id = rule->id;
		if (rule->sync == set->sync || rule->id >= RULE_ID_DYNAMIC)
			continue;
		remove_rule(set, rule);
		removed++;
	}
	return removed;
}

const struct ruleset_rule *ruleset_next(const struct ruleset *set,
					uint64_t after)
{
	return ids_next(&set->ids, after);
}

const struct ruleset_rule *ruleset_find(const struct ruleset *set, uint64_t id)
{
	return ids_find(&set->ids, id);
}

const struct ruleset_rule *ruleset_find_outer(const struct ruleset *set,
					      enum rule_protocol protocol,
					      const struct endpoint *outer)
{
	struct node_key key = { outer, protocol };
	struct table_node *node;

	node = table_find(&set->outer, key_hash(set, (uint8_t)protocol, outer),
			  node_equal, &key);
	return node ? ruleset_rule_of(node_of(node)) : NULL;
}

/* How well the rule's remote fits: 0: not at all. */
static unsigned remote_rank(const struct rule_remote *remote, uint16_t ports,
			    const struct endpoint *endpoint)
{
	unsigned rank = 1;

	if (remote->port > 0) {
		if (endpoint->port < remote->port ||
		    endpoint->port - remote->port >= ports)
			return 0;
		rank++;
	}
	if (remote->prefix.addr.family == IP_NONE)
		return rank;
	if (!ip_prefix_contains(&remote->prefix, &endpoint->addr))
		return 0;
	return rank + 2u + 2u * remote->prefix.bits;
}

/* Is `source` an inner endpoint of the rule towards this remote? */
static bool is_inner(const struct ruleset_rule *rule,
		     const struct ruleset_query *query, uint16_t *ret_offset)
{
	const struct rule_condition *condition;

	if (ruleset_rule_covers(&rule->inner, rule->ports, query->source,
				ret_offset))
		return true;
	condition = condition_find(rule->conditions, rule->runs,
				   rule->run_count, query->remote);
	return condition && condition->target.addr.family != IP_NONE &&
	       ruleset_rule_covers(&condition->target, rule->ports,
				   query->source, ret_offset);
}

const struct ruleset_rule *
ruleset_find_source(const struct ruleset *set,
		    const struct ruleset_query *query, ruleset_usable_fn usable,
		    uint16_t *ret_offset, void *arg)
{
	struct node_key key = { query->source, query->protocol };
	const struct ruleset_rule *best = NULL;
	struct table_node *node;
	unsigned best_rank = 0;

	node = table_find(&set->inner,
			  key_hash(set, (uint8_t)query->protocol,
				   query->source),
			  node_equal, &key);
	for (; node; node = table_find_next(node, node_equal, &key)) {
		const struct ruleset_rule *rule = ruleset_rule_of(
			node_of(node));
		uint16_t offset;
		unsigned rank;

		if (rule->outer.realm != query->into)
			continue;
		rank = remote_rank(&rule->remote, rule->ports, query->remote);
		if (rank == 0 || rank < best_rank ||
		    (best && rank == best_rank && rule->id > best->id))
			continue;
		if (!is_inner(rule, query, &offset) ||
		    (usable && !usable(rule, offset, query->remote, arg)))
			continue;
		best = rule;
		best_rank = rank;
		*ret_offset = offset;
	}
	return best;
}
