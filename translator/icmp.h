/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors and the packets that they quote (RFC 792, 4443, 5508). Pure. */
#ifndef VIADUCT_TRANSLATOR_ICMP_H
#define VIADUCT_TRANSLATOR_ICMP_H

#include "translator/packet.h"
#include "translator/verdict.h"

#define ICMP_CHECKSUM 2 /* where it stands */

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO = 8,
	ICMP_ROUTER_SOLICITATION = 10,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP_TIMESTAMP = 13,
	ICMP_TIMESTAMP_REPLY = 14,
	ICMP_MASK_REPLY = 18,
};

enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
};

/*
 * VERDICT_ICMP_ERROR: `packet` is an error about a UDP or TCP packet or
 * an ICMP query, whose start is in *ret_quoted, ports and all. Otherwise the verdict that it is discarded
 * with. `packet` was opened by packet_open.
 */
enum verdict icmp_open(const struct packet *packet, struct packet *ret_quoted);

/*
 * A query that a mapping can take (echo, timestamp): true, and its identifier
 * is the port of who asked; the other port is 0.
 */
bool icmp_is_query(const struct packet *packet, struct endpoint *src,
		   struct endpoint *dst, bool *ret_request);
/* The identifier is the port of the one that has one. */
uint32_t icmp_rewrite_query(struct packet *packet, const struct endpoint *src,
			    const struct endpoint *dst);

struct icmp_rewrite {
	struct ip_addr src; /* of the error itself */
	struct ip_addr dst;
	struct endpoint quoted_src;
	struct endpoint quoted_dst;
	/*
	 * Blank what stands behind the quoted packet: extensions (RFC 4884)
	 * may name interfaces of a router that is not known over there.
	 */
	bool erase_extensions;
};

/* One's complement sum of the message, and of ICMPv6's pseudo header. */
uint32_t icmp_sum(const struct packet *packet);
/* Bytes of the quote as the error tells (RFC 4884); 0: it does not. */
size_t icmp_quote_length(const struct packet *packet);
/* All headers and checksums of the error and of what it quotes. */
void icmp_rewrite(struct packet *packet, struct packet *quoted,
		  const struct icmp_rewrite *to);

#endif
