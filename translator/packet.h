/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounds-checked view of an IPv4 or IPv6 packet in the caller's buffer. Pure.
 *
 * Offsets are bytes from the start of the IP header. Reading or writing past
 * the view ends the process: packet_open and packet_open_quoted have checked
 * what the callers rely on.
 */
#ifndef VIADUCT_TRANSLATOR_PACKET_H
#define VIADUCT_TRANSLATOR_PACKET_H

#include "common/endpoint.h"

#define PACKET_ICMP 1 /* ICMPv6 over IPv6 */
#define PACKET_TCP  6
#define PACKET_UDP  17

#define PACKET_UDP_HEADER  8
#define PACKET_TCP_HEADER  20
#define PACKET_ICMP_HEADER 8
#define PACKET_QUOTE       8 /* of the transport header; RFC 792 has it so */

struct packet {
	uint8_t *data;    /* not owned */
	size_t len;       /* of what is there and belongs to the packet */
	size_t header;    /* bytes before the transport header: options and
			   * extension headers, too */
	size_t fragment;  /* where the Fragment header is; 0: IPv4, or none */
	uint32_t id;      /* identification */
	uint16_t offset;  /* of a fragment, in units of 8 bytes */
	bool more;        /* fragments follow */
	bool v6;          /* else IPv4 */
	bool routed;      /* IPv6: it has a routing header */
	uint8_t protocol; /* IPv4's number, PACKET_OTHER: one that it lacks */
	uint8_t ttl;      /* or hop limit */
};

#define PACKET_OTHER 255

/*
 * 0, or -EBADMSG: lengths that contradict each other. Bytes after the packet's end are left out of the view.
 * A UDP, TCP or ICMP header is there in whole (of a TCP one that goes on with
 * options the first 20 bytes), unless the packet is a later fragment; one that
 * would overwrite a TCP header (RFC 3128) is none.
 */
int packet_open(uint8_t *data, size_t len, struct packet *ret);
/* The same for the start of a packet that an ICMP error quotes: what the
 * quote does not reach need not be there, but PACKET_QUOTE bytes behind the
 * IP header are. */
int packet_open_quoted(uint8_t *data, size_t len, struct packet *ret);

uint8_t packet_get8(const struct packet *packet, size_t offset);
uint16_t packet_get16(const struct packet *packet, size_t offset);
void packet_set16(struct packet *packet, size_t offset, uint16_t value);

struct ip_addr packet_src(const struct packet *packet);
struct ip_addr packet_dst(const struct packet *packet);
/* Of UDP or TCP, in a packet that is not a later fragment. */
uint16_t packet_src_port(const struct packet *packet);
uint16_t packet_dst_port(const struct packet *packet);
/*
 * An IP option names or collects addresses (source route, record route,
 * timestamps), or cannot be told from the next one; a routing header does.
 */
bool packet_has_route(const struct packet *packet);
bool packet_is_fragment(const struct packet *packet);

/* Of TCP, likewise. */
enum packet_tcp_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_ACK = 0x10,
};
uint8_t packet_tcp_flags(const struct packet *packet);

/* Offsets in the IPv4 header. */
enum packet_offset {
	PACKET_LENGTH = 2,
	PACKET_ID = 4,
	PACKET_FRAGMENT = 6,
	PACKET_TTL = 8,
	PACKET_PROTOCOL = 9,
	PACKET_CHECKSUM = 10,
	PACKET_SRC = 12,
	PACKET_DST = 16,
};

/* Offsets in the IPv6 header, and its length. */
enum packet6_offset {
	PACKET6_LENGTH = 4,
	PACKET6_NEXT = 6,
	PACKET6_HOPS = 7,
	PACKET6_SRC = 8,
	PACKET6_DST = 24,
	PACKET6_HEADER = 40,
};

/* As in the header of ICMPv6's own, and of its pseudo header. */
#define PACKET6_ICMP     58
#define PACKET6_FRAGMENT 44 /* the Fragment header, of 8 bytes: */

#define PACKET6_FRAGMENT_HEADER 8

uint32_t packet_get32(const struct packet *packet, size_t offset);
/* What the IP header says that the packet is long; all of it may not be there.
 */
size_t packet_total(const struct packet *packet);

#endif
