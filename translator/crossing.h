/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From IPv4 to IPv6 and back: IP headers translated after RFC 7915, between
 * endpoints that rules have given. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_CROSSING_H
#define VIADUCT_TRANSLATOR_CROSSING_H

#include "translator/packet.h"

/* Bytes before the packet that a longer header may take. */
#define CROSSING_HEADROOM 64
/* No IPv6 packet without the sender's own path discovery is longer. */
#define CROSSING_PIECE 1280

struct crossed {
	uint8_t *data; /* in the packet's buffer, or NULL: it has not crossed */
	size_t len;
	bool in_pieces; /* to be sent by crossing_piece */
};

/*
 * A UDP or TCP packet or a fragment of one to a packet of the family of `src`
 * and `dst`; of a later fragment the ports are not looked at. false: there is
 * no such packet of that family, and it is as it was.
 */
bool crossing(struct packet *packet, const struct endpoint *src,
	      const struct endpoint *dst, struct crossed *ret);
/*
 * The IP header alone, for one of the other family that has these addresses:
 * returns where the packet now begins, CROSSING_HEADROOM before it at most.
 * `fits`: 0, or the longest IPv6 packet that needs no Fragment header.
 */
uint8_t *crossing_header(struct packet *packet, const struct ip_addr *src,
			 const struct ip_addr *dst, size_t fits);

/*
 * The n-th piece of a packet in pieces; returns its length, 0: there are no
 * more.
 */
size_t crossing_piece(const struct crossed *crossed, size_t n,
		      uint8_t buf[CROSSING_PIECE]);

#endif
