/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for the translator behind rulelink. Runs while allocations are made
 * to fail, so it has no assertions of the test library, which allocates.
 */
#include "tests/natctl/fake_link.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fake_change {
	struct list node; /* on fake_link.pending */
	translator_done_fn done;
	void *arg;
	struct fake_rule *rules; /* owned; to be put */
	uint64_t *ids;           /* owned; to be removed */
	size_t count;
};

static void copy_rule(struct fake_rule *to, const struct rule *rule)
{
	assert(rule->condition_count <= FAKE_CONDITIONS);
	to->rule = *rule;
	memset(to->conditions, 0, sizeof(to->conditions));
	for (size_t i = 0; i < rule->condition_count; i++)
		to->conditions[i] = rule->conditions[i];
	to->rule.conditions = to->conditions;
}

static int add_change(struct fake_link *link, size_t count,
		      translator_done_fn done, void *arg,
		      struct fake_change **ret)
{
	struct fake_change *change;

	if (!link->is_up)
		return -ENOTCONN;
	if (link->refuse != 0)
		return link->refuse;
	change = calloc(1, sizeof(*change));
	if (change == NULL)
		return -ENOMEM;
	change->rules = calloc(count, sizeof(*change->rules));
	change->ids = calloc(count, sizeof(*change->ids));
	if (change->rules == NULL || change->ids == NULL) {
		free(change->rules);
		free(change->ids);
		free(change);
		return -ENOMEM;
	}
	change->done = done;
	change->arg = arg;
	change->count = count;
	list_add_tail(&link->pending, &change->node);
	link->pending_count++;
	*ret = change;
	return 0;
}

static int put_rules(void *arg, const struct rule *rules, size_t count,
		     translator_done_fn done, void *done_arg)
{
	struct fake_change *change;
	int rc = add_change(arg, count, done, done_arg, &change);

	for (size_t i = 0; rc == 0 && i < count; i++)
		copy_rule(&change->rules[i], &rules[i]);
	return rc;
}

static int remove_rules(void *arg, const uint64_t *ids, size_t count,
			translator_done_fn done, void *done_arg)
{
	struct fake_change *change;
	int rc = add_change(arg, count, done, done_arg, &change);

	if (rc == 0)
		memcpy(change->ids, ids, count * sizeof(*ids));
	return rc;
}

static void watch_rules(void *arg, const struct wire_watch *watches,
			size_t count)
{
	struct fake_link *link = arg;

	for (size_t i = 0; i < count && link->watch_count < FAKE_WATCHES; i++)
		link->watches[link->watch_count++] = watches[i];
}

static bool is_up(const void *arg)
{
	const struct fake_link *link = arg;

	return link->is_up;
}

const struct translator_ops fake_link_ops = {
	.put = put_rules,
	.remove = remove_rules,
	.watch = watch_rules,
	.is_up = is_up,
};

void fake_link_init(struct fake_link *link)
{
	memset(link, 0, sizeof(*link));
	list_init(&link->pending);
	link->is_up = true;
}

void fake_link_done(struct fake_link *link)
{
	fake_link_end_all(link, -ECONNRESET, 0);
}

static struct fake_rule *find(struct fake_link *link, uint64_t id)
{
	for (size_t i = 0; i < FAKE_RULES; i++)
		if (link->rules[i].rule.id == id)
			return &link->rules[i];
	return NULL;
}

static void apply(struct fake_link *link, const struct fake_change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		uint64_t id = change->ids[i];
		struct fake_rule *place;

		if (id != 0) {
			place = find(link, id);
			if (place != NULL)
				place->rule.id = 0;
			continue;
		}
		place = find(link, change->rules[i].rule.id);
		if (place == NULL)
			place = find(link, 0);
		assert(place != NULL);
		copy_rule(place, &change->rules[i].rule);
	}
}

bool fake_link_end(struct fake_link *link, int result, uint64_t now_ms)
{
	struct fake_change *change;

	if (list_is_empty(&link->pending))
		return false;
	change = container_of(link->pending.next, struct fake_change, node);
	list_remove(&change->node);
	link->pending_count--;
	if (change->ids[0] != 0 && result != -ECONNRESET)
		result = 0;
	if (result == 0)
		apply(link, change);
	change->done(result, now_ms, change->arg);
	free(change->rules);
	free(change->ids);
	free(change);
	return true;
}

void fake_link_end_all(struct fake_link *link, int result, uint64_t now_ms)
{
	while (fake_link_end(link, result, now_ms))
		;
}

size_t fake_link_count(const struct fake_link *link)
{
	size_t count = 0;

	for (size_t i = 0; i < FAKE_RULES; i++)
		count += link->rules[i].rule.id != 0;
	return count;
}

const struct rule *fake_link_find(const struct fake_link *link, uint64_t id)
{
	for (size_t i = 0; i < FAKE_RULES; i++)
		if (link->rules[i].rule.id == id)
			return &link->rules[i].rule;
	return NULL;
}
