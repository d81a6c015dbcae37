/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for the translator behind rulelink: keeps the rules that were put,
 * and acknowledges when the test says so.
 */
#ifndef VIADUCT_TESTS_NATCTL_FAKE_LINK_H
#define VIADUCT_TESTS_NATCTL_FAKE_LINK_H

#include "common/list.h"
#include "natctl/translator.h"

#define FAKE_RULES      512
#define FAKE_WATCHES    64
#define FAKE_CONDITIONS 300 /* of a rule */

struct fake_rule {
	struct rule rule; /* id 0: none here */
	struct rule_condition conditions[FAKE_CONDITIONS];
};

struct fake_link {
	bool is_up;
	int refuse;          /* what put and remove return; 0: they work */
	struct list pending; /* owned: changes not acknowledged, oldest first */
	size_t pending_count;
	struct fake_rule rules[FAKE_RULES];
	struct wire_watch watches[FAKE_WATCHES]; /* that were asked for */
	size_t watch_count;
};

extern const struct translator_ops fake_link_ops;

void fake_link_init(struct fake_link *link); /* up, and empty */
/* Changes under way end with -ECONNRESET. */
void fake_link_done(struct fake_link *link);
/*
 * The oldest change ends so (0: it takes hold); a removal always takes hold,
 * unless the link is lost (-ECONNRESET). False: there is none.
 */
bool fake_link_end(struct fake_link *link, int result, uint64_t now_ms);
/* All of them. */
void fake_link_end_all(struct fake_link *link, int result, uint64_t now_ms);
size_t fake_link_count(const struct fake_link *link);
/* NULL: no such rule in force. */
const struct rule *fake_link_find(const struct fake_link *link, uint64_t id);

#endif
