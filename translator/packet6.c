/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of an IPv6 packet, up to the transport's. Pure. */
#include "translator/packet6.h"

#include <errno.h>

#define FRAGMENT_MORE 0x0001

enum packet6_next {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_DESTINATION = 60,
};

/* Passes over one; *next becomes what follows it. */
static int pass_extension(struct packet *packet, uint8_t *next)
{
	size_t at = packet->header, length;

	if (*next == NEXT_HOP_BY_HOP && at != PACKET6_HEADER)
		return -EBADMSG;
	if (*next == NEXT_ROUTING)
		packet->routed = true;
	if (at + 8 > packet->len)
		return -EBADMSG;
	length = ((size_t)packet_get8(packet, at + 1) + 1) * 8;
	if (at + length > packet->len)
		return -EBADMSG;
	*next = packet_get8(packet, at);
	packet->header = at + length;
	return 0;
}

static int pass_fragment(struct packet *packet, uint8_t *next)
{
	size_t at = packet->header;
	uint16_t where;

	if (packet->fragment > 0 || at + PACKET6_FRAGMENT_HEADER > packet->len)
		return -EBADMSG;
	where = packet_get16(packet, at + 2);
	packet->fragment = at;
	packet->offset = where >> 3;
	packet->more = where & FRAGMENT_MORE;
	packet->id = packet_get32(packet, at + 4);
	packet->header = at + PACKET6_FRAGMENT_HEADER;
	*next = packet_get8(packet, at);
	return 0;
}

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING ||
	       next == NEXT_DESTINATION || next == PACKET6_FRAGMENT;
}

static uint8_t protocol_of(uint8_t next)
{
	if (next == PACKET6_ICMP)
		return PACKET_ICMP;
	return next == PACKET_TCP || next == PACKET_UDP ? next : PACKET_OTHER;
}

int packet6_open(uint8_t *data, size_t len, struct packet *ret)
{
	struct packet packet = {
		.data = data, .len = len, .header = PACKET6_HEADER, .v6 = true
	};
	size_t total;
	uint8_t next;
	int err = 0;

	if (len < PACKET6_HEADER)
		return -EBADMSG;
	total = packet_total(&packet);
	if (total < len)
		packet.len = total;
	next = packet_get8(&packet, PACKET6_NEXT);
	packet.ttl = packet_get8(&packet, PACKET6_HOPS);
	for (unsigned i = 0; is_extension(next) && packet.offset == 0; i++) {
		if (i == PACKET6_EXTENSIONS_MAX)
			return -EBADMSG;
		err = next == PACKET6_FRAGMENT ? pass_fragment(&packet, &next) :
						 pass_extension(&packet, &next);
		if (err)
			return err;
	}
	packet.protocol = protocol_of(next);
	*ret = packet;
	return 0;
}
