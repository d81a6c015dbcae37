/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames with one RTP packet each, prepared before they are sent. */
#ifndef VIADUCT_BENCH_FRAME_H
#define VIADUCT_BENCH_FRAME_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_RTP     172 /* RTP header and 20 ms of G.711 */
#define FRAME_HEADERS (14 + 20 + 8)
#define FRAME_SIZE    (FRAME_HEADERS + FRAME_RTP)
#define FRAME_STRIDE  256
#define FRAME_MAC     6

/* The frames of one direction, a flow each. */
struct frames {
	uint8_t *bytes; /* owned; FRAME_STRIDE apart */
	uint32_t *sums; /* owned; of the UDP packet as prepared */
	size_t count;
	size_t next;
	uint16_t round; /* RTP sequence number */
};

struct frame_flow {
	struct sockaddr_in from;
	struct sockaddr_in to;
};

/*
 * Reads the flows of a text, "ADDRESS PORT ADDRESS PORT" a line, and prepares
 * a frame for each. 0, -ENOMEM, or -EINVAL: the text is wrong.
 */
int frames_read(struct frames *frames, const char *path,
		const uint8_t from[FRAME_MAC], const uint8_t to[FRAME_MAC]);
void frames_done(struct frames *frames);

/* The next frame of the first `flows` flows in turn, with its own sequence
 * number. */
uint8_t *frames_next(struct frames *frames, size_t flows);

/* As frames_next, with a time in the payload, until frame_unstamp. */
uint8_t *frames_next_stamped(struct frames *frames, size_t flows, uint64_t ns);
void frame_unstamp(uint8_t *frame);

/* The time in a packet that was received with its Ethernet header, or 0. */
uint64_t frame_stamp(const uint8_t *bytes, size_t len);

#endif
