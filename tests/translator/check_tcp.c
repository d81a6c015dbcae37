/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/tcp.c. */
#include "translator/tcp.h"

#include "tests/translator/suite.h"
#include "translator/packet.h"

#define OUT true
#define IN  false

static struct tcp_session session; /* of the test */

static void begin(void)
{
	session = (struct tcp_session){ 0 };
}

static void pass(bool outbound, uint8_t flags, bool established)
{
	tcp_session_follow(&session, outbound, flags);
	ck_assert_int_eq(tcp_session_is_established(&session), established);
}

static void shake_hands(void)
{
	pass(OUT, PACKET_SYN, false);
	pass(IN, PACKET_SYN | PACKET_ACK, false);
	pass(OUT, PACKET_ACK, true);
}

START_TEST(three_segments_establish)
{
	ck_assert(!tcp_session_is_established(&session));
	shake_hands();
}
END_TEST

START_TEST(so_does_a_simultaneous_open)
{
	pass(OUT, PACKET_SYN, false);
	pass(IN, PACKET_SYN, false);
	pass(OUT, PACKET_SYN | PACKET_ACK, false);
	pass(IN, PACKET_SYN | PACKET_ACK, true);
}
END_TEST

START_TEST(one_that_was_under_way_is_taken_up)
{
	pass(IN, PACKET_ACK, false);
	pass(OUT, PACKET_ACK, true);
}
END_TEST

START_TEST(a_side_may_finish_and_the_other_go_on)
{
	shake_hands();
	pass(IN, PACKET_FIN | PACKET_ACK, true);
	pass(OUT, PACKET_ACK, true);
	pass(OUT, PACKET_FIN | PACKET_ACK, false);
	pass(IN, PACKET_ACK, false);
}
END_TEST

START_TEST(a_reset_holds_until_something_else_passes)
{
	shake_hands();
	pass(IN, PACKET_RST, false);
	pass(IN, PACKET_RST | PACKET_ACK, false);
	pass(OUT, PACKET_ACK, true);
}
END_TEST

START_TEST(a_new_session_begins_with_its_syn)
{
	shake_hands();
	pass(IN, PACKET_RST, false);
	shake_hands();
	pass(IN, PACKET_FIN | PACKET_ACK, true);
	pass(OUT, PACKET_FIN | PACKET_ACK, false);
	pass(IN, PACKET_SYN, false);
	pass(OUT, PACKET_SYN | PACKET_ACK, false);
	pass(IN, PACKET_ACK, true);
	/* A stray SYN is none of a session that goes on. */
	pass(IN, PACKET_SYN, true);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		three_segments_establish,
		so_does_a_simultaneous_open,
		one_that_was_under_way_is_taken_up,
		a_side_may_finish_and_the_other_go_on,
		a_reset_holds_until_something_else_passes,
		a_new_session_begins_with_its_syn,
	};

	return SUITE_RUN("tcp", tests, begin, NULL);
}
