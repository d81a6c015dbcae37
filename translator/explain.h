/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of a packet, and why, in words. Pure. */
#ifndef VIADUCT_TRANSLATOR_EXPLAIN_H
#define VIADUCT_TRANSLATOR_EXPLAIN_H

#include "translator/translate.h"

#define EXPLAIN_REASON_MAX 600

struct explain_packet {
	uint8_t protocol; /* IP's number; of an error that of its quote */
	bool is_error;    /* an ICMP error */
	/*
	 * As seen in the realm src.realm that it comes from. Of TCP: a segment
	 * that opens a connection. Of ICMP: an echo request, its identifier as
	 * src's port, dst's 0; the other way round, its answer. An error: src
	 * sends it to dst, about a packet that dst had sent to src.
	 */
	struct endpoint src;
	struct endpoint dst;
};

struct explanation {
	enum verdict verdict;
	/* It begins a mapping: how it leaves is known when that is made. */
	bool begins_mapping;
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
