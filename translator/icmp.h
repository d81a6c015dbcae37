/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors and the packets that they quote (RFC 792, RFC 5508). Pure. */
#ifndef VIADUCT_TRANSLATOR_ICMP_H
#define VIADUCT_TRANSLATOR_ICMP_H

#include "translator/packet.h"
#include "translator/verdict.h"

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

/* All headers and checksums of the error and of what it quotes. */
void icmp_rewrite(struct packet *packet, struct packet *quoted,
		  const struct icmp_rewrite *to);

#endif
