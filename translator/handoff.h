/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker leaves to the control thread: flows that the kernel could
 * have, and packets that want a dynamic mapping. One thread gives, one takes,
 * neither waits for the other.
 */
#ifndef VIADUCT_TRANSLATOR_HANDOFF_H
#define VIADUCT_TRANSLATOR_HANDOFF_H

#include <stdatomic.h>

#include "common/endpoint.h"

#define HANDOFF_FLOWS   4096 /* that wait; a power of 2 */
#define HANDOFF_PACKETS 256  /* likewise */

/* Rung when there is something to take, by any number of threads. */
struct handoff_bell {
	int fd; /* an eventfd; owned */
	atomic_bool is_rung;
};

int handoff_bell_init(struct handoff_bell *bell); /* 0 or -Exxx */
void handoff_bell_done(struct handoff_bell *bell);
void handoff_bell_ring(struct handoff_bell *bell);
/* Before anything is taken: what is given from now on rings it again. */
void handoff_bell_heard(struct handoff_bell *bell);

struct handoff_flow { /* a packet's endpoints as it arrived */
	struct endpoint src;
	struct endpoint dst;
};

struct handoff_packet {
	realm_id from;
	size_t len;
	uint8_t *data; /* with room before it, as translate_whole wants it */
	uint8_t memory[];
};

struct handoff;

/* NULL: no memory. `bell` is not owned. */
struct handoff *handoff_new(struct handoff_bell *bell);
void handoff_free(struct handoff *handoff);

/* One for which there is no room is forgotten: its next packet tells again. */
void handoff_give_flow(struct handoff *handoff, const struct endpoint *src,
		       const struct endpoint *dst);
/* Copies the packet. false: no room. */
bool handoff_give_packet(struct handoff *handoff, realm_id from,
			 const uint8_t *data, size_t len);

bool handoff_take_flow(struct handoff *handoff, struct handoff_flow *ret);
/* NULL: none. free() it. */
struct handoff_packet *handoff_take_packet(struct handoff *handoff);

#endif
