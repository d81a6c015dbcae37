/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of a packet, and why, in words. Pure. */
#ifndef VIADUCT_TRANSLATOR_EXPLAIN_H
#define VIADUCT_TRANSLATOR_EXPLAIN_H

#include "translator/translate.h"

#define EXPLAIN_REASON_MAX 600

struct explain_packet {
	uint8_t protocol; /* IP's number */
	/*
	 * As seen in the realm src.realm that it comes from. Of ICMP: an error
	 * that src sends to dst, about a UDP packet that dst had sent to src.
	 */
	struct endpoint src;
	struct endpoint dst;
};

struct explanation {
	enum verdict verdict;
	struct resolve_path path; /* of what the rules were asked for */
	/* By step of the path: the condition that let it through, or NULL. */
	const struct rule_condition *conditions[RESOLVE_STEPS_MAX];
	/* Of path.refused: the condition that discards, or NULL. */
	const struct rule_condition *refusing;
	char reason[EXPLAIN_REASON_MAX]; /* a line without its end */
};

/*
 * The same checks and the same look at the rules as a packet has that arrives
 * at `now_ms`; nothing is counted or left behind. Points into the ruleset.
 */
void explain(const struct translate_context *context,
	     const struct realm_names *names,
	     const struct explain_packet *packet, uint64_t now_ms,
	     struct explanation *ret);

#endif
