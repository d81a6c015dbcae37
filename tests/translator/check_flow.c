/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/flow.c: which flows the kernel may have. */
#include "translator/flow.h"

#include <string.h>

#include "tests/translator/suite.h"

/* Inside 10/8 reaches outside, the default; outside owns 20.0.0.0/24. */
enum { INSIDE, OUTSIDE, REALMS };

static struct ruleset *ruleset;
static struct realms *realms;
static struct permits *permits;
static struct resolve_view view;

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

	realms = realms_new(&conf);
	ruleset = ruleset_new(REALMS, 1);
	permits = permits_new(2);
	ck_assert(realms && ruleset && permits);
	view = (struct resolve_view){ .ruleset = ruleset,
				      .realms = realms,
				      .permits = permits,
				      .protocol = RULE_UDP,
				      .now_ms = 1 };
}

static void end(void)
{
	permits_free(permits);
	ruleset_free(ruleset);
	realms_free(realms);
}

/* 10.0.0.n:1000 inside <-> 20.0.0.n:2000 outside, two ports */
static struct rule rule_of(uint64_t id)
{
	return (struct rule){
		.id = id,
		.inner = at(0x0a000000 + (uint32_t)id, 1000, INSIDE),
		.outer = at(0x14000000 + (uint32_t)id, 2000, OUTSIDE),
		.timer = 60,
		.ports = 2,
		.protocol = RULE_UDP
	};
}

static void put(const struct rule *rule)
{
	ck_assert_int_eq(ruleset_put(ruleset, rule, 1), 0);
}

static enum flow_verdict settle(struct endpoint src, struct endpoint dst,
				struct flow *ret)
{
	dst.realm = src.realm;
	return flow_settle(&view, &src, &dst, ret);
}

static void expect(const struct endpoint *seen, struct endpoint wanted)
{
	ck_assert(endpoint_equal(seen, &wanted));
}

static const uint32_t far = 0x01010101;

START_TEST(a_flow_is_settled_from_whichever_side_it_starts)
{
	struct rule rule = rule_of(1);
	struct flow in, out;

	put(&rule);
	ck_assert_int_eq(settle(at(far, 9, OUTSIDE), at(0x14000001, 2001, 0),
				&in),
			 FLOW_SETTLED);
	expect(&in.back.src, at(0x0a000001, 1001, INSIDE));
	expect(&in.back.dst, at(far, 9, INSIDE));
	ck_assert_uint_eq(in.there.step_count, 1);
	ck_assert(!in.there.steps[0].source);
	ck_assert_uint_eq(in.back.step_count, 1);
	ck_assert(in.back.steps[0].source);
	ck_assert_int_eq(settle(in.back.src, in.back.dst, &out), FLOW_SETTLED);
	expect(&out.back.src, in.there.src);
	expect(&out.back.dst, in.there.dst);
	ck_assert(flow_equal(&in, &in));
	ck_assert(!flow_equal(&in, &out));
}
END_TEST

START_TEST(a_hairpin_is_settled)
{
	struct rule one = rule_of(1), two = rule_of(2);
	struct flow flow;

	put(&one);
	put(&two);
	ck_assert_int_eq(settle(one.inner, two.outer, &flow), FLOW_SETTLED);
	expect(&flow.back.src, two.inner);
	expect(&flow.back.dst, at(0x14000001, 2000, INSIDE));
	ck_assert_uint_eq(flow.there.step_count, 2);
	ck_assert_uint_eq(flow.back.step_count, 2);
}
END_TEST

START_TEST(to_oneself_is_not)
{
	struct rule one = rule_of(1);
	struct flow flow;

	put(&one);
	ck_assert_int_eq(settle(one.inner, one.outer, &flow), FLOW_INTRICATE);
}
END_TEST

START_TEST(kinds_that_look_at_who_spoke_first_are_not)
{
	struct rule rule = rule_of(1);
	struct flow flow;

	rule.kind = RULE_ORIGINATING;
	put(&rule);
	ck_assert_int_eq(settle(rule.inner, at(far, 9, 0), &flow),
			 FLOW_ONE_WAY);
	rule.kind = RULE_TERMINATING;
	put(&rule);
	ck_assert_int_eq(settle(at(far, 9, OUTSIDE), rule.outer, &flow),
			 FLOW_ONE_WAY);
}
END_TEST

START_TEST(an_answer_that_would_come_from_elsewhere_is_not)
{
	struct rule one = rule_of(1), two = rule_of(2);
	struct flow flow;

	two.inner = one.inner;
	put(&one);
	put(&two);
	/* Without a remote the lower id gives the source. */
	ck_assert_int_eq(settle(at(far, 9, OUTSIDE), two.outer, &flow),
			 FLOW_ASKEW);
	ck_assert_int_eq(settle(at(far, 9, OUTSIDE), one.outer, &flow),
			 FLOW_SETTLED);
}
END_TEST

START_TEST(a_source_that_is_kept_is_not)
{
	struct rule rule = rule_of(1);
	struct flow flow;

	rule.keep_source = true;
	put(&rule);
	ck_assert_int_eq(settle(at(far, 9, OUTSIDE), rule.outer, &flow),
			 FLOW_INTRICATE);
}
END_TEST

START_TEST(what_conditions_refuse_on_the_way_back_is_not)
{
	struct rule_condition only = { .source = { ip_addr_v4(far), 32 },
				       .ports = { 1, 65535 } };
	struct rule rule = rule_of(1);
	struct flow flow;

	rule.conditions = &only;
	rule.condition_count = 1;
	put(&rule);
	ck_assert_int_eq(settle(rule.inner, at(far, 9, 0), &flow),
			 FLOW_SETTLED);
	ck_assert_int_eq(settle(rule.inner, at(far + 1, 9, 0), &flow),
			 FLOW_DISCARDED);
}
END_TEST

START_TEST(what_no_rule_translates_is_not)
{
	struct flow flow;

	ck_assert_int_eq(settle(at(0x0a000009, 1, INSIDE), at(far, 9, 0),
				&flow),
			 FLOW_DISCARDED);
}
END_TEST

START_TEST(each_verdict_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < FLOW_VERDICT_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(
				flow_verdict_name((enum flow_verdict)i),
				flow_verdict_name((enum flow_verdict)k));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_flow_is_settled_from_whichever_side_it_starts,
		a_hairpin_is_settled,
		to_oneself_is_not,
		kinds_that_look_at_who_spoke_first_are_not,
		an_answer_that_would_come_from_elsewhere_is_not,
		a_source_that_is_kept_is_not,
		what_conditions_refuse_on_the_way_back_is_not,
		what_no_rule_translates_is_not,
		each_verdict_has_a_name_of_its_own,
	};

	return SUITE_RUN("flow", tests, begin, end);
}
