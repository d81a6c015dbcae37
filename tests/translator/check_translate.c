/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests translator/translate.c and translator/resolve.c where the text cases
 * of tests/path do not reach: what the pass leaves alone, and its effects.
 */
#include "translator/translate.h"

#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/sample.h"
#include "tests/translator/suite.h"

enum { INSIDE, OUTSIDE, REALMS };

static struct translate_context context; /* of the test */
static struct realms *realms;
static uint64_t count[VERDICT_COUNT];

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

static void begin(void)
{
	struct ip_prefix network = { ip_addr_v4(0x0a000000), 8 };
	struct conf_range range = { { ip_addr_v4(0x14000000), 24 },
				    { 1, 65535 } };
	realm_id reaches = OUTSIDE;
	struct conf_realm conf_realms[REALMS] = {
		{ .id = INSIDE,
		  .networks = &network,
		  .network_count = 1,
		  .reaches = &reaches,
		  .reach_count = 1 },
		{ .id = OUTSIDE },
	};
	struct conf_pool pool = { .realm = OUTSIDE,
				  .ranges = &range,
				  .range_count = 1 };
	struct conf conf = { .realms = conf_realms,
			     .realm_count = REALMS,
			     .pools = &pool,
			     .pool_count = 1 };

	faults_begin();
	realms = realms_new(&conf);
	context.realms = realms;
	context.ruleset = ruleset_new(REALMS, 1);
	context.permits = permits_new(2);
	context.fragments = fragments_new(3);
	ck_assert(context.realms && context.ruleset && context.permits &&
		  context.fragments);
}

static void end(void)
{
	fragments_free(context.fragments);
	permits_free(context.permits);
	ruleset_free(context.ruleset);
	realms_free(realms);
	faults_end();
}

/* 10.0.0.n:1000 inside <-> 20.0.0.n:2000 outside */
static void put(uint64_t id, uint8_t kind)
{
	struct rule rule = {
		.id = id,
		.inner = at(0x0a000000 + (uint32_t)id, 1000, INSIDE),
		.outer = at(0x14000000 + (uint32_t)id, 2000, OUTSIDE),
		.timer = 60,
		.ports = 1,
		.kind = kind,
		.protocol = RULE_UDP
	};

	ck_assert_int_eq(ruleset_put(context.ruleset, &rule, 1), 0);
}

static struct translation send_sample(const struct sample *sample,
				      realm_id from, uint64_t now_ms)
{
	uint8_t data[SAMPLE_MAX];
	size_t len = sample_build(sample, data);

	return translate(&context, from, data, len, now_ms);
}

static struct sample out_of(uint64_t id)
{
	return (struct sample){ .src = at(0x0a000000 + (uint32_t)id, 1000, 0),
				.dst = at(0x01010101, 9, 0),
				.payload = 40 };
}

static struct sample back_to(uint64_t id)
{
	return (struct sample){ .src = at(0x01010101, 9, 0),
				.dst = at(0x14000000 + (uint32_t)id, 2000, 0),
				.payload = 40 };
}

START_TEST(a_pass_alone_changes_nothing_but_the_packet)
{
	struct sample out = out_of(1), back = back_to(1);
	const struct rule_counters *counters;

	put(1, RULE_ORIGINATING);
	out.part = SAMPLE_FIRST;
	for (int i = 0; i < 3; i++) {
		struct translation sent = send_sample(&out, INSIDE, 0);

		ck_assert_int_eq(sent.verdict, VERDICT_OUT);
		ck_assert_uint_eq(sent.to, OUTSIDE);
		ck_assert_int_eq(send_sample(&back, OUTSIDE, 0).verdict,
				 VERDICT_UNSOLICITED);
	}
	counters = ruleset_find(context.ruleset, 1)->counters;
	ck_assert_uint_eq(counters->packets_out, 0);
	ck_assert_uint_eq(counters->discarded, 0);
	ck_assert_uint_eq(permits_count(context.permits), 0);
	ck_assert_uint_eq(fragments_count(context.fragments), 0);
}
END_TEST

START_TEST(applying_it_counts_permits_and_remembers)
{
	struct sample out = out_of(1), back = back_to(1);
	const struct rule_counters *counters;
	struct translation result;

	put(1, RULE_ORIGINATING);
	out.part = SAMPLE_FIRST;
	result = send_sample(&out, INSIDE, 0);
	translate_apply(&context, &result, 0, count);
	ck_assert_uint_eq(count[VERDICT_OUT], 1);
	ck_assert_uint_eq(permits_count(context.permits), 1);
	ck_assert_uint_eq(fragments_count(context.fragments), 1);
	result = send_sample(&back, OUTSIDE, 59999);
	translate_apply(&context, &result, 59999, count);
	ck_assert_uint_eq(count[VERDICT_IN], 1);
	result = send_sample(&back, OUTSIDE, 60000);
	translate_apply(&context, &result, 60000, count);
	ck_assert_uint_eq(count[VERDICT_UNSOLICITED], 1);
	counters = ruleset_find(context.ruleset, 1)->counters;
	ck_assert_uint_eq(counters->packets_out, 1);
	ck_assert_uint_eq(counters->packets_in, 1);
	ck_assert_uint_eq(counters->discarded, 1);
}
END_TEST

START_TEST(a_rule_of_both_kinds_leaves_no_permits)
{
	struct sample out = out_of(1), back = back_to(1);
	struct translation result;

	put(1, RULE_BOTH);
	result = send_sample(&out, INSIDE, 0);
	translate_apply(&context, &result, 0, count);
	result = send_sample(&back, OUTSIDE, 0);
	translate_apply(&context, &result, 0, count);
	ck_assert_uint_eq(permits_count(context.permits), 0);
	ck_assert_uint_eq(fragments_count(context.fragments), 0);
}
END_TEST

START_TEST(a_hairpin_counts_both_rules_and_permits_both_ways)
{
	struct sample out = out_of(1);
	struct translation result;

	put(1, RULE_ORIGINATING);
	put(2, RULE_TERMINATING);
	out.dst = at(0x14000002, 2000, 0);
	result = send_sample(&out, INSIDE, 0);
	ck_assert_int_eq(result.verdict, VERDICT_HAIRPIN);
	ck_assert_uint_eq(result.effects.permit_count, 2);
	translate_apply(&context, &result, 0, count);
	ck_assert_uint_eq(
		ruleset_find(context.ruleset, 1)->counters->packets_out, 1);
	ck_assert_uint_eq(
		ruleset_find(context.ruleset, 2)->counters->packets_in, 1);
	out.src = at(0x0a000002, 1000, 0);
	out.dst = at(0x14000001, 2000, 0);
	ck_assert_int_eq(send_sample(&out, INSIDE, 1).verdict, VERDICT_HAIRPIN);
}
END_TEST

START_TEST(without_memory_packets_pass_and_leave_nothing_behind)
{
	struct sample out = out_of(1);
	struct translation result;

	put(1, RULE_ORIGINATING);
	out.part = SAMPLE_FIRST;
	faults_arm(1);
	result = send_sample(&out, INSIDE, 0);
	ck_assert(!faults_disarm()); /* the pass itself takes none */
	ck_assert_int_eq(result.verdict, VERDICT_OUT);
	faults_arm(1);
	translate_apply(&context, &result, 0, count);
	ck_assert(faults_disarm());
	ck_assert_uint_eq(permits_count(context.permits), 0);
}
END_TEST

START_TEST(the_rules_of_thousands_are_told_apart)
{
	for (uint64_t id = 1; id <= 5000; id++)
		put(id, RULE_BOTH);
	for (uint64_t id = 1; id <= 5000; id++) {
		struct sample back = back_to(id);
		uint8_t data[SAMPLE_MAX], expected[SAMPLE_MAX];
		size_t len = sample_build(&back, data);

		ck_assert_int_eq(
			translate(&context, OUTSIDE, data, len, 0).verdict,
			VERDICT_IN);
		back.dst = at(0x0a000000 + (uint32_t)id, 1000, 0);
		sample_build(&back, expected);
		ck_assert_mem_eq(data, expected, len);
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		a_pass_alone_changes_nothing_but_the_packet,
		applying_it_counts_permits_and_remembers,
		a_rule_of_both_kinds_leaves_no_permits,
		a_hairpin_counts_both_rules_and_permits_both_ways,
		without_memory_packets_pass_and_leave_nothing_behind,
		the_rules_of_thousands_are_told_apart,
	};

	return SUITE_RUN("translate", tests, begin, end);
}
