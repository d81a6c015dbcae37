/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPINE: one packet from one realm to a verdict.
 *
 * A packet that wants a dynamic mapping is discarded by translate(), which says
 * so; translate_whole() makes the mapping and passes the packet once more. So
 * it is with one that a rule is to latch on to.
 *
 * translate() looks things up and rewrites the packet's headers in place; it
 * changes nothing else. What the packet leaves behind (counters, permits,
 * fragments) is in its result as effects, which translate_apply() carries out.
 */
#ifndef VIADUCT_TRANSLATOR_TRANSLATE_H
#define VIADUCT_TRANSLATOR_TRANSLATE_H

#include "common/rulewire.h"
#include "translator/crossing.h"
#include "translator/fragment.h"
#include "translator/resolve.h"

struct translate_context { /* none owned */
	struct ruleset *ruleset;
	const struct realms *realms;
	struct permits *permits;
	struct fragments *fragments;
	struct dynamics *dynamics; /* NULL: no mappings */
	/* Of the packet that is next; NULL: nothing is known. */
	const struct ruleset_ahead *ahead;
};

/* Of dynamic mappings; NULL: there are none. */
const struct permits *
translate_sessions(const struct translate_context *context);

enum translate_fragment {
	TRANSLATE_FRAGMENT_NONE,
	TRANSLATE_FRAGMENT_REMEMBER,
	TRANSLATE_FRAGMENT_FORGET
};

struct translate_permit {
	struct permit_key key;
	uint32_t timer; /* seconds */
	bool is_tcp;
	bool is_dynamic;               /* a session of a mapping */
	struct permit_segment segment; /* of TCP */
};

struct translate_effects {
	struct rule_counters *in;        /* packets_in + 1 */
	struct rule_counters *out[2];    /* packets_out + 1 each */
	struct rule_counters *discarded; /* discarded + 1 */
	size_t permit_count;
	struct translate_permit permits[RESOLVE_STEPS_MAX];
	bool offer;          /* its flow could go to the kernel: these two, */
	struct endpoint src; /* as the packet arrived */
	struct endpoint dst;
	enum translate_fragment fragment;
	struct fragment_key fragment_key;
	struct fragment_path fragment_path; /* for REMEMBER */
};

struct translation {
	enum verdict verdict;
	realm_id to; /* REALM_NONE unless the verdict forwards */
	/* Where it is now, if it is of the other IP version. */
	struct crossed crossed;
	struct translate_effects effects;
	/* This latch is to take its source, at that port, before it passes. */
	struct latch *latch; /* NULL: none */
	struct wire_latched latched;
	bool has_latched; /* it was the first: to be told */
	/* It would pass with this mapping. */
	bool wants_mapping;
	struct dynamic_want want;
	/* It follows a first fragment that still waits for its mapping. */
	bool is_early;
};

/*
 * `packet`: an IP packet that came from realm `from`, `len` bytes, in the form
 * in which a TUN gives it (no further header), with CROSSING_HEADROOM bytes of
 * room before it. A discarded packet is left as it was. The length changes only
 * on the way from one IP version to the other: `crossed`.
 */
struct translation translate(const struct translate_context *context,
			     realm_id from, uint8_t *packet, size_t len,
			     uint64_t now_ms);

/*
 * Carries out the effects and counts the verdict. At once: the result points
 * into the ruleset, and is of no use after its next change.
 */
void translate_apply(const struct translate_context *context,
		     const struct translation *translation, uint64_t now_ms,
		     uint64_t count[VERDICT_COUNT]);

/*
 * All of it: makes the mapping that a packet wants, and passes it again. For
 * the thread that changes the rules.
 */
struct translation translate_whole(const struct translate_context *context,
				   realm_id from, uint8_t *packet, size_t len,
				   uint64_t now_ms,
				   uint64_t count[VERDICT_COUNT]);

/*
 * For the others, any number at once: likewise, but what wants a mapping, or
 * is early, is as it was, and not counted. It is to be passed to the above, in
 * the order of arrival.
 */
struct translation translate_shared(const struct translate_context *context,
				    realm_id from, uint8_t *packet, size_t len,
				    uint64_t now_ms,
				    uint64_t count[VERDICT_COUNT]);

#endif
