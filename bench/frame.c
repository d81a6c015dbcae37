/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames with one RTP packet each, prepared before they are sent. */
#include "bench/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_IP      14
#define AT_UDP     (AT_IP + 20)
#define AT_RTP     (AT_UDP + 8)
#define AT_SEQ     (AT_RTP + 2)
#define AT_PAYLOAD (AT_RTP + 12)
#define STAMP_SIZE 12 /* a mark and a time */
#define UDP_LENGTH (8 + FRAME_RTP)

static const uint8_t MARK[4] = { 'v', 'd', 'b', '1' };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint32_t add16(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

static unsigned fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~sum & 0xffff;
}

static void put_udp_sum(uint8_t *frame, uint32_t sum)
{
	unsigned folded = fold(sum);

	put16(frame + AT_UDP + 6, folded == 0 ? 0xffff : folded);
}

/* The sum of the UDP packet, its checksum field being 0. */
static uint32_t prepare(uint8_t *frame, const struct frame_flow *flow,
			uint32_t number)
{
	uint8_t *ip = frame + AT_IP, *udp = frame + AT_UDP;

	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 20 + UDP_LENGTH);
	put16(ip + 6, 0x4000); /* DF */
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &flow->from.sin_addr, 4);
	memcpy(ip + 16, &flow->to.sin_addr, 4);
	put16(ip + 10, fold(add16(0, ip, 20)));
	memcpy(udp, &flow->from.sin_port, 2);
	memcpy(udp + 2, &flow->to.sin_port, 2);
	put16(udp + 4, UDP_LENGTH);
	frame[AT_RTP] = 0x80;
	put32(frame + AT_RTP + 8, number + 1); /* SSRC */
	return add16(IPPROTO_UDP + UDP_LENGTH, ip + 12, 8 + UDP_LENGTH);
}

static int parse_end(const char *address, unsigned port,
		     struct sockaddr_in *ret_end)
{
	struct sockaddr_in end = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port) };

	if (port == 0 || port > 65535 ||
	    inet_pton(AF_INET, address, &end.sin_addr) != 1)
		return -EINVAL;
	*ret_end = end;
	return 0;
}

static int parse_flow(const char *line, struct frame_flow *ret_flow)
{
	char from[16], to[16];
	unsigned from_port, to_port;

	if (sscanf(line, "%15s %u %15s %u", from, &from_port, to, &to_port) !=
	    4)
		return -EINVAL;
	if (parse_end(from, from_port, &ret_flow->from) != 0)
		return -EINVAL;
	return parse_end(to, to_port, &ret_flow->to);
}

static int grow(struct frames *frames)
{
	size_t count = frames->count == 0 ? 256 : frames->count * 2;
	uint8_t *bytes;
	uint32_t *sums;

	if (frames->count != 0 &&
	    (frames->count < 256 || (frames->count & (frames->count - 1)) != 0))
		return 0;
	bytes = realloc(frames->bytes, count * FRAME_STRIDE);
	if (bytes == NULL)
		return -ENOMEM;
	frames->bytes = bytes;
	sums = realloc(frames->sums, count * sizeof(*sums));
	if (sums == NULL)
		return -ENOMEM;
	frames->sums = sums;
	return 0;
}

int frames_read(struct frames *frames, const char *path,
		const uint8_t from[FRAME_MAC], const uint8_t to[FRAME_MAC])
{
	FILE *file = fopen(path, "re");
	struct frame_flow flow;
	char line[80];
	int err = 0;

	*frames = (struct frames){ 0 };
	if (file == NULL)
		return -errno;
	while (err == 0 && fgets(line, sizeof(line), file) != NULL) {
		uint8_t *frame;

		err = parse_flow(line, &flow);
		if (err == 0)
			err = grow(frames);
		if (err != 0)
			break;
		frame = frames->bytes + frames->count * FRAME_STRIDE;
		memset(frame, 0, FRAME_STRIDE);
		memcpy(frame, to, FRAME_MAC);
		memcpy(frame + FRAME_MAC, from, FRAME_MAC);
		frames->sums[frames->count] = prepare(frame, &flow,
						      (uint32_t)frames->count);
		frames->count++;
	}
	fclose(file);
	if (err == 0 && frames->count == 0)
		err = -EINVAL;
	if (err != 0)
		frames_done(frames);
	return err;
}

void frames_done(struct frames *frames)
{
	free(frames->bytes);
	free(frames->sums);
	*frames = (struct frames){ 0 };
}

static uint8_t *step(struct frames *frames, size_t flows, uint32_t *ret_sum)
{
	uint8_t *frame;

	if (frames->next >= flows) {
		frames->next = 0;
		frames->round++;
	}
	frame = frames->bytes + frames->next * FRAME_STRIDE;
	put16(frame + AT_SEQ, frames->round);
	*ret_sum = frames->sums[frames->next++] + frames->round;
	return frame;
}

uint8_t *frames_next(struct frames *frames, size_t flows)
{
	uint32_t sum;
	uint8_t *frame = step(frames, flows, &sum);

	put_udp_sum(frame, sum);
	return frame;
}

uint8_t *frames_next_stamped(struct frames *frames, size_t flows, uint64_t ns)
{
	uint32_t sum;
	uint8_t *frame = step(frames, flows, &sum);
	uint8_t *stamp = frame + AT_PAYLOAD;

	memcpy(stamp, MARK, sizeof(MARK));
	put32(stamp + 4, (uint32_t)(ns >> 32));
	put32(stamp + 8, (uint32_t)ns);
	put_udp_sum(frame, add16(sum, stamp, STAMP_SIZE));
	return frame;
}

void frame_unstamp(uint8_t *frame)
{
	memset(frame + AT_PAYLOAD, 0, STAMP_SIZE);
}

uint64_t frame_stamp(const uint8_t *bytes, size_t len)
{
	const uint8_t *stamp = bytes + AT_PAYLOAD;
	uint64_t ns = 0;

	if (len != FRAME_SIZE || memcmp(stamp, MARK, sizeof(MARK)) != 0)
		return 0;
	for (size_t i = sizeof(MARK); i < STAMP_SIZE; i++)
		ns = ns << 8 | stamp[i];
	return ns;
}
