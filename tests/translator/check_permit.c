/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/permit.c. */
#include "translator/permit.h"

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"
#include "translator/packet.h"
#include "translator/tcp.h"

static struct permits *permits; /* of the test */

static void begin(void)
{
	faults_begin();
	permits = permits_new(1);
	ck_assert_ptr_nonnull(permits);
}

static void end(void)
{
	permits_free(permits);
	faults_end();
}

static struct permit_key key_of(uint64_t rule, uint32_t addr)
{
	return (struct permit_key){ .rule = rule,
				    .remote = { ip_addr_v4(addr), 9, 1 },
				    .offset = 1,
				    .kind = RULE_ORIGINATING };
}

START_TEST(a_permit_lasts_as_long_as_the_timer)
{
	struct permit_key key = key_of(1, 1);

	ck_assert(!permits_has(permits, &key, 60, 1000));
	permits_refresh(permits, &key, 60, 1000);
	ck_assert(permits_has(permits, &key, 60, 1000));
	ck_assert(permits_has(permits, &key, 60, 60999));
	ck_assert(!permits_has(permits, &key, 60, 61000));
	permits_refresh(permits, &key, 60, 50000);
	ck_assert(permits_has(permits, &key, 60, 61000));
	ck_assert(!permits_has(permits, &key, 10, 61000));
	ck_assert_uint_eq(permits_count(permits), 1);
}
END_TEST

START_TEST(it_holds_for_one_rule_one_port_one_remote_one_kind)
{
	struct permit_key key = key_of(1, 1), other;

	permits_refresh(permits, &key, 60, 0);
	other = key;
	other.rule = 2;
	ck_assert(!permits_has(permits, &other, 60, 0));
	other = key;
	other.offset = 0;
	ck_assert(!permits_has(permits, &other, 60, 0));
	other = key;
	other.kind = RULE_TERMINATING;
	ck_assert(!permits_has(permits, &other, 60, 0));
	other = key;
	other.remote.port = 10;
	ck_assert(!permits_has(permits, &other, 60, 0));
	other = key;
	other.remote.realm = 0;
	ck_assert(!permits_has(permits, &other, 60, 0));
}
END_TEST

START_TEST(what_ran_out_is_removed_whatever_its_timer)
{
	for (uint32_t i = 1; i <= 10; i++) {
		struct permit_key key = key_of(i, i);

		permits_refresh(permits, &key, i % 2 ? 100 : 10, 0);
	}
	ck_assert_uint_eq(permits_expire(permits, 9999), 0);
	ck_assert_uint_eq(permits_expire(permits, 10000), 5);
	ck_assert_uint_eq(permits_count(permits), 5);
	ck_assert_uint_eq(permits_expire(permits, 100000), 5);
	ck_assert_uint_eq(permits_count(permits), 0);
}
END_TEST

START_TEST(a_rule_that_is_flooded_costs_no_other_rule_its_permit)
{
	struct permit_key quiet = key_of(1, 1);
	struct permit_key first = key_of(2, 1);

	permits_refresh(permits, &quiet, 60, 0);
	for (uint32_t i = 1; i <= 100000; i++) {
		struct permit_key key = key_of(2, i);

		permits_refresh(permits, &key, 60, i);
	}
	ck_assert(permits_has(permits, &quiet, 60, 1));
	ck_assert(!permits_has(permits, &first, 600, 2));
	ck_assert_uint_eq(permits_count(permits), 1 + PERMITS_PER_RULE_MAX);
}
END_TEST

START_TEST(beyond_the_limit_one_long_unused_goes)
{
	struct permit_key used = key_of(1, 1);
	size_t young = 0;

	for (uint32_t i = 1; i <= PERMITS_MAX; i++) {
		struct permit_key key = key_of(i, 1);

		permits_refresh(permits, &key, 60, i);
	}
	permits_refresh(permits, &used, 60, PERMITS_MAX + 1);
	for (uint32_t i = 1; i <= 1000; i++) {
		struct permit_key key = key_of(PERMITS_MAX + i, 1);

		permits_refresh(permits, &key, 6000, PERMITS_MAX + 1 + i);
	}
	ck_assert_uint_eq(permits_count(permits), PERMITS_MAX);
	ck_assert(permits_has(permits, &used, 6000, PERMITS_MAX + 2000));
	/* Those that went are among the oldest, all but evenly. */
	for (uint32_t i = 2000; i <= PERMITS_MAX; i++) {
		struct permit_key key = key_of(i, 1);

		young += permits_has(permits, &key, 6000, PERMITS_MAX + 2000);
	}
	ck_assert_uint_eq(young, PERMITS_MAX - 1999);
}
END_TEST

static uint64_t lost[4];
static size_t lost_count;

static void on_last(uint64_t rule, void *arg)
{
	ck_assert_ptr_eq(arg, lost);
	lost[lost_count++] = rule;
}

START_TEST(who_has_none_left_is_told_unless_it_has_one_again)
{
	struct permit_key key = key_of(7, 1), other = key_of(8, 1);

	lost_count = 0;
	permits_watch(permits, on_last, lost);
	permits_refresh(permits, &key, 60, 0);
	permits_refresh(permits, &other, 60, 0);
	permits_reap(permits);
	ck_assert_uint_eq(permits_expire(permits, 60000), 2);
	ck_assert_uint_eq(lost_count, 0);
	permits_refresh(permits, &other, 60, 60000);
	permits_reap(permits);
	permits_reap(permits);
	ck_assert_uint_eq(lost_count, 1);
	ck_assert_uint_eq(lost[0], 7);
}
END_TEST

static void follow(const struct permit_key *key, bool outbound, uint8_t flags,
		   uint64_t now_ms)
{
	struct permit_segment segment = { .outbound = outbound,
					  .add = outbound,
					  .flags = flags };

	permits_follow(permits, key, 7440, &segment, now_ms);
}

START_TEST(of_tcp_it_lasts_as_long_as_its_session)
{
	struct permit_key key = key_of(1, 1);

	follow(&key, true, PACKET_SYN, 0);
	ck_assert(permits_has(permits, &key, 7440, TCP_TRANSITORY * 1000 - 1));
	ck_assert(!permits_has(permits, &key, 7440, TCP_TRANSITORY * 1000));
	ck_assert(!permits_has(permits, &key, 10, 10000));
	follow(&key, false, PACKET_SYN | PACKET_ACK, 1000);
	follow(&key, true, PACKET_ACK, 1000);
	ck_assert(permits_has(permits, &key, 7440, 7440999));
	ck_assert(!permits_has(permits, &key, 7440, 7441000));
	follow(&key, false, PACKET_RST, 2000);
	ck_assert_uint_eq(permits_expire(permits, 2000 + 240000), 1);
}
END_TEST

START_TEST(of_tcp_nothing_begins_with_a_reset_or_from_the_wrong_side)
{
	struct permit_key key = key_of(1, 1);

	follow(&key, true, PACKET_RST, 0);
	follow(&key, false, PACKET_SYN, 0);
	ck_assert_uint_eq(permits_count(permits), 0);
}
END_TEST

START_TEST(of_tcp_what_ran_out_begins_anew)
{
	struct permit_key key = key_of(1, 1);

	follow(&key, true, PACKET_ACK, 0);
	follow(&key, false, PACKET_ACK, 0);
	follow(&key, true, PACKET_ACK, 8000000);
	ck_assert(!permits_has(permits, &key, 7440, 8000000 + 240000));
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	struct permit_key key = key_of(1, 1);
	unsigned n = 0;

	for (unsigned i = 1; i <= 3; i++) {
		faults_arm(i);
		ck_assert_ptr_null(permits_new(1));
		ck_assert(faults_disarm());
	}
	do {
		ck_assert_uint_eq(permits_count(permits), 0);
		faults_arm(++n);
		permits_refresh(permits, &key, 60, 0);
	} while (faults_disarm());
	ck_assert_uint_eq(n, 3);
	ck_assert(permits_has(permits, &key, 60, 0));
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		a_permit_lasts_as_long_as_the_timer,
		it_holds_for_one_rule_one_port_one_remote_one_kind,
		what_ran_out_is_removed_whatever_its_timer,
		a_rule_that_is_flooded_costs_no_other_rule_its_permit,
		beyond_the_limit_one_long_unused_goes,
		who_has_none_left_is_told_unless_it_has_one_again,
		of_tcp_it_lasts_as_long_as_its_session,
		of_tcp_nothing_begins_with_a_reset_or_from_the_wrong_side,
		of_tcp_what_ran_out_begins_anew,
		without_memory_nothing_is_added,
	};

	return SUITE_RUN("permit", tests, begin, end);
}
