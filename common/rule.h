/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What natctl tells the translator: the boundary between the two.
 *
 * A rule pairs n consecutive ports of an inner endpoint with n of an outer
 * one: inner.port + i <-> outer.port + i, 0 <= i < ports. The two may be of
 * different IP versions; a remote and the conditions' sources are of the outer
 * endpoint's.
 */
#ifndef VIADUCT_COMMON_RULE_H
#define VIADUCT_COMMON_RULE_H

#include "common/endpoint.h"

enum rule_kind {
	RULE_BOTH,        /* receives, and is the source of what is sent */
	RULE_TERMINATING, /* receives; the source of replies only */
	RULE_ORIGINATING, /* is the source of what is sent; admits replies */
};

/*
 * RULE_ICMP: queries (RFC 5508), whose identifier takes the place of the port.
 * Only the translator's own rules have it: those of dynamic mappings.
 */
enum rule_protocol { RULE_UDP = 17, RULE_TCP = 6, RULE_ICMP = 1 };

/* Ids from here on are those of dynamic mappings; no lease has one. */
#define RULE_ID_DYNAMIC (UINT64_C(1) << 52)

#define RULE_PORTS_MAX      64   /* n of a rule */
#define RULE_CONDITIONS_MAX 4096 /* conditions of a rule */
#define RULE_GROUP_MAX      128  /* bytes of a group's name, with NUL */
#define RULE_LATCH_PORTS    2    /* n of a rule that latches: RTP and RTCP */

/*
 * What must be true of a packet's source, as it is seen in the rule's outer
 * realm, for the rule to apply.
 */
struct rule_condition {
	struct ip_prefix source;
	struct port_range ports; /* 1-65535: any port */
	/*
	 * Where a matching packet goes instead of the rule's inner endpoint;
	 * addr.family == IP_NONE: to the inner one. Its port is that of the
	 * rule's first port, like inner.port.
	 */
	struct endpoint target;
	bool discard; /* a matching packet is discarded; no target then */
};

/*
 * The far end, valid in the outer realm; picks between several rules of one
 * inner endpoint by a packet's destination.
 */
struct rule_remote {
	struct ip_prefix prefix; /* addr.family == IP_NONE: anywhere */
	uint16_t port;           /* 0: any; else that of the rule's first port:
				  * matches port .. port + ports - 1 */
};

/*
 * The first source inside the prefix that sends to a port of the rule is the
 * remote of that port from then on, in place of the signalled one: it alone is
 * let in, under the signalled remote's name where that is an endpoint, and
 * what is sent to the signalled remote goes to it. Of UDP, kind both, with at
 * most RULE_LATCH_PORTS ports.
 */
struct rule_latch {
	struct ip_prefix prefix; /* addr.family IP_NONE: it does not latch */
	uint32_t round;          /* another one: all ports latch anew */
	/* By port, in the outer realm; addr.family IP_NONE: nobody so far. */
	struct endpoint remotes[RULE_LATCH_PORTS];
};

struct rule {
	uint64_t id; /* that of the lease, never 0, never used again */
	char group[RULE_GROUP_MAX];
	struct endpoint inner;
	struct endpoint outer;
	struct rule_remote remote;
	uint32_t timer; /* seconds that a permit of a one-way kind lasts */
	uint16_t ports;
	uint8_t kind;     /* enum rule_kind */
	uint8_t protocol; /* enum rule_protocol */
	bool keep_source; /* the source of what the inner one sends stays */
	struct rule_latch latch;
	/*
	 * Sorted by rule_condition_compare, no two of equal rank that overlap.
	 * count == 0: any source. count > 0 and none matches: discard.
	 */
	uint16_t condition_count;
	const struct rule_condition *conditions; /* not owned */
};

#endif
