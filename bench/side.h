/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One direction of the load: where it is sent, and where it should come out. */
#ifndef VIADUCT_BENCH_SIDE_H
#define VIADUCT_BENCH_SIDE_H

#include <sys/types.h>

#include "bench/frame.h"

#define SIDE_ARGS  6
#define SIDE_BATCH 64

struct side {
	struct frames frames;
	const char *receiver; /* device, not owned */
	int send_fd;          /* owned; packet socket */
	int stamp_fd;         /* owned; packet socket that hears the receiver */
	int counts_fd;        /* owned; /proc/net/dev of the receiver */
};

/*
 * Opens SEND-NAMESPACE SEND-DEVICE TO-MAC RECEIVE-NAMESPACE RECEIVE-DEVICE
 * FLOW-FILE. 0 or -Exxx; what stands is undone by side_done.
 */
int side_init(struct side *side, char *const args[SIDE_ARGS]);
void side_done(struct side *side);

/* Packets that the receiving device has counted; < 0: -Exxx. */
int64_t side_received(const struct side *side);

/* Offers that many frames, at most SIDE_BATCH, of the first `flows`; how many
 * the device took. It refuses when the queue of the box is full. */
unsigned side_send(struct side *side, size_t flows, unsigned count);

/* Sends one frame with the time in it; whether the device took it. */
unsigned side_send_stamped(struct side *side, size_t flows);

/* From now on (or no longer) stamped packets are heard. */
int side_listen(struct side *side, char *const args[SIDE_ARGS]);
void side_deafen(struct side *side);

/* Nanoseconds from a stamped packet's sending to its arrival at the receiver;
 * 0: another packet; -EAGAIN: nothing there. */
int64_t side_hear(const struct side *side);

#endif
