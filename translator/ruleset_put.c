/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts rules, all or nothing. Pure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "translator/ruleset_parts.h"
#include "translator/ruleset_rule.h"

#define FORMER_NONE UINT32_MAX

struct batch { /* rules that are to be published together */
	const struct ruleset *set;
	uint32_t *rules; /* owned, by id */
	size_t count;
	size_t listed;     /* of them, how many have their id in the set */
	uint32_t *formers; /* owned; what each replaces: a rule, or FORMER_NONE */
};

static int by_id(const void *a, const void *b, void *arg)
{
	const struct ruleset *set = arg;
	const uint32_t *x = a, *y = b;
	uint64_t i = ruleset_at(set, *x)->id, j = ruleset_at(set, *y)->id;

	return i < j ? -1 : i > j;
}

static bool batch_has(const struct batch *batch, uint64_t id)
{
	size_t first = 0, last = batch->count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;
		uint64_t there =
			ruleset_at(batch->set, batch->rules[middle])->id;

		if (there == id)
			return true;
		if (there < id)
			first = middle + 1;
		else
			last = middle;
	}
	return false;
}

static int batch_copy(struct batch *batch, struct ruleset *set,
		      const struct rule *rules, size_t count)
{
	const struct ruleset_rule *like = NULL;
	int err;

	batch->set = set;
	batch->rules = calloc(count, sizeof(*batch->rules));
	batch->formers = calloc(count, sizeof(*batch->formers));
	if (!batch->rules || !batch->formers ||
	    slab_reserve(&set->rules, count))
		return -ENOMEM;
	while (batch->count < count) {
		uint32_t number = slab_take(&set->rules);
		struct ruleset_rule *rule = ruleset_at(set, number);

		err = ruleset_rule_init(rule, &rules[batch->count],
					set->realm_count, like);
		if (err) {
			slab_give(&set->rules, number);
			return err;
		}
		batch->rules[batch->count++] = number;
		like = rule;
	}
	qsort_r(batch->rules, count, sizeof(*batch->rules), by_id, set);
	for (size_t i = 1; i < count; i++)
		if (by_id(&batch->rules[i - 1], &batch->rules[i], set) == 0)
			return -EEXIST;
	return 0;
}

/* Of before the synchronisation that goes on, and not put again since. */
static bool is_stale(const struct ruleset *set, const struct ruleset_rule *rule)
{
	return set->syncing && rule->is_stale;
}

static int by_outer(const void *a, const void *b, void *arg)
{
	const struct ruleset *set = arg;
	const uint32_t *x = a, *y = b;
	const struct ruleset_rule *i = ruleset_at(set, *x),
				  *j = ruleset_at(set, *y);

	if (i->protocol != j->protocol)
		return i->protocol < j->protocol ? -1 : 1;
	if (i->outer.realm != j->outer.realm)
		return i->outer.realm < j->outer.realm ? -1 : 1;
	if (!ip_addr_equal(&i->outer.addr, &j->outer.addr))
		return ip_addr_compare(&i->outer.addr, &j->outer.addr);
	return i->outer.port - j->outer.port;
}

/* Do two of the batch claim the same outer endpoint? */
static int check_within(const struct batch *batch)
{
	uint32_t *sorted = calloc(batch->count, sizeof(*sorted));
	uint16_t offset;
	int err = 0;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, batch->rules, batch->count * sizeof(*sorted));
	qsort_r(sorted, batch->count, sizeof(*sorted), by_outer,
		(void *)(uintptr_t)batch->set);
	for (size_t i = 1; i < batch->count && !err; i++) {
		const struct ruleset_rule *a = ruleset_at(batch->set,
							  sorted[i - 1]);
		const struct ruleset_rule *b = ruleset_at(batch->set,
							  sorted[i]);

		if (a->protocol == b->protocol &&
		    ruleset_rule_covers(&a->outer, a->ports, &b->outer,
					&offset))
			err = -EEXIST;
	}
	free(sorted);
	return err;
}

/* The i-th port's outer endpoint; who has it in the set? */
static const struct ruleset_rule *holder_of(const struct ruleset *set,
					    const struct ruleset_rule *rule,
					    uint16_t i)
{
	struct endpoint outer = rule->outer;

	outer.port = (uint16_t)(outer.port + i);
	return ruleset_find_outer(set, rule->protocol, &outer);
}

/* Would each outer endpoint have one rule, once all of them are published? */
static int batch_check(const struct ruleset *set, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct ruleset_rule *rule = ruleset_at(set,
							     batch->rules[i]);

		for (uint16_t port = 0; port < rule->ports; port++) {
			const struct ruleset_rule *holder;

			holder = holder_of(set, rule, port);
			if (holder && !batch_has(batch, holder->id) &&
			    !is_stale(set, holder))
				return -EEXIST;
		}
	}
	return check_within(batch);
}

/* Gets everything that publishing needs: from here on nothing can fail. */
static int batch_list(struct batch *batch, struct ruleset *set)
{
	size_t outer = 0, inner = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct ruleset_rule *rule = ruleset_at(set,
							     batch->rules[i]);

		outer += ruleset_rule_outer_keys(rule);
		inner += ruleset_rule_inner_keys(rule);
	}
	if (rule_index_reserve(&set->outer, outer) ||
	    rule_index_reserve(&set->inner, inner))
		return -ENOMEM;
	for (; batch->listed < batch->count; batch->listed++) {
		uint32_t number = batch->rules[batch->listed];
		uint64_t id = ruleset_at(set, number)->id;
		uint32_t former = ids_find(&set->ids, id);

		if (former == 0 && ids_put(&set->ids, id, number))
			return -ENOMEM;
		batch->formers[batch->listed] = former ? former : FORMER_NONE;
	}
	return 0;
}

static void batch_free(struct batch *batch)
{
	free(batch->rules);
	free(batch->formers);
}

static void batch_undo(struct batch *batch, struct ruleset *set)
{
	for (size_t i = 0; i < batch->listed; i++)
		if (batch->formers[i] == FORMER_NONE)
			ids_remove(&set->ids,
				   ruleset_at(set, batch->rules[i])->id);
	for (size_t i = 0; i < batch->count; i++) {
		ruleset_rule_done(ruleset_at(set, batch->rules[i]));
		slab_give(&set->rules, batch->rules[i]);
	}
	batch_free(batch);
}

/* From here on it is found, before the one that it replaces. */
static void publish(struct ruleset *set, uint32_t number, uint32_t former)
{
	struct ruleset_rule *rule = ruleset_at(set, number);

	rule->serial = ++set->serial;
	rule->first_serial = rule->serial;
	if (former != FORMER_NONE) {
		rule->first_serial = ruleset_at(set, former)->first_serial;
		ruleset_rule_keep_latch(rule, ruleset_at(set, former));
		ids_put(&set->ids, rule->id, number);
	}
	ruleset_index(set, number);
}

/* Stale holders go; one that is in the batch is replaced as it is published. */
static void evict(struct ruleset *set, const struct batch *batch,
		  const struct ruleset_rule *rule)
{
	for (uint16_t i = 0; i < rule->ports; i++) {
		const struct ruleset_rule *holder = holder_of(set, rule, i);

		if (holder && !batch_has(batch, holder->id))
			ruleset_remove(set, ids_find(&set->ids, holder->id));
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
		ruleset_settle(set);
		return err;
	}
	for (size_t i = 0; i < count; i++)
		evict(set, &batch, ruleset_at(set, batch.rules[i]));
	for (size_t i = 0; i < count; i++)
		publish(set, batch.rules[i], batch.formers[i]);
	for (size_t i = 0; i < count; i++)
		if (batch.formers[i] != FORMER_NONE)
			ruleset_withdraw(set, batch.formers[i], batch.rules[i]);
	batch_free(&batch);
	ruleset_settle(set);
	return 0;
}
