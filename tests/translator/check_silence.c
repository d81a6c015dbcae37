/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of translator/silence.c: who is found silent, and heard again. */
#include "translator/silence.h"

#include <errno.h>
#include <string.h>

#include "tests/translator/suite.h"

#define TOLD_MAX 2048

static struct ruleset *set;
static struct silence *silence;
static struct wire_activity told[TOLD_MAX];
static size_t told_count;
static int refuse;
static uint64_t now_ms;

static int tell(const struct wire_activity *activities, size_t count, void *arg)
{
	ck_assert_ptr_eq(arg, &set);
	if (refuse != 0)
		return refuse;
	ck_assert_uint_le(told_count + count, TOLD_MAX);
	memcpy(told + told_count, activities, count * sizeof(*activities));
	told_count += count;
	return 0;
}

static void put(uint64_t id)
{
	struct rule rule = { .id = id, .ports = 1, .protocol = RULE_UDP };

	rule.inner = (struct endpoint){ .addr = ip_addr_v4(0x02020202),
					.port = (uint16_t)(1000 + id),
					.realm = 0 };
	rule.outer = (struct endpoint){ .addr = ip_addr_v4(0x03030303),
					.port = (uint16_t)(1000 + id),
					.realm = 1 };
	ck_assert_int_eq(ruleset_put(set, &rule, 1), 0);
}

static void begin(void)
{
	struct silence_options options = { .tell = tell, .arg = &set };

	set = ruleset_new(2, 1);
	ck_assert_ptr_nonnull(set);
	options.ruleset = set;
	silence = silence_new(&options);
	ck_assert_ptr_nonnull(silence);
	told_count = 0;
	refuse = 0;
	now_ms = 50000;
}

static void end(void)
{
	silence_free(silence);
	ruleset_free(set);
}

static void watch(uint32_t watcher, uint16_t seconds, uint64_t lease)
{
	struct wire_watch watch = { watcher, seconds, lease };

	ck_assert_int_eq(silence_watch(silence, &watch, now_ms), 0);
}

static struct rule_counters *counters(uint64_t id)
{
	return ruleset_rule_counters(ruleset_find(set, id));
}

/* So many rounds; in each packets come in, or not. */
static void run(unsigned rounds, uint64_t id, bool in, bool out)
{
	for (unsigned i = 0; i < rounds; i++) {
		counters(id)->packets_in += in;
		counters(id)->packets_out += out;
		for (unsigned t = 0; t < 20; t++) {
			now_ms += SILENCE_TICK_MS;
			silence_tick(silence, now_ms);
		}
	}
}

static void expect(size_t i, uint32_t watcher, bool silent, bool inwards,
		   uint32_t seconds)
{
	ck_assert_uint_lt(i, told_count);
	ck_assert_uint_eq(told[i].watcher, watcher);
	ck_assert_uint_eq(told[i].silent, silent);
	ck_assert_uint_eq(told[i].inwards, inwards);
	ck_assert_uint_ge(told[i].seconds, seconds);
	ck_assert_uint_le(told[i].seconds, seconds + 1);
}

START_TEST(each_direction_has_its_own_silence)
{
	put(1);
	watch(7, 5, 1);
	run(20, 1, true, true);
	ck_assert_uint_eq(told_count, 0);
	run(8, 1, true, false);
	ck_assert_uint_eq(told_count, 1);
	ck_assert_uint_eq(told[0].lease, 1);
	expect(0, 7, true, false, 5);
	run(8, 1, false, false);
	ck_assert_uint_eq(told_count, 2);
	expect(1, 7, true, true, 5);
	run(2, 1, true, true);
	ck_assert_uint_eq(told_count, 4);
	expect(2, 7, false, true, 8);
	expect(3, 7, false, false, 16);
	run(20, 1, true, true);
	ck_assert_uint_eq(told_count, 4);
}
END_TEST

START_TEST(never_heard_is_silent_as_well)
{
	put(1);
	watch(1, 3, 1);
	watch(2, 9, 1);
	run(6, 1, false, false);
	ck_assert_uint_eq(told_count, 2);
	expect(0, 1, true, true, 3);
	expect(1, 1, true, false, 3);
	run(6, 1, false, false);
	ck_assert_uint_eq(told_count, 4);
	expect(2, 2, true, true, 9);
}
END_TEST

START_TEST(what_is_not_taken_is_told_later)
{
	put(1);
	watch(1, 3, 1);
	refuse = -EAGAIN;
	run(6, 1, true, false);
	ck_assert_uint_eq(told_count, 0);
	refuse = 0;
	run(1, 1, true, false);
	ck_assert_uint_eq(told_count, 1);
	refuse = -EAGAIN;
	run(2, 1, true, true);
	refuse = 0;
	run(1, 1, true, false);
	ck_assert_uint_eq(told_count, 2);
	expect(1, 1, false, false, 8);
}
END_TEST

START_TEST(who_is_gone_is_not_watched)
{
	const uint64_t id = 1;

	put(1);
	put(2);
	watch(1, 3, 1);
	watch(1, 3, 2);
	watch(2, 3, 2);
	watch(2, 3, 9); /* there is no such rule */
	ck_assert_uint_eq(silence_count(silence), 3);
	silence_forget(silence, 1);
	ck_assert_uint_eq(silence_count(silence), 1);
	watch(1, 3, 1);
	ruleset_delete(set, &id, 1);
	run(6, 2, false, false);
	ck_assert_uint_eq(silence_count(silence), 1);
	ck_assert_uint_eq(told_count, 2);
	ck_assert_uint_eq(told[0].lease, 2);
	silence_forget_all(silence);
	ck_assert_uint_eq(silence_count(silence), 0);
}
END_TEST

START_TEST(many_are_looked_at_a_few_at_a_time)
{
	for (uint64_t id = 1; id <= 1000; id++) {
		put(id);
		watch(1, 1, id);
	}
	silence_tick(silence, now_ms + 3000);
	ck_assert_uint_le(told_count, 2 * 51);
	now_ms += 3000;
	run(2, 1, false, false);
	ck_assert_uint_eq(told_count, 2000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_direction_has_its_own_silence,
		never_heard_is_silent_as_well,
		what_is_not_taken_is_told_later,
		who_is_gone_is_not_watched,
		many_are_looked_at_a_few_at_a_time,
	};

	return SUITE_RUN("silence", tests, begin, end);
}
