/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbered RTP and RTCP packets in which every byte is known in advance. */
#include "rtp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	HEADER = 12,
	SAMPLES = 160,
	SR = 28,
	SDES = 28,
	APP = 36,
	CNAME = 14, /* "phone-" and eight digits */
};

static const char rtp_magic[4] = { 'V', 'P', 'H', 'N' };

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

/* FNV-1a, with a final mix so that neighbouring streams differ in all bits. */
static uint32_t mix(uint32_t hash)
{
	hash ^= hash >> 16;
	hash *= 0x7feb352dU;
	hash ^= hash >> 15;
	hash *= 0x846ca68bU;
	return hash ^ hash >> 16;
}

uint32_t rtp_ssrc(const char *aor, uint8_t stream)
{
	uint32_t hash = 2166136261U;

	for (; *aor; aor++)
		hash = (hash ^ (uint8_t)*aor) * 16777619U;
	return mix(hash + stream);
}

static void put_pattern(uint8_t *at, size_t length, const struct rtp_mark *mark)
{
	uint32_t state = mix(mark->ssrc ^ mix(mark->number + mark->stream));

	for (size_t i = 0; i < length; i++) {
		state = state * 1664525U + 1013904223U;
		at[i] = (uint8_t)(state >> 24);
	}
}

void rtp_encode(uint8_t *packet, const struct rtp_mark *mark)
{
	uint8_t *payload = packet + HEADER;

	packet[0] = 0x80;
	packet[1] = mark->number == 1 ? 0x80 : 0;
	put16(packet + 2, mark->number);
	put32(packet + 4, mark->number * SAMPLES);
	put32(packet + 8, mark->ssrc);

	memcpy(payload, rtp_magic, sizeof(rtp_magic));
	put32(payload + 4, mark->number);
	payload[8] = mark->stream;
	put_pattern(payload + 9, SAMPLES - 9, mark);
}

int rtp_decode(const uint8_t *packet, size_t length, struct rtp_mark *ret_mark)
{
	uint8_t expected[RTP_PACKET];
	struct rtp_mark mark;

	if (length != RTP_PACKET)
		return -EBADMSG;
	mark.ssrc = get32(packet + 8);
	mark.number = get32(packet + HEADER + 4);
	mark.stream = packet[HEADER + 8];
	rtp_encode(expected, &mark);
	if (!mark.number || memcmp(packet, expected, sizeof(expected)) != 0)
		return -EBADMSG;
	*ret_mark = mark;
	return 0;
}

static uint32_t crc32(const uint8_t *bytes, size_t length)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

/* The common first word: version, count or subtype, type, length in words. */
static void put_rtcp_head(uint8_t *at, uint8_t count, uint8_t type,
			  unsigned bytes, uint32_t ssrc)
{
	at[0] = (uint8_t)(0x80 | (count & 0x1f));
	at[1] = type;
	put16(at + 2, bytes / 4 - 1);
	put32(at + 4, ssrc);
}

void rtcp_encode(uint8_t *packet, const struct rtp_mark *mark,
		 const struct rtcp_counts *counts)
{
	uint8_t *sdes = packet + SR;
	uint8_t *app = sdes + SDES;
	char cname[CNAME + 1];

	memset(packet, 0, RTCP_PACKET);
	put_rtcp_head(packet, 0, 200, SR, mark->ssrc);
	put32(packet + 8, (uint32_t)(counts->ntp >> 32));
	put32(packet + 12, (uint32_t)counts->ntp);
	put32(packet + 16, counts->packets * SAMPLES);
	put32(packet + 20, counts->packets);
	put32(packet + 24, counts->octets);

	put_rtcp_head(sdes, 1, 202, SDES, mark->ssrc);
	snprintf(cname, sizeof(cname), "phone-%08x", (unsigned)mark->ssrc);
	sdes[8] = 1;
	sdes[9] = CNAME;
	memcpy(sdes + 10, cname, CNAME);

	put_rtcp_head(app, mark->stream, 204, APP, mark->ssrc);
	memcpy(app + 8, rtp_magic, sizeof(rtp_magic));
	put32(app + 12, mark->number);
	put_pattern(app + 16, 16, mark);
	put32(app + 32, crc32(packet, RTCP_PACKET - 4));
}

int rtcp_decode(const uint8_t *packet, size_t length, struct rtp_mark *ret_mark)
{
	const uint8_t *app = packet + SR + SDES;

	if (length != RTCP_PACKET || memcmp(app + 8, rtp_magic, 4) != 0)
		return -EBADMSG;
	if (get32(app + 32) != crc32(packet, RTCP_PACKET - 4))
		return -EBADMSG;
	ret_mark->ssrc = get32(app + 4);
	ret_mark->number = get32(app + 12);
	ret_mark->stream = app[0] & 0x1f;
	return 0;
}
