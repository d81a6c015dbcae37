/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets made from scratch, every checksum computed in whole: what the
 * translator's incremental work is measured against. Shares no code with it.
 */
#ifndef VIADUCT_TESTS_TRANSLATOR_SAMPLE_H
#define VIADUCT_TESTS_TRANSLATOR_SAMPLE_H

#include "common/endpoint.h"

#define SAMPLE_MAX 2048 /* bytes of the longest one */

enum sample_part { SAMPLE_WHOLE, SAMPLE_FIRST, SAMPLE_LATER };

struct sample {
	struct endpoint src; /* realms are not looked at */
	struct endpoint dst;
	size_t payload;        /* bytes behind the UDP or TCP header */
	uint16_t id;           /* IP identification */
	uint8_t ttl;           /* 0: 64 */
	uint8_t protocol;      /* 0: UDP; 1 with icmp_*; 6: TCP; else any */
	bool no_checksum;      /* UDP checksum 0 */
	bool options;          /* an IP header with options */
	bool routing;          /* IPv6: a routing header */
	bool may_fragment;     /* IPv4: DF is clear */
	bool crossed;          /* made of one of the other IP version */
	enum sample_part part; /* of a datagram in two fragments */
	uint8_t tcp_flags;
	/* A query's identifier is the port of who asks. */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint32_t icmp_rest;         /* MTU, or what else an error has there */
	struct endpoint quoted_src; /* of an ICMP error */
	struct endpoint quoted_dst;
	uint8_t quoted_protocol; /* as protocol */
	size_t quoted_payload;   /* how many bytes behind the first 8 */
	size_t extension;        /* bytes behind the quote (RFC 4884) */
	bool extension_erased;   /* all 0 */
	bool extension_legacy;   /* the length of the quote is not told */
};

/* Writes the packet to buf, SAMPLE_MAX bytes long; returns its length. */
size_t sample_build(const struct sample *sample, uint8_t *buf);

/* 0xffff for a run of bytes whose checksum is true; plain RFC 1071. */
uint16_t sample_sum(const uint8_t *data, size_t len, uint32_t start);

#endif
