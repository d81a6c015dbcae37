/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a flow settled: may the kernel translate it from now on, both ways, by
 * one entry that says the same as the rules? Pure.
 */
#ifndef VIADUCT_TRANSLATOR_FLOW_H
#define VIADUCT_TRANSLATOR_FLOW_H

#include "translator/resolve.h"

#define FLOW_STEPS_MAX 2 /* rules that a packet of a settled flow meets */

enum flow_verdict {
	FLOW_SETTLED,
	FLOW_DISCARDED, /* a packet of it, or its answer, is not forwarded */
	FLOW_UNRULED,   /* no rule has a part in it */
	FLOW_ONE_WAY,   /* a rule of a kind that looks at who spoke first */
	FLOW_ASKEW,     /* its answers would come from, or go, elsewhere */
	FLOW_INTRICATE, /* more than an entry of the kernel can say */
	FLOW_FAMILY,    /* not from IPv4 to IPv4 */
	FLOW_UNLATCHED, /* a rule has yet to latch on to its source */
	/* Settled, but the kernel does not have it: */
	FLOW_LIMIT, /* too many of one rule, or in all */
	FLOW_TAKEN, /* another entry is in its place */
	FLOW_FULL,  /* no room in the kernel's table */
	FLOW_FAILED,
};

#define FLOW_VERDICT_COUNT (FLOW_FAILED + 1)

struct flow_step { /* a rule that counts the packet */
	uint64_t rule;
	bool source; /* as packets_out */
};

/* One direction: the endpoints as they are when a packet arrives. */
struct flow_way {
	struct endpoint src; /* both have the realm that it arrives from */
	struct endpoint dst;
	struct flow_step steps[FLOW_STEPS_MAX];
	size_t step_count;
};

/*
 * A packet of `there` leaves from back.dst to back.src, one of `back` from
 * there.dst to there.src.
 */
struct flow {
	struct flow_way there;
	struct flow_way back;
};

/*
 * A UDP packet from src to dst that came from realm src.realm. *ret is filled
 * when the verdict is FLOW_SETTLED; none of the last four comes from here.
 */
enum flow_verdict flow_settle(const struct resolve_view *view,
			      const struct endpoint *src,
			      const struct endpoint *dst, struct flow *ret);
/* Same endpoints, by the same rules. */
bool flow_equal(const struct flow *a, const struct flow *b);
/* "settled", "one_way" ... */
const char *flow_verdict_name(enum flow_verdict verdict);

#endif
