/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a rule's conditions: which of two decides first. Pure. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/rulewire.h"

int rule_condition_compare(const struct rule_condition *a,
			   const struct rule_condition *b)
{
	int width_a = a->ports.last - a->ports.first;
	int width_b = b->ports.last - b->ports.first;
	int order;

	if (a->source.bits != b->source.bits)
		return a->source.bits > b->source.bits ? -1 : 1;
	if (width_a != width_b)
		return width_a < width_b ? -1 : 1;
	order = ip_addr_compare(&a->source.addr, &b->source.addr);
	if (order != 0)
		return order;
	return (a->ports.first > b->ports.first) -
	       (a->ports.first < b->ports.first);
}

/* Same prefix, and ports of which neither decides before the other. */
static bool conditions_clash(const struct rule_condition *a,
			     const struct rule_condition *b)
{
	struct port_range p = a->ports, q = b->ports;

	if (!ip_prefix_equal(&a->source, &b->source) || p.last < q.first ||
	    q.last < p.first)
		return false;
	if (p.first == q.first && p.last == q.last)
		return true;
	return !(p.first <= q.first && q.last <= p.last) &&
	       !(q.first <= p.first && p.last <= q.last);
}

/* By prefix; of one prefix the wider range of ports before those within it. */
static int compare_nested(const void *x, const void *y, void *arg)
{
	const struct rule_condition *conditions = arg;
	const struct rule_condition *a = &conditions[*(const uint16_t *)x];
	const struct rule_condition *b = &conditions[*(const uint16_t *)y];
	int order;

	if (a->source.bits != b->source.bits)
		return a->source.bits > b->source.bits ? -1 : 1;
	order = ip_addr_compare(&a->source.addr, &b->source.addr);
	if (order != 0)
		return order;
	if (a->ports.first != b->ports.first)
		return a->ports.first < b->ports.first ? -1 : 1;
	return (a->ports.last < b->ports.last) -
	       (a->ports.last > b->ports.last);
}

/* `condition` begins behind the end of `open`, or has another prefix. */
static bool is_behind(const struct rule_condition *open,
		      const struct rule_condition *condition)
{
	return open->ports.last < condition->ports.first ||
	       !ip_prefix_equal(&open->source, &condition->source);
}

/*
 * Each is compared with the innermost one that holds its first port only, so
 * that thousands take no longer than sorting them.
 */
int rule_conditions_check(const struct rule_condition *conditions, size_t count,
			  size_t *ret_a, size_t *ret_b)
{
	uint16_t order[RULE_CONDITIONS_MAX];
	uint16_t open[RULE_CONDITIONS_MAX]; /* each within the one before */
	size_t depth = 0;

	assert(count <= RULE_CONDITIONS_MAX);
	for (size_t i = 0; i < count; i++)
		order[i] = (uint16_t)i;
	if (count > 1)
		qsort_r(order, count, sizeof(*order), compare_nested,
			(void *)(uintptr_t)conditions);
	for (size_t i = 0; i < count; i++) {
		uint16_t at = order[i];

		while (depth > 0 &&
		       is_behind(&conditions[open[depth - 1]], &conditions[at]))
			depth--;
		if (depth > 0 && conditions_clash(&conditions[open[depth - 1]],
						  &conditions[at])) {
			uint16_t other = open[depth - 1];

			*ret_a = at < other ? at : other;
			*ret_b = at < other ? other : at;
			return -EEXIST;
		}
		open[depth++] = at;
	}
	return 0;
}

static int compare_for_qsort(const void *a, const void *b)
{
	return rule_condition_compare(a, b);
}

int rule_conditions_sort(struct rule_condition *conditions, size_t count,
			 size_t *ret_a, size_t *ret_b)
{
	if (count > 1)
		qsort(conditions, count, sizeof(*conditions),
		      compare_for_qsort);
	return rule_conditions_check(conditions, count, ret_a, ret_b);
}
