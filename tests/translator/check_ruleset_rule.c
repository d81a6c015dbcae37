/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/ruleset_rule.c, by way of a ruleset. */
#include "translator/ruleset_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

static struct ruleset *set; /* of the test */

static void begin(void)
{
	faults_begin();
	set = ruleset_new(3, 42);
	ck_assert_ptr_nonnull(set);
}

static void end(void)
{
	ruleset_free(set);
	faults_end();
}

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

/* 10.0.0.n:1000 in realm 0 <-> 20.0.0.n:2000 in realm 1 */
static struct rule make(uint64_t id, uint32_t n)
{
	return (struct rule){ .id = id,
			      .group = "call-1",
			      .inner = at(0x0a000000 + n, 1000, 0),
			      .outer = at(0x14000000 + n, 2000, 1),
			      .timer = 60,
			      .ports = 2,
			      .protocol = RULE_UDP };
}

static int put(const struct rule *rule)
{
	return ruleset_put(set, rule, 1);
}

static uint64_t source_id(const struct endpoint *source,
			  const struct endpoint *remote, uint16_t *ret_offset)
{
	struct ruleset_query query = { RULE_UDP, 1, source, remote, NULL };
	const struct ruleset_rule *rule = ruleset_find_source(set, &query, NULL,
							      ret_offset, NULL);

	return rule ? rule->id : 0;
}

START_TEST(a_rule_comes_back_as_it_was_put)
{
	struct rule_condition conditions[2] = {
		{ .source = { ip_addr_v4(0x01010101), 32 },
		  .ports = { 1, 65535 },
		  .target = at(0x0a000009, 9000, 0) },
		{ .source = { ip_addr_v4(0), 0 },
		  .ports = { 1, 65535 },
		  .discard = true },
	};
	struct rule rule = make(7, 1), back;

	rule.remote = (struct rule_remote){ { ip_addr_v4(0x01000000), 8 }, 9 };
	rule.kind = RULE_TERMINATING;
	rule.keep_source = true;
	rule.condition_count = 2;
	rule.conditions = conditions;
	ck_assert_int_eq(put(&rule), 0);
	ruleset_rule_copy(ruleset_find(set, 7), &back);
	ck_assert_mem_eq(back.conditions, conditions, sizeof(conditions));
	back.conditions = rule.conditions;
	ck_assert_str_eq(back.group, "call-1");
	ck_assert(endpoint_equal(&back.inner, &rule.inner));
	ck_assert(endpoint_equal(&back.outer, &rule.outer));
	ck_assert(ip_prefix_equal(&back.remote.prefix, &rule.remote.prefix));
	ck_assert_uint_eq(back.remote.port, 9);
	ck_assert_uint_eq(back.timer, 60);
	ck_assert_uint_eq(back.ports, 2);
	ck_assert_uint_eq(back.kind, RULE_TERMINATING);
	ck_assert_uint_eq(back.protocol, RULE_UDP);
	ck_assert(back.keep_source);
}
END_TEST

START_TEST(a_target_of_a_condition_is_an_inner_endpoint_towards_its_source)
{
	struct rule_condition conditions[3] = {
		{ .source = { ip_addr_v4(0x01010101), 32 },
		  .ports = { 1, 65535 },
		  .target = at(0x0a000009, 9000, 0) },
		{ .source = { ip_addr_v4(0x01010102), 32 },
		  .ports = { 1, 65535 },
		  .target = at(0x0a000009, 9000, 0) },
		{ .source = { ip_addr_v4(0), 0 }, .ports = { 1, 65535 } },
	};
	struct rule rule = make(7, 1);
	struct endpoint source = at(0x0a000009, 9001, 0), target;
	struct endpoint remote = at(0x01010102, 9, 1);
	struct endpoint other = at(0x01010103, 9, 1);
	uint16_t offset;

	rule.condition_count = 3;
	rule.conditions = conditions;
	ck_assert_int_eq(put(&rule), 0);
	ck_assert_uint_eq(ruleset_find(set, 7)->terms->target_count, 1);
	ck_assert_uint_eq(source_id(&source, &remote, &offset), 7);
	ck_assert_uint_eq(offset, 1);
	ck_assert_uint_eq(source_id(&source, &other, &offset), 0);
	ck_assert(
		ruleset_rule_target(ruleset_find(set, 7), &remote, 1, &target));
	ck_assert(endpoint_equal(&target, &source));
	ck_assert(
		ruleset_rule_target(ruleset_find(set, 7), &other, 1, &target));
	ck_assert_uint_eq(target.port, 1001);
}
END_TEST

START_TEST(a_rule_that_cannot_be_is_refused)
{
	struct rule_condition conditions[2] = {
		{ .source = { ip_addr_v4(0), 0 }, .ports = { 1, 65535 } },
		{ .source = { ip_addr_v4(0x01010101), 32 },
		  .ports = { 1, 65535 } },
	};
	struct rule bad[14];

	for (size_t i = 0; i < 14; i++)
		bad[i] = make(1, 1);
	bad[0].id = 0;
	bad[1].ports = 0;
	bad[2].ports = RULE_PORTS_MAX + 1;
	bad[3].outer.port = 65535;
	bad[4].inner.port = 65535;
	bad[5].inner.port = 0;
	bad[6].inner.realm = 3;
	bad[7].outer.realm = REALM_NONE;
	bad[8].kind = 3;
	bad[9].protocol = 2;
	bad[10].inner.addr.family = IP_V6;
	bad[10].keep_source = true;
	bad[11].condition_count = 2; /* not sorted */
	bad[11].conditions = conditions;
	bad[12].remote.prefix = (struct ip_prefix){ { .family = IP_V6 }, 0 };
	bad[13].condition_count = RULE_CONDITIONS_MAX + 1;
	for (size_t i = 0; i < 14; i++)
		ck_assert_msg(put(&bad[i]) == -EINVAL, "rule %zu is taken", i);
	conditions[0].source = (struct ip_prefix){ ip_addr_v4(0x02020202), 32 };
	conditions[1].source = (struct ip_prefix){ ip_addr_v4(0), 0 };
	ck_assert_int_eq(put(&bad[11]), 0);
	conditions[1].target = at(0x0a000009, 65535, 0);
	ck_assert_int_eq(put(&bad[11]), -EINVAL);
	conditions[1].target.port = 9000;
	conditions[1].discard = true;
	ck_assert_int_eq(put(&bad[11]), -EINVAL);
	conditions[1] = conditions[0];
	conditions[1].source.addr.family = IP_V6;
	ck_assert_int_eq(put(&bad[11]), -EINVAL);
	ck_assert_uint_eq(ruleset_count(set), 1);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		a_rule_comes_back_as_it_was_put,
		a_target_of_a_condition_is_an_inner_endpoint_towards_its_source,
		a_rule_that_cannot_be_is_refused,
	};

	return SUITE_RUN("ruleset_rule", tests, begin, end);
}
