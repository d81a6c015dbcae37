/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bounds-checked view of an IP packet in the caller's buffer. Pure. */
#include "translator/packet.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "translator/packet6.h"

#define HEADER_MIN    20
#define FRAGMENT_MORE 0x2000
#define FRAGMENT_MASK 0x1fff
#define TCP_OFFSET    12
#define TCP_FLAGS     13

enum ip_option {
	OPTION_END = 0,
	OPTION_NONE = 1,
	OPTION_RECORD_ROUTE = 7,
	OPTION_TIMESTAMP = 68,
	OPTION_LOOSE_ROUTE = 131,
	OPTION_STRICT_ROUTE = 137,
};

uint8_t packet_get8(const struct packet *packet, size_t offset)
{
	assert(offset < packet->len);
	return packet->data[offset];
}

uint16_t packet_get16(const struct packet *packet, size_t offset)
{
	assert(offset + 1 < packet->len);
	return (uint16_t)(packet->data[offset] << 8 | packet->data[offset + 1]);
}

uint32_t packet_get32(const struct packet *packet, size_t offset)
{
	return (uint32_t)packet_get16(packet, offset) << 16 |
	       packet_get16(packet, offset + 2);
}

void packet_set16(struct packet *packet, size_t offset, uint16_t value)
{
	assert(offset + 1 < packet->len);
	packet->data[offset] = (uint8_t)(value >> 8);
	packet->data[offset + 1] = (uint8_t)value;
}

/* The IP header; ret->len is then all that is there. */
static int open_header(uint8_t *data, size_t len, struct packet *ret)
{
	struct packet packet = { .data = data, .len = len };
	uint16_t fragment;

	if (len < 1)
		return -EBADMSG;
	if (data[0] >> 4 == 6)
		return packet6_open(data, len, ret);
	packet.header = (size_t)(data[0] & 0xf) * 4;
	if (data[0] >> 4 != 4 || packet.header < HEADER_MIN ||
	    packet.header > len)
		return -EBADMSG;
	fragment = packet_get16(&packet, PACKET_FRAGMENT);
	packet.id = packet_get16(&packet, PACKET_ID);
	packet.offset = fragment & FRAGMENT_MASK;
	packet.more = fragment & FRAGMENT_MORE;
	packet.protocol = packet_get8(&packet, PACKET_PROTOCOL);
	packet.ttl = packet_get8(&packet, PACKET_TTL);
	*ret = packet;
	return 0;
}

/* Is what the fragment carries possible (RFC 791, section 3.2)? */
static bool fragment_fits(const struct packet *packet)
{
	size_t payload = packet->len - packet->header;

	if (!packet_is_fragment(packet))
		return true;
	if (payload == 0 || (packet->more && payload % 8 != 0))
		return false;
	return packet->header + packet->offset * (size_t)8 + payload <=
	       UINT16_MAX;
}

/* The length that a TCP header tells of itself, in bytes. */
static bool tcp_fits(const struct packet *packet, size_t payload)
{
	size_t header;

	if (payload < PACKET_TCP_HEADER)
		return false;
	header = (size_t)(packet_get8(packet, packet->header + TCP_OFFSET) >>
			  4) *
		 4;
	return header >= PACKET_TCP_HEADER &&
	       (packet->more || header <= payload);
}

static bool transport_fits(const struct packet *packet)
{
	size_t payload = packet->len - packet->header;
	uint16_t udp;

	if (packet->offset > 0)
		return packet->protocol != PACKET_TCP ||
		       packet->offset * (size_t)8 >= PACKET_TCP_HEADER;
	if (packet->protocol == PACKET_TCP)
		return tcp_fits(packet, payload);
	if (packet->protocol == PACKET_ICMP)
		return payload >= PACKET_ICMP_HEADER;
	if (packet->protocol != PACKET_UDP)
		return true;
	if (payload < PACKET_UDP_HEADER)
		return false;
	udp = packet_get16(packet, packet->header + 4);
	if (udp < PACKET_UDP_HEADER)
		return false;
	return packet->more || udp <= payload;
}

size_t packet_total(const struct packet *packet)
{
	if (packet->v6)
		return PACKET6_HEADER + packet_get16(packet, PACKET6_LENGTH);
	return packet_get16(packet, PACKET_LENGTH);
}

int packet_open(uint8_t *data, size_t len, struct packet *ret)
{
	struct packet packet;
	size_t total;
	int err;

	err = open_header(data, len, &packet);
	if (err)
		return err;
	total = packet_total(&packet);
	if (total < packet.header || total > len)
		return -EBADMSG;
	packet.len = total;
	if (!fragment_fits(&packet) || !transport_fits(&packet))
		return -EBADMSG;
	*ret = packet;
	return 0;
}

int packet_open_quoted(uint8_t *data, size_t len, struct packet *ret)
{
	struct packet packet;
	size_t total;
	int err;

	err = open_header(data, len, &packet);
	if (err)
		return err;
	total = packet_total(&packet);
	if (total < packet.len)
		packet.len = total;
	if (packet.len < packet.header + PACKET_QUOTE)
		return -EBADMSG;
	*ret = packet;
	return 0;
}

static struct ip_addr get_addr(const struct packet *packet, size_t at,
			       size_t at6)
{
	struct ip_addr addr = { .family = IP_V6 };

	if (!packet->v6)
		return ip_addr_v4(packet_get32(packet, at));
	memcpy(addr.bytes, packet->data + at6, sizeof(addr.bytes));
	return addr;
}

struct ip_addr packet_src(const struct packet *packet)
{
	return get_addr(packet, PACKET_SRC, PACKET6_SRC);
}

struct ip_addr packet_dst(const struct packet *packet)
{
	return get_addr(packet, PACKET_DST, PACKET6_DST);
}

uint16_t packet_src_port(const struct packet *packet)
{
	return packet_get16(packet, packet->header);
}

uint16_t packet_dst_port(const struct packet *packet)
{
	return packet_get16(packet, packet->header + 2);
}

bool packet_has_route(const struct packet *packet)
{
	size_t at = HEADER_MIN;

	if (packet->v6)
		return packet->routed;
	while (at < packet->header) {
		size_t left = packet->header - at, length;

		switch (packet_get8(packet, at)) {
		case OPTION_END:
			return false;
		case OPTION_NONE:
			at++;
			continue;
		case OPTION_RECORD_ROUTE:
		case OPTION_TIMESTAMP:
		case OPTION_LOOSE_ROUTE:
		case OPTION_STRICT_ROUTE:
			return true;
		}
		length = left > 1 ? packet_get8(packet, at + 1) : 0;
		if (length < 2 || length > left)
			return true;
		at += length;
	}
	return false;
}

bool packet_is_fragment(const struct packet *packet)
{
	return packet->offset > 0 || packet->more;
}

uint8_t packet_tcp_flags(const struct packet *packet)
{
	return packet_get8(packet, packet->header + TCP_FLAGS);
}
