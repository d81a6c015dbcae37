/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arrived on one socket: lost, reordered, duplicate, changed, from whom.
 */
#ifndef PHONE_TALLY_H
#define PHONE_TALLY_H

#include <jansson.h>
#include <stdint.h>

#include "address.h"
#include "rtp.h"

enum {
	TALLY_SOURCES = 16, /* distinct sender addresses listed one by one */
	TALLY_SENDERS = 8,  /* distinct SSRCs whose numbers are followed */
	TALLY_NUMBERS = 1 << 24, /* highest number followed: 93 hours */
};

struct tally_source {
	struct address from;
	uint32_t ssrc; /* of the last unchanged packet, 0: none yet */
	uint64_t packets;
};

/* Which numbers of one SSRC have been seen; they start at 1. */
struct tally_sender {
	uint32_t ssrc;
	uint32_t highest;
	uint64_t distinct;
	uint8_t *seen; /* owned, one bit a number */
	size_t size;   /* bytes of seen */
};

struct tally {
	uint64_t sent;
	uint64_t received; /* every datagram, whatever is wrong with it */
	uint64_t bytes;    /* UDP payload of those */
	uint64_t reordered;
	uint64_t duplicate;
	uint64_t corrupt; /* changed, or of another stream than this one */
	uint64_t other;   /* received from further sources than are listed */
	struct tally_source sources[TALLY_SOURCES];
	struct tally_sender senders[TALLY_SENDERS];
	unsigned n_sources;
	unsigned n_senders;
};

/* Also sets everything back to zero. */
void tally_done(struct tally *tally);
/* mark is NULL for a packet that did not decode. */
void tally_add(struct tally *tally, const struct address *from, size_t length,
	       const struct rtp_mark *mark);
/* Numbers below the highest seen that never came, over all senders. */
uint64_t tally_lost(const struct tally *tally);
json_t *tally_json(const struct tally *tally);

#endif
