/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounds-checked view of an IPv4 packet in the caller's buffer. Pure.
 *
 * Offsets are bytes from the start of the IP header. Reading or writing past
 * the view ends the process: packet_open and packet_open_quoted have checked
 * what the callers rely on.
 */
#ifndef VIADUCT_TRANSLATOR_PACKET_H
#define VIADUCT_TRANSLATOR_PACKET_H

#include "common/endpoint.h"

#define PACKET_ICMP 1
#define PACKET_TCP  6
#define PACKET_UDP  17

#define PACKET_UDP_HEADER  8
#define PACKET_TCP_HEADER  20
#define PACKET_ICMP_HEADER 8
#define PACKET_QUOTE       8 /* of the transport header; RFC 792 has it so */

struct packet {
	uint8_t *data;    /* not owned */
	size_t len;       /* of what is there and belongs to the packet */
	size_t header;    /* bytes of the IP header, options and all */
	uint16_t id;      /* identification */
	uint16_t offset;  /* of a fragment, in units of 8 bytes */
	bool more;        /* fragments follow */
	uint8_t protocol; /* IP's number */
	uint8_t ttl;
};

/*
 * 0, or -EBADMSG: lengths that contradict each other; -EPROTONOSUPPORT: of
 * another IP version. Bytes after the packet's end are left out of the view.
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
 * timestamps), or cannot be told from the next one.
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

/* Offsets in the IP header. */
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

#endif
