/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the ruleset share: its state. For them only. */
#ifndef VIADUCT_TRANSLATOR_RULESET_PARTS_H
#define VIADUCT_TRANSLATOR_RULESET_PARTS_H

#include "translator/ids.h"
#include "translator/rule_index.h"
#include "translator/ruleset.h"

#define LIMBO_MAX 256 /* rules that wait to be freed */

/* A rule, and what else it leaves, that others may still be reading. */
struct leaver {
	uint32_t rule;      /* 0: a link alone */
	uint32_t successor; /* gets its counters; 0: none */
	uint32_t link;      /* of `index`; 0: none */
	struct rule_index *index;
};

struct ruleset {
	struct slab rules;       /* struct ruleset_rule */
	struct rule_index outer; /* by the keys of outer endpoints */
	struct rule_index inner; /* by those of inner ones */
	struct ids ids;          /* all rules */
	struct leaver limbo[LIMBO_MAX];
	size_t leaving;
	ruleset_wait_fn wait; /* NULL: nobody else looks anything up */
	void *arg;
	size_t realm_count;
	uint64_t seed;
	uint64_t serial; /* of the last publication */
	bool syncing;
};

static inline struct ruleset_rule *ruleset_at(const struct ruleset *set,
					      uint32_t number)
{
	return slab_at(&set->rules, number);
}

/* It is found by its endpoints. The indexes have room. */
void ruleset_index(struct ruleset *set, uint32_t number);
/*
 * It is found no longer; when nobody sees it, its successor (0: none) gets its
 * counters, and its memory is freed.
 */
void ruleset_withdraw(struct ruleset *set, uint32_t number, uint32_t successor);
void ruleset_remove(struct ruleset *set, uint32_t number);
/* Waits until nobody sees what has left, and frees it. */
void ruleset_settle(struct ruleset *set);

#endif
