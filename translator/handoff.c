/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker leaves to the control thread. */
#include "translator/handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "translator/crossing.h"

struct ring { /* places first .. end - 1 are taken; both only count up */
	_Atomic uint32_t first;
	_Atomic uint32_t end;
};

struct handoff {
	struct handoff_bell *bell; /* not owned */
	struct ring flow_ring;
	struct ring packet_ring;
	struct handoff_flow flows[HANDOFF_FLOWS];
	struct handoff_packet *packets[HANDOFF_PACKETS]; /* owned */
};

int handoff_bell_init(struct handoff_bell *bell)
{
	atomic_init(&bell->is_rung, false);
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return bell->fd < 0 ? -errno : 0;
}

void handoff_bell_done(struct handoff_bell *bell)
{
	close(bell->fd);
}

void handoff_bell_ring(struct handoff_bell *bell)
{
	if (!atomic_exchange(&bell->is_rung, true))
		(void)eventfd_write(bell->fd, 1);
}

void handoff_bell_heard(struct handoff_bell *bell)
{
	eventfd_t count;

	(void)eventfd_read(bell->fd, &count);
	atomic_store(&bell->is_rung, false);
}

struct handoff *handoff_new(struct handoff_bell *bell)
{
	struct handoff *handoff = calloc(1, sizeof(*handoff));

	if (handoff != NULL)
		handoff->bell = bell;
	return handoff;
}

void handoff_free(struct handoff *handoff)
{
	struct handoff_packet *packet;

	if (handoff == NULL)
		return;
	while ((packet = handoff_take_packet(handoff)) != NULL)
		free(packet);
	free(handoff);
}

/* The giver's: is there room at *ret? */
static bool has_room(struct ring *ring, uint32_t size, uint32_t *ret)
{
	uint32_t end = atomic_load_explicit(&ring->end, memory_order_relaxed);
	uint32_t first = atomic_load_explicit(&ring->first,
					      memory_order_acquire);

	*ret = end % size;
	return end - first < size;
}

static void given(struct handoff *handoff, struct ring *ring)
{
	atomic_fetch_add_explicit(&ring->end, 1, memory_order_release);
	handoff_bell_ring(handoff->bell);
}

/* The taker's: is there something at *ret? */
static bool has_some(struct ring *ring, uint32_t size, uint32_t *ret)
{
	uint32_t end = atomic_load_explicit(&ring->end, memory_order_acquire);
	uint32_t first = atomic_load_explicit(&ring->first,
					      memory_order_relaxed);

	*ret = first % size;
	return end != first;
}

static void taken(struct ring *ring)
{
	atomic_fetch_add_explicit(&ring->first, 1, memory_order_release);
}

void handoff_give_flow(struct handoff *handoff, const struct endpoint *src,
		       const struct endpoint *dst)
{
	uint32_t place;

	if (!has_room(&handoff->flow_ring, HANDOFF_FLOWS, &place))
		return;
	handoff->flows[place] = (struct handoff_flow){ *src, *dst };
	given(handoff, &handoff->flow_ring);
}

bool handoff_give_packet(struct handoff *handoff, realm_id from,
			 const uint8_t *data, size_t len)
{
	struct handoff_packet *packet;
	uint32_t place;

	if (!has_room(&handoff->packet_ring, HANDOFF_PACKETS, &place))
		return false;
	packet = malloc(sizeof(*packet) + CROSSING_HEADROOM + len);
	if (packet == NULL)
		return false;
	packet->from = from;
	packet->len = len;
	packet->data = packet->memory + CROSSING_HEADROOM;
	memcpy(packet->data, data, len);
	handoff->packets[place] = packet;
	given(handoff, &handoff->packet_ring);
	return true;
}

bool handoff_take_flow(struct handoff *handoff, struct handoff_flow *ret)
{
	uint32_t place;

	if (!has_some(&handoff->flow_ring, HANDOFF_FLOWS, &place))
		return false;
	*ret = handoff->flows[place];
	taken(&handoff->flow_ring);
	return true;
}

struct handoff_packet *handoff_take_packet(struct handoff *handoff)
{
	struct handoff_packet *packet;
	uint32_t place;

	if (!has_some(&handoff->packet_ring, HANDOFF_PACKETS, &place))
		return NULL;
	packet = handoff->packets[place];
	taken(&handoff->packet_ring);
	return packet;
}
