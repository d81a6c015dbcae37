/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every way in which a packet leaves the translator: a name, and a counter. */
#ifndef VIADUCT_TRANSLATOR_VERDICT_H
#define VIADUCT_TRANSLATOR_VERDICT_H

#include <stdbool.h>

enum verdict {
	/* Forwarded. */
	VERDICT_IN,         /* destination rewritten, by a rule's outer side */
	VERDICT_OUT,        /* source taken over by a rule's outer endpoint */
	VERDICT_TRANSIT,    /* both */
	VERDICT_HAIRPIN,    /* back into the realm that it came from */
	VERDICT_ROUTED,     /* into another realm as it is: the two reach */
	VERDICT_FRAGMENT,   /* follows a first fragment that was forwarded */
	VERDICT_ICMP_ERROR, /* with the packet that it quotes */
	/* Discarded. */
	VERDICT_MALFORMED, /* its lengths contradict each other */
	VERDICT_PROTOCOL,  /* neither UDP, TCP nor ICMP */
	VERDICT_TTL,       /* would expire on the way through the edge */
	VERDICT_OPTION,    /* an IP option in it names or collects addresses */
	VERDICT_MARTIAN,   /* source or destination is no unicast address, or
			    * one of a link alone (IPv6) */
	VERDICT_SOURCE_IN_POOL, /* claims to come from one of our endpoints */
	VERDICT_NO_REALM,       /* no realm holds the destination */
	VERDICT_NO_SOURCE,      /* its source is not valid over there */
	VERDICT_NO_RULE,        /* to a pool's endpoint that nobody leases */
	VERDICT_CONDITION,      /* a rule's conditions refuse its source */
	VERDICT_UNSOLICITED, /* to an originating endpoint that did not call */
	VERDICT_LATCH,       /* its source is not whom the rule latches on to */
	VERDICT_NOT_LATCHED, /* to somebody from whom nothing has come yet */
	VERDICT_NOT_OURS,    /* would leave as it came */
	VERDICT_FRAGMENT_UNKNOWN, /* its first fragment was not forwarded */
	VERDICT_ICMP_QUERY,       /* echo and the like: no rule covers them */
	VERDICT_ICMP_TYPE,     /* neither a query nor an error to translate */
	VERDICT_ICMP_CHECKSUM, /* of the message, or of the quoted header */
	VERDICT_ICMP_FRAGMENT, /* an error in pieces */
	VERDICT_ICMP_NO_RULE,  /* quotes a packet that no rule let through */
	VERDICT_DYNAMIC_FULL,  /* no endpoint is left for a mapping */
	VERDICT_DYNAMIC_LIMIT, /* its sender has as many as it may */
	VERDICT_FAMILY,        /* there is none such in the other IP version */
};

#define VERDICT_COUNT (VERDICT_FAMILY + 1)

/* "in", "no_rule" ...: the word that counters, logs and tests use. */
const char *verdict_name(enum verdict verdict);
bool verdict_is_forwarded(enum verdict verdict);

#endif
