/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules' say on a packet's two endpoints: where from, where to. Pure. */
#ifndef VIADUCT_TRANSLATOR_RESOLVE_H
#define VIADUCT_TRANSLATOR_RESOLVE_H

#include "translator/dynamic.h"
#include "translator/realms.h"
#include "translator/ruleset.h"
#include "translator/verdict.h"

#define RESOLVE_STEPS_MAX 3 /* source out, destination, source back in */

struct resolve_view { /* what is looked at; none owned */
	const struct ruleset *ruleset;
	const struct realms *realms;
	const struct permits *permits;
	const struct permits *sessions; /* of dynamic mappings, or NULL */
	enum rule_protocol protocol;    /* of the packet */
	uint64_t now_ms;
	const struct ruleset_ahead *ahead; /* is known; NULL: nothing */
};

/* A rule that had its part in it. */
struct resolve_step {
	const struct ruleset_rule *rule;
	struct endpoint remote; /* the other side, in the rule's outer realm */
	uint16_t offset;        /* which of the rule's ports */
	bool source;            /* it took over the source: a way out */
};

struct resolve_path {
	enum verdict verdict;
	/* As it leaves; dst.realm is where to. Of one that is discarded, as
	 * far as it came: for which source and destination a rule, or a way
	 * into dst.realm, was looked for in vain. */
	struct endpoint src;
	struct endpoint dst;
	size_t step_count;
	struct resolve_step steps[RESOLVE_STEPS_MAX];
	const struct ruleset_rule *refused; /* the rule that discarded it */
	/*
	 * The path is that of a packet whose source this rule has latched on
	 * to, at that port; which remains to be done. NULL: nothing remains.
	 */
	const struct ruleset_rule *latches;
	uint16_t latch_offset;
	struct endpoint latch_source;
	/* It is discarded as NO_SOURCE, for want of this mapping. */
	bool wants_mapping;
	struct dynamic_want want;
};

bool resolve_is_dynamic(const struct ruleset_rule *rule);

/*
 * What an address alone can be refused for. VERDICT_ROUTED: nothing is wrong
 * with the two.
 */
enum verdict resolve_admit(const struct realms *realms, realm_id from,
			   const struct ip_addr *src,
			   const struct ip_addr *dst);
/*
 * A packet from `src` to `dst`, both as seen in the realm src.realm that it
 * came from.
 */
struct resolve_path resolve(const struct resolve_view *view,
			    const struct endpoint *src,
			    const struct endpoint *dst);

#endif
