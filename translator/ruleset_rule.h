/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and checks the translator's form of a rule. Pure. */
#ifndef VIADUCT_TRANSLATOR_RULESET_RULE_H
#define VIADUCT_TRANSLATOR_RULESET_RULE_H

#include "translator/ruleset.h"

/*
 * Copies the rule; serial, sync and counters are left to the caller.
 * 0, -EINVAL (see ruleset_put) or -ENOMEM.
 */
int ruleset_rule_new(const struct rule *rule, size_t realm_count,
		     struct ruleset_rule **ret);
void ruleset_rule_free(struct ruleset_rule *rule);

/* The rule that holds this node, and the endpoint that the node stands for. */
const struct ruleset_rule *ruleset_rule_of(const struct ruleset_node *node);
struct endpoint ruleset_rule_endpoint(const struct ruleset_rule *rule,
				      size_t index);
/* Is this one of `ports` endpoints from `base` on? Which one? */
bool ruleset_rule_covers(const struct endpoint *base, uint16_t ports,
			 const struct endpoint *endpoint, uint16_t *ret_offset);

#endif
