/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the condition that speaks for a source, among thousands. Pure. */
#include "translator/condition.h"

#include <string.h>

static unsigned width(struct port_range ports)
{
	return (unsigned)ports.last - ports.first;
}

static bool same_run(const struct rule_condition *a,
		     const struct rule_condition *b)
{
	return a->source.bits == b->source.bits &&
	       width(a->ports) == width(b->ports);
}

uint16_t condition_runs(const struct rule_condition *conditions, uint16_t count,
			struct condition_run *runs)
{
	uint16_t run_count = 0, first = 0;

	for (uint16_t i = 1; i <= count; i++) {
		if (i < count && same_run(&conditions[i], &conditions[first]))
			continue;
		if (runs) {
			runs[run_count].first = first;
			runs[run_count].count = (uint16_t)(i - first);
		}
		run_count++;
		first = i;
	}
	return run_count;
}

/* <0, 0, >0: the condition lies before, holds, or lies behind the source. */
static int position(const struct rule_condition *condition,
		    const struct endpoint *source)
{
	if (!ip_prefix_contains(&condition->source, &source->addr))
		return ip_addr_compare(&condition->source.addr, &source->addr);
	if (condition->ports.last < source->port)
		return -1;
	return condition->ports.first > source->port;
}

const struct rule_condition *
condition_find(const struct rule_condition *conditions,
	       const struct condition_run *runs, uint16_t run_count,
	       const struct endpoint *source)
{
	for (uint16_t i = 0; i < run_count; i++) {
		size_t first = runs[i].first;
		size_t last = first + runs[i].count;

		while (first < last) {
			size_t middle = first + (last - first) / 2;
			int order = position(&conditions[middle], source);

			if (order == 0)
				return &conditions[middle];
			if (order < 0)
				first = middle + 1;
			else
				last = middle;
		}
	}
	return NULL;
}
