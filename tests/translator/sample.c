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

static bool is_v6(const struct sample *sample)
{
	return sample->src.addr.family == IP_V6;
}

/* Of an IPv4 packet that is too long for IPv6, and may be fragmented. */
static bool needs_fragment(const struct sample *sample)
{
	size_t transport = sample->protocol == 6 ? 24 : 8;

	return sample->part != SAMPLE_WHOLE ||
	       (sample->may_fragment &&
		40 + transport + sample->payload > 1280);
}

/* Of the IP header, with all that stands before the transport's. */
static size_t header_length(const struct sample *sample)
{
	size_t len = sample->options ? 28 : 20;

	if (!is_v6(sample))
		return sample->crossed ? 20 : len;
	len = 40;
	if (sample->crossed)
		return len + (needs_fragment(sample) ? 8 : 0);
	len += sample->options ? 8 : 0;
	len += sample->routing ? 24 : 0;
	return len + (sample->part != SAMPLE_WHOLE ? 8 : 0);
}

static uint16_t checksum_of(const struct sample *sample, uint8_t protocol,
			    const uint8_t *at, size_t len)
{
	size_t width = is_v6(sample) ? 16 : 4;
	uint8_t pseudo[36] = { 0 };

	memcpy(pseudo, sample->src.addr.bytes, width);
	memcpy(pseudo + width, sample->dst.addr.bytes, width);
	put16(pseudo + 32, protocol);
	put16(pseudo + 34, (unsigned)len);
	return (uint16_t)~sample_sum(at, len, sample_sum(pseudo, 36, 0));
}

static size_t build_udp(const struct sample *sample, uint8_t *at)
{
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
	checksum = checksum_of(sample, 17, at, len);
	put16(at + 6, checksum == 0 ? 0xffff : checksum);
	return len;
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
	put16(at + 16, checksum_of(sample, 6, at, len));
	return len;
}

/* ICMPv6's covers the addresses, too. */
static void put_icmp_checksum(const struct sample *sample, uint8_t *at,
			      size_t len)
{
	put16(at + 2, 0);
	put16(at + 2, is_v6(sample) ? checksum_of(sample, 58, at, len) :
				      (uint16_t)~sample_sum(at, len, 0));
}

static bool is_request(const struct sample *sample)
{
	uint8_t type = sample->icmp_type;

	return is_v6(sample) ? type == 128 : type == 8 || type == 13;
}

static bool is_query(const struct sample *sample)
{
	uint8_t type = sample->icmp_type;

	return is_request(sample) ||
	       (is_v6(sample) ? type == 129 : type == 0 || type == 14);
}

/* An echo or timestamp, with what `payload` says behind its header. */
static size_t build_query(const struct sample *sample, uint8_t *at)
{
	size_t len = 8 + sample->payload;

	at[0] = sample->icmp_type;
	at[1] = sample->icmp_code;
	put16(at + 4, is_request(sample) ? sample->src.port : sample->dst.port);
	put16(at + 6, 77); /* sequence number */
	for (size_t i = 0; i < sample->payload; i++)
		at[8 + i] = (uint8_t)(i * 7 + 3);
	put_icmp_checksum(sample, at, len);
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
				 .icmp_type = is_v6(sample) ? 128 : 8,
				 .options = sample->options,
				 .crossed = sample->crossed,
				 .no_checksum = sample->no_checksum };
	uint8_t packet[SAMPLE_MAX];
	size_t len, quote;

	memset(at, 0, 8);
	at[0] = sample->icmp_type;
	at[1] = sample->icmp_code;
	put16(at + 4, sample->icmp_rest >> 16);
	put16(at + 6, sample->icmp_rest & 0xffff);
	len = 8;
	if (sample->quoted_src.addr.family != IP_NONE) {
		sample_build(&quoted, packet);
		quote = header_length(&quoted) + 8 + sample->quoted_payload;
		memcpy(at + len, packet, quote);
		len += quote;
	}
	if (sample->extension > 0) {
		size_t unit = is_v6(sample) ? 8 : 4;

		assert(sample->extension_legacy || len % unit == 0);
		if (!sample->extension_legacy)
			at[is_v6(sample) ? 4 : 5] = (uint8_t)((len - 8) / unit);
		memset(at + len, sample->extension_erased ? 0 : 0xab,
		       sample->extension);
		len += sample->extension;
	}
	put_icmp_checksum(sample, at, len);
	return len;
}

static size_t build_body(const struct sample *sample, uint8_t *at)
{
	if (sample->protocol == 0)
		return build_udp(sample, at);
	if (sample->protocol == 1)
		return is_query(sample) ? build_query(sample, at) :
					  build_icmp(sample, at);
	if (sample->protocol == 6)
		return build_tcp(sample, at);
	memset(at, 0x5a, 20 + sample->payload);
	return 20 + sample->payload;
}

struct part { /* of what is behind the IP header */
	size_t start;
	size_t len;
	bool more;
};

static void build_header4(const struct sample *sample, const struct part *part,
			  const uint8_t *body, uint8_t *buf)
{
	static const uint8_t options[8] = { 1, 148, 4, 0, 0, 1, 1, 0 };
	size_t header = header_length(sample);
	size_t checksum = sample->protocol == 6 ? 16 : 6;
	unsigned fragment = (unsigned)part->start / 8, id = sample->id;

	if (part->more)
		fragment |= 0x2000;
	if (sample->part == SAMPLE_WHOLE && sample->crossed) {
		fragment = header + part->len > 1260 ? 0x4000 : 0;
		id = fragment || sample->protocol == 1 ?
			     0 :
			     (unsigned)(body[checksum] << 8 |
					body[checksum + 1]);
	} else if (sample->part == SAMPLE_WHOLE && !sample->may_fragment) {
		fragment = 0x4000; /* do not fragment */
	}
	memset(buf, 0, header);
	buf[0] = (uint8_t)(0x40 | header / 4);
	buf[1] = 0xb8; /* expedited forwarding */
	put16(buf + 2, (unsigned)(header + part->len));
	put16(buf + 4, id);
	put16(buf + 6, fragment);
	buf[8] = sample->ttl ? sample->ttl : 64;
	buf[9] = sample->protocol ? sample->protocol : 17;
	memcpy(buf + 12, sample->src.addr.bytes, 4);
	memcpy(buf + 16, sample->dst.addr.bytes, 4);
	memcpy(buf + 20, options, header - 20);
	put16(buf + 10, (uint16_t)~sample_sum(buf, header, 0));
}

/* Hop-by-hop options, then a routing header, then the Fragment header. */
static void build_header6(const struct sample *sample, const struct part *part,
			  uint8_t *buf)
{
	size_t header = header_length(sample), at = 40;
	uint8_t *next = &buf[6];

	memset(buf, 0, header);
	put16(buf, 0x6b80); /* expedited forwarding */
	if (!sample->crossed)
		put16(buf + 2, 0x2345); /* flow label */
	put16(buf + 4, (unsigned)(header - 40 + part->len));
	buf[7] = sample->ttl ? sample->ttl : 64;
	memcpy(buf + 8, sample->src.addr.bytes, 16);
	memcpy(buf + 24, sample->dst.addr.bytes, 16);
	if (sample->options && !sample->crossed) {
		*next = 0;
		next = &buf[at];
		buf[at + 2] = 1; /* padding */
		buf[at + 3] = 4;
		at += 8;
	}
	if (sample->routing && !sample->crossed) {
		*next = 43;
		next = &buf[at];
		buf[at + 1] = 2;
		memset(buf + at + 8, 0xfd, 16);
		at += 24;
	}
	if (at < header) {
		*next = 44;
		next = &buf[at];
		put16(buf + at + 2, (unsigned)part->start | part->more);
		put16(buf + at + 6, sample->id);
	}
	*next = sample->protocol == 1 ? 58 :
		sample->protocol      ? sample->protocol :
					17;
}

size_t sample_build(const struct sample *sample, uint8_t *buf)
{
	size_t header = header_length(sample);
	uint8_t body[SAMPLE_MAX];
	struct part part = { 0 };

	assert(sample->payload + 64 < SAMPLE_MAX);
	part.len = build_body(sample, body);
	if (sample->part == SAMPLE_FIRST) {
		assert(part.len > 8 + FIRST_PAYLOAD);
		part.more = true;
		part.len = 8 + FIRST_PAYLOAD;
	} else if (sample->part == SAMPLE_LATER) {
		part.start = 8 + FIRST_PAYLOAD;
		part.len -= part.start;
	}
	if (is_v6(sample))
		build_header6(sample, &part, buf);
	else
		build_header4(sample, &part, body, buf);
	memcpy(buf + header, body + part.start, part.len);
	return header + part.len;
}
