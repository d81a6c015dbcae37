/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New addresses and ports in a packet's headers, checksums kept true. Pure. */
#ifndef VIADUCT_TRANSLATOR_REWRITE_H
#define VIADUCT_TRANSLATOR_REWRITE_H

#include "translator/packet.h"

/*
 * Both return the difference of all words that they changed, for a checksum
 * that covers the packet as a whole (that of an ICMP message which quotes it).
 * A checksum that was wrong stays wrong by as much; a UDP checksum of 0 (none)
 * stays 0, and one that a quote does not reach is left alone. Addresses are of
 * the packet's family.
 */

/* The IP header: any packet, fragments included. */
uint32_t rewrite_addresses(struct packet *packet, const struct ip_addr *src,
			   const struct ip_addr *dst);
/* IP and UDP or TCP header: a whole packet, a first fragment, or a quoted one. */
uint32_t rewrite_endpoints(struct packet *packet, const struct endpoint *src,
			   const struct endpoint *dst);
/*
 * The UDP or TCP header alone, checksum and all, for an IP header to come that
 * has these addresses, of whichever family.
 */
void rewrite_transport(struct packet *packet, const struct endpoint *src,
		       const struct endpoint *dst);
/* IP header and identifier of an ICMP query, whole or quoted. */
uint32_t rewrite_query(struct packet *packet, const struct ip_addr *src,
		       const struct ip_addr *dst, uint16_t id);

#endif
