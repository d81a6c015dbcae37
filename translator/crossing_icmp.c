/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors to ICMPv6 and back, what they quote too (RFC 7915). Pure. */
#include "translator/crossing_icmp.h"

#include <string.h>

#include "translator/checksum.h"
#include "translator/rewrite.h"

#define HEADER_GROWS 20   /* from IPv4's to IPv6's */
#define MTU_MIN6     1280 /* of IPv6 */
#define MTU_MIN      68   /* of IPv4 */
#define QUOTE_MAX    (CROSSING_PIECE - PACKET6_HEADER - PACKET_ICMP_HEADER)

struct meaning { /* of an error: its header but for the checksum */
	uint8_t type;
	uint8_t code;
	uint32_t rest; /* MTU, or pointer, as ICMPv6 has it: host order */
};

struct pointing { /* from which byte to which */
	uint8_t first;
	uint8_t last;
	uint8_t to;
};

static const struct pointing to_v6[] = {
	{ 0, 0, 0 }, { 1, 1, 1 },   { 2, 3, 4 },    { 8, 8, 7 },
	{ 9, 9, 6 }, { 12, 15, 8 }, { 16, 19, 24 },
};

static const struct pointing to_v4[] = {
	{ 0, 0, 0 }, { 1, 1, 1 },   { 4, 5, 2 },    { 6, 6, 9 },
	{ 7, 7, 8 }, { 8, 23, 12 }, { 24, 39, 16 },
};

static bool point(const struct pointing *table, size_t count, uint32_t from,
		  uint32_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (from < table[i].first || from > table[i].last)
			continue;
		*ret = table[i].to;
		return true;
	}
	return false;
}

/* What a router that does not tell the MTU may have meant (RFC 1191). */
static uint32_t plateau_below(size_t total)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002,
					     1492,  1006,  508,  296 };

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(*plateaus); i++)
		if (plateaus[i] < total)
			return plateaus[i];
	return MTU_MIN;
}

static bool unreachable_to_v6(uint8_t code, uint32_t rest,
			      const struct packet *quoted, struct meaning *ret)
{
	uint32_t mtu = rest & 0xffff;

	*ret = (struct meaning){ .type = ICMP6_UNREACHABLE };
	switch (code) {
	case 2: /* protocol */
		*ret = (struct meaning){ .type = ICMP6_PARAMETER_PROBLEM,
					 .code = 1,
					 .rest = PACKET6_NEXT };
		return true;
	case 3: /* port */
		ret->code = 4;
		return true;
	case 4: /* fragmentation needed */
		if (mtu == 0)
			mtu = plateau_below(packet_total(quoted));
		mtu += HEADER_GROWS;
		*ret = (struct meaning){ .type = ICMP6_TOO_BIG,
					 .rest = mtu > MTU_MIN6 ? mtu :
								  MTU_MIN6 };
		return true;
	case 9: /* prohibited */
	case 10:
	case 13:
	case 15:
		ret->code = 1;
		return true;
	}
	return code <= 12;
}

static bool meaning_to_v6(const struct packet *packet,
			  const struct packet *quoted, struct meaning *ret)
{
	uint8_t type = packet_get8(packet, packet->header);
	uint8_t code = packet_get8(packet, packet->header + 1);
	uint32_t rest = packet_get32(packet, packet->header + 4);

	switch (type) {
	case ICMP_UNREACHABLE:
		return unreachable_to_v6(code, rest, quoted, ret);
	case ICMP_TIME_EXCEEDED:
		*ret = (struct meaning){ ICMP6_TIME_EXCEEDED, code, 0 };
		return true;
	case ICMP_PARAMETER_PROBLEM:
		*ret = (struct meaning){ .type = ICMP6_PARAMETER_PROBLEM };
		return (code == 0 || code == 2) &&
		       point(to_v6, sizeof(to_v6) / sizeof(*to_v6), rest >> 24,
			     &ret->rest);
	}
	return false;
}

static bool meaning_to_v4(const struct packet *packet,
			  const struct packet *quoted, struct meaning *ret)
{
	static const uint8_t unreachable[] = { 1, 10, 1, 1, 3 };
	uint8_t type = packet_get8(packet, packet->header);
	uint8_t code = packet_get8(packet, packet->header + 1);
	uint32_t rest = packet_get32(packet, packet->header + 4);
	uint32_t less = HEADER_GROWS +
			(quoted->fragment ? PACKET6_FRAGMENT_HEADER : 0);

	switch (type) {
	case ICMP6_UNREACHABLE:
		if (code >= sizeof(unreachable))
			return false;
		*ret = (struct meaning){ ICMP_UNREACHABLE, unreachable[code],
					 0 };
		return true;
	case ICMP6_TOO_BIG:
		rest = rest > MTU_MIN + less ? rest - less : MTU_MIN;
		*ret = (struct meaning){ ICMP_UNREACHABLE, 4,
					 rest < UINT16_MAX ? rest :
							     UINT16_MAX };
		return true;
	case ICMP6_TIME_EXCEEDED:
		*ret = (struct meaning){ ICMP_TIME_EXCEEDED, code, 0 };
		return true;
	case ICMP6_PARAMETER_PROBLEM:
		*ret = (struct meaning){ .type = ICMP_PARAMETER_PROBLEM };
		if (code == 1) { /* next header: the protocol is unreachable */
			*ret = (struct meaning){ ICMP_UNREACHABLE, 2, 0 };
			return true;
		}
		if (code != 0 || !point(to_v4, sizeof(to_v4) / sizeof(*to_v4),
					rest, &ret->rest))
			return false;
		ret->rest <<= 24;
		return true;
	}
	return false;
}

/* The quote, with the other header; *ret_len bytes of `buf`, from there on. */
static uint8_t *cross_quote(const struct packet *packet,
			    const struct packet *quoted,
			    const struct icmp_rewrite *to,
			    uint8_t buf[CROSSING_HEADROOM + CROSSING_PIECE],
			    size_t *ret_len)
{
	size_t told = icmp_quote_length(packet), len = quoted->len;
	struct packet copy = *quoted;
	uint8_t *at;

	if (told >= quoted->header + PACKET_QUOTE && told < len)
		len = told;
	if (len > CROSSING_PIECE)
		len = CROSSING_PIECE;
	copy.data = buf + CROSSING_HEADROOM;
	copy.len = len;
	memcpy(copy.data, quoted->data, len);
	rewrite_transport(&copy, &to->quoted_src, &to->quoted_dst);
	at = crossing_header(&copy, &to->quoted_src.addr, &to->quoted_dst.addr,
			     0);
	*ret_len = (size_t)(copy.data + len - at);
	if (*ret_len > QUOTE_MAX)
		*ret_len = QUOTE_MAX;
	return at;
}

static void put32(struct packet *packet, size_t at, uint32_t value)
{
	packet_set16(packet, at, (uint16_t)(value >> 16));
	packet_set16(packet, at + 2, (uint16_t)value);
}

/* The error's message, the rest of which is there; its IP header is to come. */
static void put_message(struct packet *made, const struct meaning *meaning)
{
	size_t at = made->header;

	packet_set16(made, at, (uint16_t)(meaning->type << 8 | meaning->code));
	packet_set16(made, at + ICMP_CHECKSUM, 0);
	put32(made, at + 4, meaning->rest);
}

/* The IP header says how long it is: that of the error is not the old one. */
static void set_total(struct packet *packet, size_t total)
{
	if (packet->v6)
		packet_set16(packet, PACKET6_LENGTH,
			     (uint16_t)(total - PACKET6_HEADER));
	else
		packet_set16(packet, PACKET_LENGTH, (uint16_t)total);
}

bool crossing_icmp(struct packet *packet, const struct packet *quoted,
		   const struct icmp_rewrite *to, struct crossed *ret)
{
	uint8_t buf[CROSSING_HEADROOM + CROSSING_PIECE];
	struct packet made = *packet;
	struct meaning meaning;
	uint8_t *quote;
	size_t len;

	if (packet->v6 ? !meaning_to_v4(packet, quoted, &meaning) :
			 !meaning_to_v6(packet, quoted, &meaning))
		return false;
	quote = cross_quote(packet, quoted, to, buf, &len);
	/* Its quote may be longer now than what it is in has room for. */
	made.len = made.header + PACKET_ICMP_HEADER + len;
	memmove(made.data - CROSSING_HEADROOM / 2, made.data, made.header);
	made.data -= CROSSING_HEADROOM / 2;
	memcpy(made.data + made.header + PACKET_ICMP_HEADER, quote, len);
	set_total(&made, made.len);
	put_message(&made, &meaning);
	ret->data = crossing_header(&made, &to->src, &to->dst, 0);
	ret->len = (size_t)(made.data + made.len - ret->data);
	ret->in_pieces = false;
	made.header -= (size_t)(ret->data - made.data);
	made.data = ret->data;
	made.len = ret->len;
	made.v6 = !packet->v6;
	packet_set16(&made, made.header + ICMP_CHECKSUM,
		     checksum_finish(icmp_sum(&made)));
	return true;
}
