/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From IPv4 to IPv6 and back (RFC 7915). Pure. */
#include "translator/crossing.h"

#include <string.h>

#include "translator/checksum.h"
#include "translator/rewrite.h"

#define HEADER         20 /* of IPv4, without options */
#define DONT_FRAGMENT  0x4000
#define MORE_FRAGMENTS 0x2000
#define UDP_LENGTH     4
#define UDP_CHECKSUM   6
#define TCP_CHECKSUM   16
/* Shorter ones may be fragmented on their way (RFC 7915, section 5.1). */
#define FRAGMENTABLE 1260

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static bool is_udp(const struct packet *packet)
{
	return packet->protocol == PACKET_UDP && packet->offset == 0;
}

static bool has_no_checksum(const struct packet *packet)
{
	return is_udp(packet) &&
	       packet_get16(packet, packet->header + UDP_CHECKSUM) == 0;
}

/*
 * IPv6 numbers fragments only. A checksum differs from packet to packet as well
 * as a number would; errors are short enough to stay whole.
 */
static uint16_t identification(const struct packet *packet)
{
	size_t at = packet->header + (packet->protocol == PACKET_UDP ?
					      UDP_CHECKSUM :
					      TCP_CHECKSUM);

	if (packet->protocol == PACKET_ICMP)
		return 0;
	return at + 2 <= packet->len ? packet_get16(packet, at) : 0;
}

static uint8_t *header_to_v4(const struct packet *packet,
			     const struct ip_addr *src,
			     const struct ip_addr *dst)
{
	uint8_t *at = packet->data + packet->header - HEADER;
	size_t total = HEADER + packet_total(packet) - packet->header;
	uint16_t words = packet_get16(packet, 0);
	uint16_t fragment = packet->offset;
	uint32_t id = packet->id;

	if (packet->more)
		fragment |= MORE_FRAGMENTS;
	if (packet->fragment == 0) {
		fragment = total > FRAGMENTABLE ? DONT_FRAGMENT : 0;
		id = fragment ? 0 : identification(packet);
	}
	at[0] = 0x45;
	at[1] = (uint8_t)(words >> 4);
	put16(at + PACKET_LENGTH, total);
	put16(at + PACKET_ID, id & 0xffff);
	put16(at + PACKET_FRAGMENT, fragment);
	at[PACKET_TTL] = packet->ttl;
	at[PACKET_PROTOCOL] = packet->protocol;
	put16(at + PACKET_CHECKSUM, 0);
	memcpy(at + PACKET_SRC, src->bytes, 4);
	memcpy(at + PACKET_DST, dst->bytes, 4);
	put16(at + PACKET_CHECKSUM,
	      checksum_finish(checksum_add(0, at, HEADER)));
	return at;
}

/* Of a fragment, or of what may become fragments. */
static bool needs_fragment(const struct packet *packet, size_t fits)
{
	size_t payload = packet_total(packet) - packet->header;

	if (packet_is_fragment(packet))
		return true;
	return fits > 0 && PACKET6_HEADER + payload > fits &&
	       !(packet_get16(packet, PACKET_FRAGMENT) & DONT_FRAGMENT);
}

static uint8_t next_of(const struct packet *packet)
{
	return packet->protocol == PACKET_ICMP ? PACKET6_ICMP :
						 packet->protocol;
}

static uint8_t *header_to_v6(const struct packet *packet,
			     const struct ip_addr *src,
			     const struct ip_addr *dst, size_t fits)
{
	size_t extra = needs_fragment(packet, fits) ? PACKET6_FRAGMENT_HEADER :
						      0;
	size_t payload = packet_total(packet) - packet->header;
	uint8_t *fragment = packet->data + packet->header - extra;
	uint8_t *at = fragment - PACKET6_HEADER;
	uint8_t service = packet_get8(packet, 1);

	put16(at, 0x6000u | (unsigned)service << 4);
	put16(at + 2, 0);
	put16(at + PACKET6_LENGTH, extra + payload);
	at[PACKET6_NEXT] = extra ? PACKET6_FRAGMENT : next_of(packet);
	at[PACKET6_HOPS] = packet->ttl;
	memcpy(at + PACKET6_SRC, src->bytes, 16);
	memcpy(at + PACKET6_DST, dst->bytes, 16);
	if (extra) {
		fragment[0] = next_of(packet);
		fragment[1] = 0;
		put16(fragment + 2, (size_t)packet->offset << 3 | packet->more);
		put16(fragment + 4, 0);
		put16(fragment + 6, packet->id);
	}
	return at;
}

uint8_t *crossing_header(struct packet *packet, const struct ip_addr *src,
			 const struct ip_addr *dst, size_t fits)
{
	return packet->v6 ? header_to_v4(packet, src, dst) :
			    header_to_v6(packet, src, dst, fits);
}

/* IPv6 demands one, of the whole datagram. */
static void make_udp_checksum(struct packet *packet, const struct endpoint *src,
			      const struct endpoint *dst)
{
	size_t at = packet->header;
	uint16_t len = packet_get16(packet, at + UDP_LENGTH);
	uint32_t sum = checksum_add(0, packet->data + at, len);
	uint16_t checksum;

	sum = checksum_add(sum, src->addr.bytes, 16);
	sum = checksum_add(sum, dst->addr.bytes, 16);
	checksum = checksum_finish(sum + PACKET_UDP + len);
	packet_set16(packet, at + UDP_CHECKSUM,
		     checksum == 0 ? 0xffff : checksum);
}

static bool is_possible(const struct packet *packet)
{
	size_t payload = packet->len - packet->header;

	if (packet->v6)
		return HEADER + payload <= UINT16_MAX;
	if (has_no_checksum(packet) && packet_is_fragment(packet))
		return false;
	return PACKET6_FRAGMENT_HEADER + payload <= UINT16_MAX;
}

bool crossing(struct packet *packet, const struct endpoint *src,
	      const struct endpoint *dst, struct crossed *ret)
{
	uint8_t *end = packet->data + packet->len;
	bool to_v6 = !packet->v6;

	if (!is_possible(packet))
		return false;
	if (packet->offset == 0) {
		bool sumless = to_v6 && has_no_checksum(packet);

		rewrite_transport(packet, src, dst);
		if (sumless)
			make_udp_checksum(packet, src, dst);
	}
	ret->data = crossing_header(packet, &src->addr, &dst->addr,
				    CROSSING_PIECE);
	ret->len = (size_t)(end - ret->data);
	ret->in_pieces = to_v6 && ret->len > CROSSING_PIECE &&
			 ret->data[PACKET6_NEXT] == PACKET6_FRAGMENT;
	return true;
}

size_t crossing_piece(const struct crossed *crossed, size_t n,
		      uint8_t buf[CROSSING_PIECE])
{
	const size_t headers = PACKET6_HEADER + PACKET6_FRAGMENT_HEADER;
	const size_t step = (CROSSING_PIECE - headers) / 8 * 8;
	size_t rest, start = n * step;
	unsigned where;

	if (headers + start >= crossed->len)
		return 0;
	rest = crossed->len - headers - start;
	memcpy(buf, crossed->data, headers);
	where = (unsigned)(buf[PACKET6_HEADER + 2] << 8 |
			   buf[PACKET6_HEADER + 3]);
	if (rest > step) {
		rest = step;
		where |= 1; /* more follow */
	}
	put16(buf + PACKET6_LENGTH, PACKET6_FRAGMENT_HEADER + rest);
	put16(buf + PACKET6_HEADER + 2, where + start);
	memcpy(buf + headers, crossed->data + headers + start, rest);
	return headers + rest;
}
