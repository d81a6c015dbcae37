/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media sockets of the phone, one RTP/RTCP pair a m= line. */
#ifndef PHONE_MEDIA_H
#define PHONE_MEDIA_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

#include "address.h"

#define MEDIA_STREAMS 8

struct media;

/* Where one stream is to be sent, as the far SDP says. */
struct media_far {
	struct address rtp;
	struct address rtcp;
	bool send; /* RTP may go there: both directions allow it */
};

/* Binds every socket at once, so that early packets count. On a failure NULL,
 * with errno set. SSRCs follow from the address of record. */
struct media *media_new(struct event_base *base, const char *aor,
			const struct address *local, unsigned n_streams);
void media_free(struct media *media);

unsigned media_count(const struct media *media);
/* The RTP address to offer for a stream: the new one while a move is open. */
const struct address *media_local(const struct media *media, unsigned stream);

/* A new call: counters to zero, numbers from 1, no far end, nothing sent. */
void media_reset(struct media *media);
void media_set_far(struct media *media, unsigned stream,
		   const struct media_far *far);

/* Every 20 ms a packet on each stream with a far end, RTCP every 500 ms. */
void media_start(struct media *media);
void media_stop(struct media *media);
/* One RTP packet on each stream; how many could be sent. */
unsigned media_once(struct media *media);

/* Opens another socket pair for a stream: 0 or -errno. media_settle makes it
 * the one in use (the former stays open to count late packets) or closes it. */
int media_move(struct media *media, unsigned stream,
	       const struct address *local);
void media_settle(struct media *media, bool accepted);

/* {"streams":[{"local","remote","ssrc","rtp":{},"rtcp":{}}]} */
json_t *media_stats(const struct media *media);

#endif
