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
	uint32_t value = ip_addr_to_v4(addr);

	difference = set16(packet, offset, (uint16_t)(value >> 16), difference);
	return set16(packet, offset + 2, (uint16_t)value, difference);
}

/* The addresses, and the IP checksum. *ret_pseudo: of the addresses alone. */
static uint32_t set_addresses(struct packet *packet, const struct ip_addr *src,
			      const struct ip_addr *dst, uint32_t *ret_pseudo)
{
	uint32_t difference = 0;
	uint16_t checksum;

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

uint32_t rewrite_endpoints(struct packet *packet, const struct endpoint *src,
			   const struct endpoint *dst)
{
	bool udp = packet->protocol == PACKET_UDP;
	size_t at = packet->header + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
	uint32_t all, pseudo, ports = 0;
	uint16_t checksum;

	all = set_addresses(packet, &src->addr, &dst->addr, &pseudo);
	ports = set16(packet, packet->header, src->port, ports);
	ports = set16(packet, packet->header + 2, dst->port, ports);
	if (at + 2 > packet->len)
		return all + ports;
	checksum = packet_get16(packet, at);
	if (udp && checksum == 0) /* the sender made none (RFC 768) */
		return all + ports;
	checksum = checksum_update(checksum, pseudo + ports);
	if (udp && checksum == 0)
		checksum = 0xffff;
	return set16(packet, at, checksum, all + ports);
}

/* An ICMP checksum covers no addresses. */
uint32_t rewrite_query(struct packet *packet, const struct ip_addr *src,
		       const struct ip_addr *dst, uint16_t id)
{
	size_t at = packet->header + ICMP_CHECKSUM;
	uint32_t all = rewrite_addresses(packet, src, dst);
	uint32_t difference = set16(packet, packet->header + ICMP_ID, id, 0);
	uint16_t checksum = packet_get16(packet, at);

	return set16(packet, at, checksum_update(checksum, difference),
		     all + difference);
}
