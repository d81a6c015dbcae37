/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in force, found by outer and by inner endpoint. Pure. */
#include "translator/ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "translator/ruleset_parts.h"
#include "translator/ruleset_rule.h"

#define LARGE_BITS 14 /* from here on the second cache is too small */

static uint32_t key_hash(const struct ruleset *set, uint8_t protocol,
			 const struct endpoint *endpoint)
{
	struct endpoint key = ruleset_key(endpoint);

	return (uint32_t)(endpoint_hash(&key, set->seed + protocol) >> 32);
}

struct ruleset *ruleset_new(size_t realm_count, uint64_t seed)
{
	struct ruleset *set;

	set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	if (rule_index_init(&set->outer))
		goto fail;
	if (rule_index_init(&set->inner))
		goto fail_inner;
	slab_init(&set->rules, sizeof(struct ruleset_rule));
	set->realm_count = realm_count;
	set->seed = seed;
	return set;
fail_inner:
	rule_index_done(&set->outer);
fail:
	free(set);
	return NULL;
}

void ruleset_free(struct ruleset *set)
{
	uint32_t number;
	uint64_t id = 0;

	if (!set)
		return;
	while ((number = ids_next(&set->ids, id))) {
		id = ruleset_at(set, number)->id;
		ruleset_rule_done(ruleset_at(set, number));
	}
	ids_done(&set->ids);
	rule_index_done(&set->inner);
	rule_index_done(&set->outer);
	slab_done(&set->rules);
	free(set);
}

void ruleset_share(struct ruleset *set, ruleset_wait_fn wait, void *arg)
{
	set->wait = wait;
	set->arg = arg;
}

size_t ruleset_count(const struct ruleset *set)
{
	return set->ids.count;
}

/* What came in while others still saw the former one. */
static void hand_on(struct rule_counters *from, struct rule_counters *to)
{
	to->packets_in += from->packets_in;
	to->packets_out += from->packets_out;
	to->discarded += from->discarded;
}

void ruleset_settle(struct ruleset *set)
{
	if (set->leaving == 0 && !set->outer.former && !set->inner.former)
		return;
	if (set->wait)
		set->wait(set->arg);
	for (size_t i = 0; i < set->leaving; i++) {
		const struct leaver *leaver = &set->limbo[i];

		if (leaver->link != 0)
			rule_index_free_link(leaver->index, leaver->link);
		if (leaver->rule == 0)
			continue;
		if (leaver->successor != 0)
			hand_on(ruleset_at(set, leaver->rule)->counters,
				ruleset_at(set, leaver->successor)->counters);
		ruleset_rule_done(ruleset_at(set, leaver->rule));
		slab_give(&set->rules, leaver->rule);
	}
	set->leaving = 0;
	rule_index_free_former(&set->outer);
	rule_index_free_former(&set->inner);
}

static void leave(struct ruleset *set, struct leaver leaver)
{
	set->limbo[set->leaving++] = leaver;
	if (set->leaving == LIMBO_MAX)
		ruleset_settle(set);
}

void ruleset_index(struct ruleset *set, uint32_t number)
{
	const struct ruleset_rule *rule = ruleset_at(set, number);

	for (size_t i = 0; i < ruleset_rule_inner_keys(rule); i++) {
		struct endpoint key = ruleset_rule_inner_key(rule, i);

		rule_index_add(&set->inner, key_hash(set, rule->protocol, &key),
			       number);
	}
	for (size_t i = 0; i < ruleset_rule_outer_keys(rule); i++) {
		struct endpoint key = ruleset_rule_outer_key(rule, i);

		rule_index_add(&set->outer, key_hash(set, rule->protocol, &key),
			       number);
	}
}

static void unindex_key(struct ruleset *set, struct rule_index *index,
			uint32_t number, const struct endpoint *key)
{
	uint8_t protocol = ruleset_at(set, number)->protocol;
	struct leaver leaver = { .index = index };

	leaver.link = rule_index_remove(index, key_hash(set, protocol, key),
					number);
	if (leaver.link != 0)
		leave(set, leaver);
}

void ruleset_withdraw(struct ruleset *set, uint32_t number, uint32_t successor)
{
	const struct ruleset_rule *rule = ruleset_at(set, number);
	struct leaver leaver = { .rule = number, .successor = successor };

	for (size_t i = 0; i < ruleset_rule_outer_keys(rule); i++) {
		struct endpoint key = ruleset_rule_outer_key(rule, i);

		unindex_key(set, &set->outer, number, &key);
	}
	for (size_t i = 0; i < ruleset_rule_inner_keys(rule); i++) {
		struct endpoint key = ruleset_rule_inner_key(rule, i);

		unindex_key(set, &set->inner, number, &key);
	}
	leave(set, leaver);
}

void ruleset_remove(struct ruleset *set, uint32_t number)
{
	ids_remove(&set->ids, ruleset_at(set, number)->id);
	ruleset_withdraw(set, number, 0);
}

/* After many have gone. */
static void removed(struct ruleset *set)
{
	ruleset_settle(set);
	rule_index_trim(&set->outer);
	rule_index_trim(&set->inner);
	ruleset_settle(set);
}

size_t ruleset_delete(struct ruleset *set, const uint64_t *ids, size_t count)
{
	size_t count_removed = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t number = ids_find(&set->ids, ids[i]);

		if (number == 0)
			continue;
		ruleset_remove(set, number);
		count_removed++;
	}
	removed(set);
	return count_removed;
}

void ruleset_sync_begin(struct ruleset *set)
{
	uint32_t number;
	uint64_t id = 0;

	while ((number = ids_next(&set->ids, id))) {
		struct ruleset_rule *rule = ruleset_at(set, number);

		id = rule->id;
		rule->is_stale = id < RULE_ID_DYNAMIC;
	}
	set->syncing = true;
}

size_t ruleset_sync_end(struct ruleset *set)
{
	size_t count_removed = 0;
	uint32_t number;
	uint64_t id = 0;

	set->syncing = false;
	while ((number = ids_next(&set->ids, id))) {
		id = ruleset_at(set, number)->id;
		if (!ruleset_at(set, number)->is_stale)
			continue;
		ruleset_remove(set, number);
		count_removed++;
	}
	removed(set);
	return count_removed;
}

const struct ruleset_rule *ruleset_next(const struct ruleset *set,
					uint64_t after)
{
	uint32_t number = ids_next(&set->ids, after);

	return number ? ruleset_at(set, number) : NULL;
}

const struct ruleset_rule *ruleset_find(const struct ruleset *set, uint64_t id)
{
	uint32_t number = ids_find(&set->ids, id);

	return number ? ruleset_at(set, number) : NULL;
}

const struct ruleset_rule *ruleset_find_ahead(const struct ruleset *set,
					      enum rule_protocol protocol,
					      const struct endpoint *outer,
					      const struct ruleset_ahead *ahead)
{
	bool is_known = ahead && ahead->protocol == protocol &&
			endpoint_equal(&ahead->destination, outer);
	uint32_t next = rule_index_find(&set->outer,
					is_known ?
						ahead->destination_hash :
						key_hash(set, (uint8_t)protocol,
							 outer));
	uint16_t offset;

	while (next != 0) {
		const struct ruleset_rule *rule =
			ruleset_at(set, rule_index_step(&set->outer, &next));

		if (rule->protocol == protocol &&
		    ruleset_rule_covers(&rule->outer, rule->ports, outer,
					&offset))
			return rule;
	}
	return NULL;
}

const struct ruleset_rule *ruleset_find_outer(const struct ruleset *set,
					      enum rule_protocol protocol,
					      const struct endpoint *outer)
{
	return ruleset_find_ahead(set, protocol, outer, NULL);
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
	condition = ruleset_rule_condition(rule, query->remote);
	return condition && condition->target.addr.family != IP_NONE &&
	       ruleset_rule_covers(&condition->target, rule->ports,
				   query->source, ret_offset);
}

const struct ruleset_rule *
ruleset_find_source(const struct ruleset *set,
		    const struct ruleset_query *query, ruleset_usable_fn usable,
		    uint16_t *ret_offset, void *arg)
{
	const struct ruleset_ahead *ahead = query->ahead;
	bool is_known = ahead && ahead->protocol == query->protocol &&
			endpoint_equal(&ahead->source, query->source);
	uint32_t next = rule_index_find(
		&set->inner, is_known ? ahead->source_hash :
					key_hash(set, (uint8_t)query->protocol,
						 query->source));
	const struct ruleset_rule *best = NULL;
	unsigned best_rank = 0;

	while (next != 0) {
		const struct ruleset_rule *rule =
			ruleset_at(set, rule_index_step(&set->inner, &next));
		uint16_t offset;
		unsigned rank;

		if (rule->outer.realm != query->into ||
		    rule->protocol != query->protocol)
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

struct ruleset_ahead ruleset_ahead(const struct ruleset *set,
				   enum rule_protocol protocol,
				   const struct endpoint *source,
				   const struct endpoint *destination)
{
	struct ruleset_ahead ahead = {
		.source = *source,
		.destination = *destination,
		.source_hash = key_hash(set, (uint8_t)protocol, source),
		.destination_hash = key_hash(set, (uint8_t)protocol,
					     destination),
		.protocol = (uint8_t)protocol,
	};

	rule_index_prefetch(&set->outer, ahead.destination_hash);
	rule_index_prefetch(&set->inner, ahead.source_hash);
	return ahead;
}

static void fetch_rule(const struct ruleset *set,
		       const struct rule_index *index, uint32_t hash)
{
	uint32_t next = rule_index_find(index, hash);
	const char *rule;

	if (next == 0)
		return;
	rule = (const void *)ruleset_at(set, rule_index_step(index, &next));
	__builtin_prefetch(rule);
	__builtin_prefetch(rule + sizeof(struct ruleset_rule) / 2, 1);
}

void ruleset_fetch(const struct ruleset *set, const struct ruleset_ahead *ahead)
{
	fetch_rule(set, &set->outer, ahead->destination_hash);
	fetch_rule(set, &set->inner, ahead->source_hash);
}

bool ruleset_is_large(const struct ruleset *set)
{
	return rule_index_bits(&set->outer) >= LARGE_BITS ||
	       rule_index_bits(&set->inner) >= LARGE_BITS;
}
