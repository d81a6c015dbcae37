/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New addresses and ports in a packet's headers, checksums kept true. Pure. */
#include "translator/rewrite.h"

#include "translator/checksum.h"

#define UDP_CHECKSUM  6
#define TCP_CHECKSUM  16
#define ICMP_CHECKSUM 2
#define ICMP_ID       4

static uint32_t set16(struct packet *packet, size_t offset, uint16_t value,
		      uint32_t difference)
{
	uint16_t before = packet_get16(packet, offset);

	packet_set16(packet, offset, value);
	return checksum_change(difference, before, value);
}

static uint32_t set_addr(struct packet *packet, size_t offset,
			 const struct ip_addr *addr, uint32_t difference)
{
	size_t len = packet->v6 ? 16 : 4;

	for (size_t i = 0; i < len; i += 2)
		difference = set16(packet, offset + i,
				   (uint16_t)(addr->bytes[i] << 8 |
					      addr->bytes[i + 1]),
				   difference);
	return difference;
}

/*
 * The addresses, and the IP checksum, which IPv6 has none of. *ret_pseudo: of
 * the addresses alone.
 */
static uint32_t set_addresses(struct packet *packet, const struct ip_addr *src,
			      const struct ip_addr *dst, uint32_t *ret_pseudo)
{
	uint32_t difference = 0;
	uint16_t checksum;

	if (packet->v6) {
		difference = set_addr(packet, PACKET6_SRC, src, difference);
		difference = set_addr(packet, PACKET6_DST, dst, difference);
		*ret_pseudo = difference;
		return difference;
	}
	difference = set_addr(packet, PACKET_SRC, src, difference);
	difference = set_addr(packet, PACKET_DST, dst, difference);
	*ret_pseudo = difference;
	checksum = packet_get16(packet, PACKET_CHECKSUM);
	return set16(packet, PACKET_CHECKSUM,
		     checksum_update(checksum, difference), difference);
}

uint32_t rewrite_addresses(struct packet *packet, const struct ip_addr *src,
			   const struct ip_addr *dst)
{
	uint32_t pseudo;

	return set_addresses(packet, src, dst, &pseudo);
}

/* Ports, and the checksum, which covers the addresses as well. */
static uint32_t set_transport(struct packet *packet, uint16_t src, uint16_t dst,
			      uint32_t pseudo)
{
	bool udp = packet->protocol == PACKET_UDP;
	size_t at = packet->header + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
	uint32_t ports = 0;
	uint16_t checksum;

	ports = set16(packet, packet->header, src, ports);
	ports = set16(packet, packet->header + 2, dst, ports);
	if (at + 2 > packet->len)
		return ports;
	checksum = packet_get16(packet, at);
	if (udp && checksum == 0) /* the sender made none (RFC 768) */
		return ports;
	checksum = checksum_update(checksum, pseudo + ports);
	if (udp && checksum == 0)
		checksum = 0xffff;
	return set16(packet, at, checksum, ports);
}

uint32_t rewrite_endpoints(struct packet *packet, const struct endpoint *src,
			   const struct endpoint *dst)
{
	uint32_t all, pseudo;

	all = set_addresses(packet, &src->addr, &dst->addr, &pseudo);
	return all + set_transport(packet, src->port, dst->port, pseudo);
}

static uint32_t change_addr(uint32_t difference, const struct ip_addr *before,
			    const struct ip_addr *after)
{
	for (size_t i = 0; i < sizeof(before->bytes); i += 2)
		difference = checksum_change(difference,
					     (uint16_t)(before->bytes[i] << 8 |
							before->bytes[i + 1]),
					     (uint16_t)(after->bytes[i] << 8 |
							after->bytes[i + 1]));
	return difference;
}

void rewrite_transport(struct packet *packet, const struct endpoint *src,
		       const struct endpoint *dst)
{
	struct ip_addr src_before = packet_src(packet);
	struct ip_addr dst_before = packet_dst(packet);
	uint32_t pseudo = change_addr(0, &src_before, &src->addr);

	pseudo = change_addr(pseudo, &dst_before, &dst->addr);
	set_transport(packet, src->port, dst->port, pseudo);
}

/* An ICMP checksum covers no addresses, but that of ICMPv6 does. */
uint32_t rewrite_query(struct packet *packet, const struct ip_addr *src,
		       const struct ip_addr *dst, uint16_t id)
{
	size_t at = packet->header + ICMP_CHECKSUM;
	uint32_t pseudo;
	uint32_t all = set_addresses(packet, src, dst, &pseudo);
	uint32_t difference = set16(packet, packet->header + ICMP_ID, id, 0);
	uint16_t checksum = packet_get16(packet, at);

	if (packet->v6)
		checksum = checksum_update(checksum, pseudo);
	return set16(packet, at, checksum_update(checksum, difference),
		     all + difference);
}
