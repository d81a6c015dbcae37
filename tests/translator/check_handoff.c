/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/handoff.c. */
#include "translator/handoff.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/suite.h"
#include "translator/crossing.h"

static struct handoff_bell bell;
static struct handoff *handoff; /* of the test */

static void begin(void)
{
	ck_assert_int_eq(handoff_bell_init(&bell), 0);
	handoff = handoff_new(&bell);
	ck_assert_ptr_nonnull(handoff);
}

static void end(void)
{
	handoff_free(handoff);
	handoff_bell_done(&bell);
}

static bool rings(void)
{
	struct pollfd pollfd = { .fd = bell.fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static void give(uint16_t port)
{
	struct endpoint src = { ip_addr_v4(1), port, 0 };
	struct endpoint dst = { ip_addr_v4(2), 9, 0 };

	handoff_give_flow(handoff, &src, &dst);
}

START_TEST(flows_come_in_their_order_and_what_has_no_room_is_forgotten)
{
	struct handoff_flow flow;
	uint16_t port = 0;

	for (uint16_t round = 0; round < 3; round++) {
		for (uint16_t i = 0; i < HANDOFF_FLOWS + 10; i++)
			give(i);
		for (port = 0; handoff_take_flow(handoff, &flow); port++) {
			ck_assert_uint_eq(flow.src.port, port);
			ck_assert_uint_eq(flow.dst.port, 9);
		}
		ck_assert_uint_eq(port, HANDOFF_FLOWS);
	}
}
END_TEST

START_TEST(packets_are_copied_with_room_before_them)
{
	uint8_t data[3] = { 1, 2, 3 };
	struct handoff_packet *packet;

	ck_assert_ptr_null(handoff_take_packet(handoff));
	for (realm_id i = 0; i < HANDOFF_PACKETS; i++)
		ck_assert(handoff_give_packet(handoff, i, data, 3));
	ck_assert(!handoff_give_packet(handoff, 9, data, 3));
	data[1] = 7;
	packet = handoff_take_packet(handoff);
	ck_assert_uint_eq(packet->from, 0);
	ck_assert_uint_eq(packet->len, 3);
	ck_assert_mem_eq(packet->data, "\1\2\3", 3);
	memset(packet->data - CROSSING_HEADROOM, 0, CROSSING_HEADROOM);
	free(packet);
	ck_assert(handoff_give_packet(handoff, 9, data, 3));
	/* What nobody takes goes with it. */
}
END_TEST

START_TEST(the_bell_rings_until_it_is_heard_and_again_for_what_comes_then)
{
	ck_assert(!rings());
	give(1);
	give(2);
	ck_assert(rings());
	handoff_bell_heard(&bell);
	ck_assert(!rings());
	give(3);
	ck_assert(rings());
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		flows_come_in_their_order_and_what_has_no_room_is_forgotten,
		packets_are_copied_with_room_before_them,
		the_bell_rings_until_it_is_heard_and_again_for_what_comes_then,
	};

	return SUITE_RUN("handoff", tests, begin, end);
}
