/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of translator/explain where the text cases of tests/path do not reach:
 * other protocols, and words longer than a reason holds.
 */
#include "translator/explain.h"

#include <string.h>

#include "tests/translator/suite.h"

static char inside_name[] = "inside", outside_name[] = "outside";
static const char *const name_list[] = { inside_name, outside_name };
static const struct realm_names names = { name_list, 2 };
static struct translate_context context;
static struct realms *realms;

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

static void begin(void)
{
	struct ip_prefix network = { ip_addr_v4(0x0a000000), 8 };
	struct conf_range range = { { ip_addr_v4(0x14000000), 24 },
				    { 1, 65535 } };
	realm_id reaches = 1;
	struct conf_realm conf_realms[] = { { .id = 0,
					      .networks = &network,
					      .network_count = 1,
					      .reaches = &reaches,
					      .reach_count = 1 },
					    { .id = 1 } };
	struct conf_pool pool = { .realm = 1,
				  .ranges = &range,
				  .range_count = 1 };
	struct conf conf = { .realms = conf_realms,
			     .realm_count = 2,
			     .pools = &pool,
			     .pool_count = 1 };

	realms = realms_new(&conf);
	context.realms = realms;
	context.ruleset = ruleset_new(2, 1);
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
}

/* 10.0.0.1:1000 inside <-> 20.0.0.1:2000 outside */
static void put(const struct rule_condition *conditions, uint16_t count)
{
	struct rule rule = { .id = 1,
			     .inner = at(0x0a000001, 1000, 0),
			     .outer = at(0x14000001, 2000, 1),
			     .timer = 60,
			     .ports = 1,
			     .kind = RULE_BOTH,
			     .protocol = RULE_UDP,
			     .condition_count = count,
			     .conditions = conditions };

	memset(rule.group, 'g', sizeof(rule.group) - 1);
	ck_assert_int_eq(ruleset_put(context.ruleset, &rule, 1), 0);
}

static struct explanation told(uint8_t protocol, bool is_error,
			       struct endpoint src, struct endpoint dst)
{
	struct explain_packet packet = { protocol, is_error, src, dst };
	struct explanation ret;

	explain(&context, &names, &packet, 1000, &ret);
	ck_assert_uint_gt(strlen(ret.reason), 0);
	ck_assert_uint_lt(strlen(ret.reason), EXPLAIN_REASON_MAX);
	return ret;
}

START_TEST(an_icmp_error_goes_as_an_answer_would)
{
	struct explanation in, out;

	put(NULL, 0);
	in = told(17, true, at(0x01010101, 9, 1), at(0x14000001, 2000, 1));
	ck_assert_int_eq(in.verdict, VERDICT_ICMP_ERROR);
	ck_assert_uint_eq(in.path.dst.realm, 0);
	ck_assert_uint_eq(in.path.dst.port, 1000);
	out = told(17, true, at(0x0a000001, 1000, 0), at(0x01010101, 9, 0));
	ck_assert_int_eq(out.verdict, VERDICT_ICMP_ERROR);
	ck_assert_uint_eq(out.path.src.port, 2000);
}
END_TEST

START_TEST(an_icmp_error_about_what_no_rule_let_through_is_discarded)
{
	struct explanation of;

	of = told(17, true, at(0x01010101, 9, 1), at(0x14000001, 2000, 1));
	ck_assert_int_eq(of.verdict, VERDICT_ICMP_NO_RULE);
	ck_assert_ptr_nonnull(strstr(of.reason, "no rule for 20.0.0.1:2000"));
}
END_TEST

START_TEST(a_protocol_that_is_not_translated)
{
	ck_assert_int_eq(told(132, false, at(0x01010101, 9, 1),
			      at(0x14000001, 2000, 1))
				 .verdict,
			 VERDICT_PROTOCOL);
}
END_TEST

START_TEST(an_echo_passes_by_a_mapping_only)
{
	struct explanation of;

	put(NULL, 0);
	of = told(1, false, at(0x0a000001, 77, 0), at(0x01010101, 0, 0));
	ck_assert_int_eq(of.verdict, VERDICT_NO_SOURCE);
	ck_assert(!of.begins_mapping);
}
END_TEST

START_TEST(the_condition_that_decided_is_told)
{
	struct rule_condition conditions[] = {
		{ .source = { ip_addr_v4(0x01010101), 32 },
		  .ports = { 1, 65535 },
		  .discard = true },
		{ .source = { ip_addr_v4(0x01010000), 16 },
		  .ports = { 1, 65535 } },
	};
	struct explanation of;

	put(conditions, 2);
	of = told(17, false, at(0x01010102, 9, 1), at(0x14000001, 2000, 1));
	ck_assert_int_eq(of.verdict, VERDICT_IN);
	ck_assert_uint_eq(of.conditions[0]->source.bits, 16);
	ck_assert_ptr_null(of.refusing);
	of = told(17, false, at(0x01010101, 9, 1), at(0x14000001, 2000, 1));
	ck_assert_int_eq(of.verdict, VERDICT_CONDITION);
	ck_assert_uint_eq(of.refusing->source.bits, 32);
	of = told(17, false, at(0x02020202, 9, 1), at(0x14000001, 2000, 1));
	ck_assert_int_eq(of.verdict, VERDICT_CONDITION);
	ck_assert_ptr_null(of.refusing);
	ck_assert_uint_eq(of.path.refused->id, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_icmp_error_goes_as_an_answer_would,
		an_icmp_error_about_what_no_rule_let_through_is_discarded,
		a_protocol_that_is_not_translated,
		an_echo_passes_by_a_mapping_only,
		the_condition_that_decided_is_told,
	};

	return SUITE_RUN("explain", tests, begin, end);
}
