/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and checks the translator's form of a rule. Pure. */
#ifndef VIADUCT_TRANSLATOR_RULESET_RULE_H
#define VIADUCT_TRANSLATOR_RULESET_RULE_H

#include "translator/ruleset.h"

#define RULESET_RULE_KEYS_MAX \
	((RULE_CONDITIONS_MAX + 2u) * (RULE_PORTS_MAX / 2u + 1u))

/*
 * Fills in what the rule says; shares the terms of `like` (NULL: of nobody)
 * where they are the same. 0, -EINVAL (see ruleset_put) or -ENOMEM.
 */
int ruleset_rule_init(struct ruleset_rule *ret, const struct rule *rule,
		      size_t realm_count, const struct ruleset_rule *like);
void ruleset_rule_done(struct ruleset_rule *rule);
/*
 * The latch of the former publication goes on, within a round: what has been
 * seen here since counts.
 */
void ruleset_rule_keep_latch(struct ruleset_rule *rule,
			     const struct ruleset_rule *former);

/*
 * What an endpoint is looked up by: two neighbouring ports, an even one first,
 * have one key, so that RTP and RTCP are one entry.
 */
static inline struct endpoint ruleset_key(const struct endpoint *endpoint)
{
	struct endpoint key = *endpoint;

	key.port &= 0xfffe;
	return key;
}

/* How many keys its outer endpoints have; its inner ones, with targets. */
size_t ruleset_rule_outer_keys(const struct ruleset_rule *rule);
size_t ruleset_rule_inner_keys(const struct ruleset_rule *rule);
struct endpoint ruleset_rule_outer_key(const struct ruleset_rule *rule,
				       size_t i);
/* Where two targets are neighbours, a key comes twice. */
struct endpoint ruleset_rule_inner_key(const struct ruleset_rule *rule,
				       size_t i);
/* Is this one of `ports` endpoints from `base` on? Which one? */
bool ruleset_rule_covers(const struct endpoint *base, uint16_t ports,
			 const struct endpoint *endpoint, uint16_t *ret_offset);

#endif
