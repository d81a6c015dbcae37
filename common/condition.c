/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a rule's conditions: which of two decides first. Pure. */
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

int rule_conditions_check(const struct rule_condition *conditions, size_t count,
			  size_t *ret_a, size_t *ret_b)
{
	for (size_t a = 0; a < count; a++) {
		/* Sorted by length first: a clash is among equal lengths. */
		for (size_t b = a + 1;
		     b < count &&
		     conditions[b].source.bits == conditions[a].source.bits;
		     b++) {
			if (!conditions_clash(&conditions[a], &conditions[b]))
				continue;
			*ret_a = a;
			*ret_b = b;
			return -EEXIST;
		}
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
