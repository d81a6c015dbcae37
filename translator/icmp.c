/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors and the packets that they quote (RFC 792, RFC 5508). Pure. */
#include "translator/icmp.h"

#include <string.h>

#include "translator/checksum.h"
#include "translator/rewrite.h"

#define ICMP_CHECKSUM 2
#define ICMP_ID       4
#define ICMP_LENGTH   5 /* of the quote, in units of 4 bytes (RFC 4884) */

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

static bool sum_is_true(const uint8_t *data, size_t len)
{
	return checksum_finish(checksum_add(0, data, len)) == 0;
}

bool icmp_is_query(const struct packet *packet, struct endpoint *src,
		   struct endpoint *dst, bool *ret_request)
{
	uint16_t id = packet_get16(packet, packet->header + ICMP_ID);
	uint8_t type = packet_get8(packet, packet->header);

	*ret_request = type == ICMP_ECHO || type == ICMP_TIMESTAMP;
	src->port = *ret_request ? id : 0;
	dst->port = *ret_request ? 0 : id;
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
	enum verdict verdict;

	if (packet->offset > 0)
		return VERDICT_ICMP_FRAGMENT;
	verdict = verdict_of_type(packet_get8(packet, packet->header));
	if (verdict != VERDICT_ICMP_ERROR)
		return verdict;
	if (packet_is_fragment(packet))
		return VERDICT_ICMP_FRAGMENT;
	if (!sum_is_true(icmp, len)) /* RFC 5508, REQ-3 */
		return VERDICT_ICMP_CHECKSUM;
	if (packet_open_quoted(icmp + PACKET_ICMP_HEADER,
			       len - PACKET_ICMP_HEADER, &quoted))
		return VERDICT_MALFORMED;
	if (!sum_is_true(quoted.data, quoted.header))
		return VERDICT_ICMP_CHECKSUM;
	if (packet_has_route(&quoted))
		return VERDICT_OPTION;
	if (quoted.offset > 0 || !has_ports(&quoted))
		return VERDICT_ICMP_NO_RULE;
	*ret_quoted = quoted;
	return VERDICT_ICMP_ERROR;
}

/* The checksum has been found true, so it may be made anew. */
static void erase_extensions(struct packet *packet, const struct packet *quoted)
{
	size_t length =
		(size_t)packet_get8(packet, packet->header + ICMP_LENGTH) * 4;
	size_t end = packet->header + PACKET_ICMP_HEADER + quoted->len;
	size_t start = packet->header + PACKET_ICMP_HEADER + length;
	size_t least = packet->header + PACKET_ICMP_HEADER + quoted->header +
		       PACKET_QUOTE;
	size_t at = packet->header + ICMP_CHECKSUM;

	if (length == 0 || start > end)
		start = end;
	if (start < least)
		start = least;
	memset(packet->data + start, 0, packet->len - start);
	packet_set16(packet, at, 0);
	packet_set16(packet, at,
		     checksum_finish(
			     checksum_add(0, packet->data + packet->header,
					  packet->len - packet->header)));
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
	rewrite_addresses(packet, &to->src, &to->dst);
}
