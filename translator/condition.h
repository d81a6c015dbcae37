/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the condition that speaks for a source, among thousands. Pure. */
#ifndef VIADUCT_TRANSLATOR_CONDITION_H
#define VIADUCT_TRANSLATOR_CONDITION_H

#include "common/rule.h"

/*
 * Sorted conditions (rule_condition_compare) with the same prefix length and
 * number of ports stand together: a run, in which at most one can match.
 */
struct condition_run {
	uint16_t first;
	uint16_t count;
};

/* Writes at most `count` runs; returns how many. `runs` NULL: only counts. */
uint16_t condition_runs(const struct rule_condition *conditions, uint16_t count,
			struct condition_run *runs);

/*
 * The most specific one that holds for the source: the longest prefix, within
 * it the narrowest ports; where the ports do not match, the next shorter
 * prefix. NULL: none.
 */
const struct rule_condition *
condition_find(const struct rule_condition *conditions,
	       const struct condition_run *runs, uint16_t run_count,
	       const struct endpoint *source);

#endif
