/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors and the packets that they quote (RFC 792, 4443, 5508). Pure. */
#include "translator/icmp.h"

#include <string.h>

#include "translator/checksum.h"
#include "translator/rewrite.h"

#define ICMP_ID 4
/* Where the length of the quote stands, and in units of what (RFC 4884). */
#define ICMP_LENGTH  5
#define ICMP_UNIT    4
#define ICMP6_LENGTH 4
#define ICMP6_UNIT   8

/* Redirects, and source quench (RFC 6633), end here: no way through. */
static enum verdict verdict_of_type(uint8_t type)
{
	switch (type) {
	case ICMP_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER_PROBLEM:
		return VERDICT_ICMP_ERROR;
	case ICMP_ECHO_REPLY:
	case ICMP_ECHO:
	case ICMP_ROUTER_SOLICITATION:
		return VERDICT_ICMP_QUERY;
	}
	if (type >= ICMP_TIMESTAMP && type <= ICMP_MASK_REPLY)
		return VERDICT_ICMP_QUERY;
	return VERDICT_ICMP_TYPE;
}

/* The same of ICMPv6. Neighbour discovery and the like are of a link. */
static enum verdict verdict_of_type6(uint8_t type)
{
	switch (type) {
	case ICMP6_UNREACHABLE:
	case ICMP6_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER_PROBLEM:
		return VERDICT_ICMP_ERROR;
	case ICMP6_ECHO:
	case ICMP6_ECHO_REPLY:
		return VERDICT_ICMP_QUERY;
	}
	return VERDICT_ICMP_TYPE;
}

uint32_t icmp_sum(const struct packet *packet)
{
	size_t len = packet->len - packet->header;
	uint32_t sum = checksum_add(0, packet->data + packet->header, len);

	if (!packet->v6)
		return sum;
	sum = checksum_add(sum, packet->data + PACKET6_SRC, 32);
	return sum + (uint32_t)len + PACKET6_ICMP;
}

static bool is_true(const struct packet *packet)
{
	return checksum_finish(icmp_sum(packet)) == 0;
}

static bool header_is_true(const struct packet *packet)
{
	return packet->v6 || checksum_finish(checksum_add(0, packet->data,
							  packet->header)) == 0;
}

bool icmp_is_query(const struct packet *packet, struct endpoint *src,
		   struct endpoint *dst, bool *ret_request)
{
	uint16_t id = packet_get16(packet, packet->header + ICMP_ID);
	uint8_t type = packet_get8(packet, packet->header);

	*ret_request = packet->v6 ? type == ICMP6_ECHO :
				    type == ICMP_ECHO || type == ICMP_TIMESTAMP;
	src->port = *ret_request ? id : 0;
	dst->port = *ret_request ? 0 : id;
	if (packet->v6)
		return *ret_request || type == ICMP6_ECHO_REPLY;
	return *ret_request || type == ICMP_ECHO_REPLY ||
	       type == ICMP_TIMESTAMP_REPLY;
}

uint32_t icmp_rewrite_query(struct packet *packet, const struct endpoint *src,
			    const struct endpoint *dst)
{
	struct endpoint from, to;
	bool request;

	icmp_is_query(packet, &from, &to, &request);
	return rewrite_query(packet, &src->addr, &dst->addr,
			     request ? src->port : dst->port);
}

/* Ports, or an identifier in their place. */
static bool has_ports(const struct packet *packet)
{
	struct endpoint src, dst;
	bool request;

	return packet->protocol == PACKET_UDP ||
	       packet->protocol == PACKET_TCP ||
	       (packet->protocol == PACKET_ICMP &&
		icmp_is_query(packet, &src, &dst, &request));
}

enum verdict icmp_open(const struct packet *packet, struct packet *ret_quoted)
{
	uint8_t *icmp = packet->data + packet->header;
	size_t len = packet->len - packet->header;
	struct packet quoted;
	uint8_t type = packet_get8(packet, packet->header);
	enum verdict verdict;

	if (packet->offset > 0)
		return VERDICT_ICMP_FRAGMENT;
	verdict = packet->v6 ? verdict_of_type6(type) : verdict_of_type(type);
	if (verdict != VERDICT_ICMP_ERROR)
		return verdict;
	if (packet_is_fragment(packet))
		return VERDICT_ICMP_FRAGMENT;
	if (!is_true(packet)) /* RFC 5508, REQ-3 */
		return VERDICT_ICMP_CHECKSUM;
	if (packet_open_quoted(icmp + PACKET_ICMP_HEADER,
			       len - PACKET_ICMP_HEADER, &quoted))
		return VERDICT_MALFORMED;
	if (quoted.v6 != packet->v6)
		return VERDICT_MALFORMED;
	if (!header_is_true(&quoted))
		return VERDICT_ICMP_CHECKSUM;
	if (packet_has_route(&quoted))
		return VERDICT_OPTION;
	if (quoted.offset > 0 || !has_ports(&quoted))
		return VERDICT_ICMP_NO_RULE;
	*ret_quoted = quoted;
	return VERDICT_ICMP_ERROR;
}

static void make_checksum(struct packet *packet)
{
	size_t at = packet->header + ICMP_CHECKSUM;

	packet_set16(packet, at, 0);
	packet_set16(packet, at, checksum_finish(icmp_sum(packet)));
}

size_t icmp_quote_length(const struct packet *packet)
{
	uint8_t type = packet_get8(packet, packet->header);

	if (!packet->v6)
		return (size_t)packet_get8(packet,
					   packet->header + ICMP_LENGTH) *
		       ICMP_UNIT;
	if (type != ICMP6_UNREACHABLE && type != ICMP6_TIME_EXCEEDED)
		return 0;
	return (size_t)packet_get8(packet, packet->header + ICMP6_LENGTH) *
	       ICMP6_UNIT;
}

/* The checksum has been found true, so it may be made anew. */
static void erase_extensions(struct packet *packet, const struct packet *quoted)
{
	size_t length = icmp_quote_length(packet);
	size_t end = packet->header + PACKET_ICMP_HEADER + quoted->len;
	size_t start = packet->header + PACKET_ICMP_HEADER + length;
	size_t least = packet->header + PACKET_ICMP_HEADER + quoted->header +
		       PACKET_QUOTE;

	if (length == 0 || start > end)
		start = end;
	if (start < least)
		start = least;
	memset(packet->data + start, 0, packet->len - start);
	make_checksum(packet);
}

void icmp_rewrite(struct packet *packet, struct packet *quoted,
		  const struct icmp_rewrite *to)
{
	size_t at = packet->header + ICMP_CHECKSUM;
	uint32_t difference;

	if (to->erase_extensions)
		erase_extensions(packet, quoted);
	if (quoted->protocol == PACKET_ICMP)
		difference = icmp_rewrite_query(quoted, &to->quoted_src,
						&to->quoted_dst);
	else
		difference = rewrite_endpoints(quoted, &to->quoted_src,
					       &to->quoted_dst);
	packet_set16(packet, at,
		     checksum_update(packet_get16(packet, at), difference));
	difference = rewrite_addresses(packet, &to->src, &to->dst);
	if (packet->v6)
		packet_set16(packet, at,
			     checksum_update(packet_get16(packet, at),
					     difference));
}
