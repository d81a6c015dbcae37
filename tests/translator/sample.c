/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets made from scratch, every checksum computed in whole. */
#include "tests/translator/sample.h"

#include <assert.h>
#include <string.h>

#define FIRST_PAYLOAD 16 /* bytes of payload in a first fragment */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

uint16_t sample_sum(const uint8_t *data, size_t len, uint32_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint64_t)data[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static size_t build_udp(const struct sample *sample, uint8_t *at)
{
	uint8_t pseudo[12];
	size_t len = 8 + sample->payload;
	uint16_t checksum;

	put16(at, sample->src.port);
	put16(at + 2, sample->dst.port);
	put16(at + 4, (unsigned)len);
	put16(at + 6, 0);
	for (size_t i = 0; i < sample->payload; i++)
		at[8 + i] = (uint8_t)(i * 7 + 3);
	if (sample->no_checksum)
		return len;
	memcpy(pseudo, sample->src.addr.bytes, 4);
	memcpy(pseudo + 4, sample->dst.addr.bytes, 4);
	put16(pseudo + 8, 17);
	put16(pseudo + 10, (unsigned)len);
	checksum = (uint16_t)~sample_sum(at, len, sample_sum(pseudo, 12, 0));
	put16(at + 6, checksum == 0 ? 0xffff : checksum);
	return len;
}

static void put_checksum(const struct sample *sample, uint8_t *at, size_t len,
			 size_t offset)
{
	uint8_t pseudo[12];

	memcpy(pseudo, sample->src.addr.bytes, 4);
	memcpy(pseudo + 4, sample->dst.addr.bytes, 4);
	put16(pseudo + 8, sample->protocol);
	put16(pseudo + 10, (unsigned)len);
	put16(at + offset,
	      (uint16_t)~sample_sum(at, len, sample_sum(pseudo, 12, 0)));
}

/* With a maximum segment size in its options, as a SYN has it. */
static size_t build_tcp(const struct sample *sample, uint8_t *at)
{
	static const uint8_t options[4] = { 2, 4, 1460 >> 8, 1460 & 0xff };
	size_t len = 24 + sample->payload;

	memset(at, 0, 20);
	put16(at, sample->src.port);
	put16(at + 2, sample->dst.port);
	put16(at + 6, 4711); /* sequence number */
	at[12] = 24 / 4 << 4;
	at[13] = sample->tcp_flags;
	put16(at + 14, 29200); /* window */
	memcpy(at + 20, options, sizeof(options));
	for (size_t i = 0; i < sample->payload; i++)
		at[24 + i] = (uint8_t)(i * 7 + 3);
	put_checksum(sample, at, len, 16);
	return len;
}

/* An echo or timestamp, with what `payload` says behind its header. */
static size_t build_query(const struct sample *sample, uint8_t *at)
{
	bool request = sample->icmp_type == 8 || sample->icmp_type == 13;
	size_t len = 8 + sample->payload;

	at[0] = sample->icmp_type;
	at[1] = sample->icmp_code;
	put16(at + 2, 0);
	put16(at + 4, request ? sample->src.port : sample->dst.port);
	put16(at + 6, 77); /* sequence number */
	for (size_t i = 0; i < sample->payload; i++)
		at[8 + i] = (uint8_t)(i * 7 + 3);
	put16(at + 2, (uint16_t)~sample_sum(at, len, 0));
	return len;
}

static size_t build_icmp(const struct sample *sample, uint8_t *at)
{
	struct sample quoted = { .src = sample->quoted_src,
				 .dst = sample->quoted_dst,
				 .payload = sample->extension_legacy ?
						    sample->quoted_payload :
						    172,
				 .ttl = 7,
				 .id = sample->id,
				 .protocol = sample->quoted_protocol,
				 .icmp_type = 8,
				 .options = sample->options,
				 .no_checksum = sample->no_checksum };
	uint8_t packet[SAMPLE_MAX];
	size_t len, quote;

	memset(at, 0, 8);
	at[0] = sample->icmp_type;
	at[1] = sample->icmp_code;
	put16(at + 6, 1400); /* next-hop MTU, or an unused field */
	len = 8;
	if (sample->quoted_src.addr.family != IP_NONE) {
		sample_build(&quoted, packet);
		quote = (packet[0] & 0xfu) * 4 + 8 + sample->quoted_payload;
		memcpy(at + len, packet, quote);
		len += quote;
	}
	if (sample->extension > 0) {
		assert(sample->extension_legacy || len % 4 == 0);
		if (!sample->extension_legacy)
			at[5] = (uint8_t)((len - 8) / 4);
		memset(at + len, sample->extension_erased ? 0 : 0xab,
		       sample->extension);
		len += sample->extension;
	}
	put16(at + 2, (uint16_t)~sample_sum(at, len, 0));
	return len;
}

static size_t build_body(const struct sample *sample, uint8_t *at)
{
	if (sample->protocol == 0)
		return build_udp(sample, at);
	if (sample->protocol == 1 &&
	    (sample->icmp_type == 0 || sample->icmp_type == 8 ||
	     sample->icmp_type == 13 || sample->icmp_type == 14))
		return build_query(sample, at);
	if (sample->protocol == 1)
		return build_icmp(sample, at);
	if (sample->protocol == 6)
		return build_tcp(sample, at);
	memset(at, 0x5a, 20 + sample->payload);
	return 20 + sample->payload;
}

size_t sample_build(const struct sample *sample, uint8_t *buf)
{
	static const uint8_t options[8] = { 1, 148, 4, 0, 0, 1, 1, 0 };
	size_t header = sample->options ? 28 : 20;
	uint8_t body[SAMPLE_MAX];
	size_t len, start = 0;
	unsigned fragment = 0x4000; /* do not fragment */

	assert(sample->payload + 64 < SAMPLE_MAX);
	len = build_body(sample, body);
	if (sample->part == SAMPLE_FIRST) {
		assert(len > 8 + FIRST_PAYLOAD);
		fragment = 0x2000;
		len = 8 + FIRST_PAYLOAD;
	} else if (sample->part == SAMPLE_LATER) {
		start = 8 + FIRST_PAYLOAD;
		fragment = (unsigned)start / 8;
		len -= start;
	}
	memset(buf, 0, header);
	buf[0] = (uint8_t)(0x40 | header / 4);
	buf[1] = 0xb8; /* expedited forwarding */
	put16(buf + 2, (unsigned)(header + len));
	put16(buf + 4, sample->id);
	put16(buf + 6, fragment);
	buf[8] = sample->ttl ? sample->ttl : 64;
	buf[9] = sample->protocol ? sample->protocol : 17;
	memcpy(buf + 12, sample->src.addr.bytes, 4);
	memcpy(buf + 16, sample->dst.addr.bytes, 4);
	memcpy(buf + 20, options, header - 20);
	put16(buf + 10, (uint16_t)~sample_sum(buf, header, 0));
	memcpy(buf + header, body + start, len);
	return header + len;
}
