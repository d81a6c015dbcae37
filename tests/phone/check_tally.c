/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lost, repeated, reordered, changed and strange packets are told apart. */
#include <check.h>
#include <string.h>

#include "tally.h"
#include "tests/proxy/suite.h"

struct arrivals {
	struct tally tally;
	struct address from;
};

static void setup(struct arrivals *arrivals)
{
	memset(arrivals, 0, sizeof(*arrivals));
	ck_assert_int_eq(address_parse("1.1.1.1:1111", &arrivals->from), 0);
}

static void arrive(struct arrivals *arrivals, uint32_t number)
{
	struct rtp_mark mark = { 0x12345678, number, 1 };

	tally_add(&arrivals->tally, &arrivals->from, RTP_PACKET, &mark);
}

START_TEST(a_whole_flow_has_no_fault)
{
	struct arrivals all;

	setup(&all);
	for (uint32_t i = 1; i <= 5000; i++)
		arrive(&all, i);
	ck_assert_uint_eq(all.tally.received, 5000);
	ck_assert_uint_eq(all.tally.bytes, 5000 * RTP_PACKET);
	ck_assert_uint_eq(tally_lost(&all.tally), 0);
	ck_assert_uint_eq(all.tally.duplicate, 0);
	ck_assert_uint_eq(all.tally.reordered, 0);
	ck_assert_uint_eq(all.tally.corrupt, 0);
	tally_done(&all.tally);
}
END_TEST

START_TEST(lost_packets_are_counted_the_first_included)
{
	struct arrivals all;

	setup(&all);
	for (uint32_t i = 2; i <= 100; i++) {
		if (i != 50 && i != 51)
			arrive(&all, i);
	}
	ck_assert_uint_eq(tally_lost(&all.tally), 3);
	ck_assert_uint_eq(all.tally.reordered, 0);
	tally_done(&all.tally);
}
END_TEST

START_TEST(a_late_packet_is_reordered_and_not_lost)
{
	struct arrivals all;

	setup(&all);
	arrive(&all, 1);
	arrive(&all, 3);
	ck_assert_uint_eq(tally_lost(&all.tally), 1);
	arrive(&all, 2);
	ck_assert_uint_eq(tally_lost(&all.tally), 0);
	ck_assert_uint_eq(all.tally.reordered, 1);
	ck_assert_uint_eq(all.tally.duplicate, 0);
	tally_done(&all.tally);
}
END_TEST

START_TEST(a_second_copy_is_a_duplicate_and_nothing_else)
{
	struct arrivals all;

	setup(&all);
	arrive(&all, 1);
	arrive(&all, 2);
	arrive(&all, 1);
	ck_assert_uint_eq(all.tally.duplicate, 1);
	ck_assert_uint_eq(all.tally.reordered, 0);
	ck_assert_uint_eq(tally_lost(&all.tally), 0);
	tally_done(&all.tally);
}
END_TEST

START_TEST(a_changed_packet_is_corrupt_and_its_number_lost)
{
	struct arrivals all;

	setup(&all);
	arrive(&all, 1);
	tally_add(&all.tally, &all.from, RTP_PACKET, NULL);
	arrive(&all, 3);
	ck_assert_uint_eq(all.tally.received, 3);
	ck_assert_uint_eq(all.tally.corrupt, 1);
	ck_assert_uint_eq(tally_lost(&all.tally), 1);
	tally_done(&all.tally);
}
END_TEST

START_TEST(a_changed_source_is_listed_apart)
{
	struct arrivals all;

	setup(&all);
	arrive(&all, 1);
	address_set_port(&all.from, 1113);
	arrive(&all, 2);
	arrive(&all, 3);
	ck_assert_uint_eq(all.tally.n_sources, 2);
	ck_assert_uint_eq(all.tally.sources[0].packets, 1);
	ck_assert_uint_eq(all.tally.sources[1].packets, 2);
	ck_assert_uint_eq(address_port(&all.tally.sources[1].from), 1113);
	tally_done(&all.tally);
}
END_TEST

START_TEST(more_sources_than_are_listed_are_still_counted)
{
	struct arrivals all;

	setup(&all);
	for (uint32_t i = 1; i <= TALLY_SOURCES + 5; i++) {
		address_set_port(&all.from, 2000 + i);
		arrive(&all, i);
	}
	ck_assert_uint_eq(all.tally.n_sources, TALLY_SOURCES);
	ck_assert_uint_eq(all.tally.other, 5);
	ck_assert_uint_eq(all.tally.received, TALLY_SOURCES + 5);
	tally_done(&all.tally);
}
END_TEST

int main(void)
{
	return SUITE_RUN("phone/tally", a_whole_flow_has_no_fault,
			 lost_packets_are_counted_the_first_included,
			 a_late_packet_is_reordered_and_not_lost,
			 a_second_copy_is_a_duplicate_and_nothing_else,
			 a_changed_packet_is_corrupt_and_its_number_lost,
			 a_changed_source_is_listed_apart,
			 more_sources_than_are_listed_are_still_counted);
}
