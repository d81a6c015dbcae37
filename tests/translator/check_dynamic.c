/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/dynamic.c. What packets see of it: tests/path. */
#include "translator/dynamic.h"

#include <errno.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define INSIDE  0
#define OUTSIDE 1

static struct conf_range range;
static struct conf_realm realms[2];
static struct conf_pool pool;
static struct conf conf;
static struct ruleset *rules;
static struct dynamics *dynamics;
static size_t begun, ended;

static void on_change(const struct ruleset_rule *rule, bool begins, void *arg)
{
	(void)arg;
	ck_assert_uint_gt(rule->id, RULE_ID_DYNAMIC);
	ck_assert_str_eq(ruleset_rule_group(rule), DYNAMIC_GROUP);
	*(begins ? &begun : &ended) += 1;
}

static void begin(void)
{
	range = (struct conf_range){ { ip_addr_v4(0x04040400), 30 },
				     { 1000, 1999 } };
	pool = (struct conf_pool){ .realm = OUTSIDE,
				   .named = true,
				   .dynamic = true,
				   .ranges = &range,
				   .range_count = 1 };
	for (size_t i = 0; i < 2; i++)
		realms[i] = (struct conf_realm){ .dynamic_max = 100,
						 .dynamic_timer = 300 };
	conf = (struct conf){ .realms = realms,
			      .realm_count = 2,
			      .pools = &pool,
			      .pool_count = 1 };
	begun = 0;
	ended = 0;
	faults_begin();
	rules = ruleset_new(2, 1);
	ck_assert_ptr_nonnull(rules);
	dynamics = dynamics_new(&conf, rules, 7);
	ck_assert_ptr_nonnull(dynamics);
	dynamics_watch(dynamics, on_change, NULL);
}

static void end(void)
{
	dynamics_expire(dynamics, UINT64_MAX / 2);
	ck_assert_uint_eq(dynamics_count(dynamics), 0);
	ck_assert_uint_eq(ruleset_count(rules), 0);
	ck_assert_uint_eq(begun, ended);
	dynamics_free(dynamics);
	ruleset_free(rules);
	faults_end();
}

static struct dynamic_want want_of(uint32_t inner, uint16_t port)
{
	return (struct dynamic_want){
		.inner = { ip_addr_v4(inner), port, INSIDE },
		.remote = { ip_addr_v4(0x01010101), 9, OUTSIDE },
		.into = OUTSIDE,
		.protocol = RULE_UDP
	};
}

/* The outer endpoint that an inner one gets. */
static struct endpoint add(uint32_t inner, uint16_t port)
{
	struct dynamic_want want = want_of(inner, port);
	struct ruleset_query query = { .protocol = RULE_UDP,
				       .into = OUTSIDE,
				       .source = &want.inner,
				       .remote = &want.remote };
	const struct ruleset_rule *rule;
	uint16_t offset;

	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), 0);
	rule = ruleset_find_source(rules, &query, NULL, &offset, NULL);
	ck_assert_ptr_nonnull(rule);
	return rule->outer;
}

START_TEST(ports_are_scattered_and_keep_their_parity)
{
	bool seen[2000] = { false };
	unsigned neighbours = 0, before = 0;

	for (uint16_t i = 0; i < 100; i++) {
		struct endpoint outer = add(0x0a000001, (uint16_t)(5000 + i));

		ck_assert_uint_ge(outer.port, 1000);
		ck_assert_uint_lt(outer.port, 2000);
		ck_assert_uint_eq(outer.port % 2, i % 2);
		ck_assert(!seen[outer.port]);
		seen[outer.port] = true;
		neighbours += outer.port - before + 2u <= 4;
		before = outer.port;
	}
	ck_assert_uint_lt(neighbours, 20);
	ck_assert_uint_eq(dynamics_count(dynamics), 100);
}
END_TEST

START_TEST(an_inner_address_keeps_its_outer_one)
{
	bool others = false;

	for (uint32_t host = 0; host < 20; host++) {
		struct endpoint first = add(0x0a000001 + host, 5000);

		for (uint16_t i = 1; i < 10; i++) {
			struct endpoint next = add(0x0a000001 + host,
						   (uint16_t)(5000 + i));

			ck_assert(ip_addr_equal(&first.addr, &next.addr));
		}
		others = others || first.addr.bytes[3] != 0;
	}
	ck_assert(others);
}
END_TEST

START_TEST(what_is_left_is_found_and_no_more)
{
	struct dynamic_want want;
	unsigned count = 0;

	realms[INSIDE].dynamic_max = 10000;
	want = want_of(0x0a000001, 1);
	while (dynamics_add(dynamics, &want, 0) == 0) {
		want.inner.port++;
		count++;
	}
	ck_assert_uint_eq(count, 4000);
	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), -ENOSPC);
	want.protocol = RULE_TCP;
	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), 0);
}
END_TEST

START_TEST(an_inner_address_has_so_many)
{
	struct dynamic_want want = want_of(0x0a000001, 5000);

	realms[INSIDE].dynamic_max = 1;
	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), 0);
	want.inner.port++;
	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), -EDQUOT);
	want.inner.addr = ip_addr_v4(0x0a000002);
	ck_assert_int_eq(dynamics_add(dynamics, &want, 0), 0);
}
END_TEST

START_TEST(one_that_is_flooded_out_of_sessions_ends)
{
	struct dynamic_want want = want_of(0x0a000001, 1);
	uint32_t host = 0x0a000001;

	range.prefix = (struct ip_prefix){ ip_addr_v4(0x04040000), 25 };
	for (unsigned i = 0; i < PERMITS_MAX + 50; i++) {
		if (i % 100 == 0)
			host++;
		want.inner.addr = ip_addr_v4(host);
		want.inner.port = (uint16_t)(1 + i % 100);
		ck_assert_int_eq(dynamics_add(dynamics, &want, i), 0);
	}
	ck_assert_uint_eq(dynamics_count(dynamics), PERMITS_MAX);
	ck_assert_uint_eq(ruleset_count(rules), PERMITS_MAX);
	ck_assert_uint_eq(ended, 50);
}
END_TEST

START_TEST(a_synchronisation_leaves_them_alone)
{
	struct endpoint outer = add(0x0a000001, 5000);

	ruleset_sync_begin(rules);
	ck_assert_uint_eq(ruleset_sync_end(rules), 0);
	ck_assert_ptr_nonnull(ruleset_find_outer(rules, RULE_UDP, &outer));
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
	struct dynamic_want want = want_of(0x0a000001, 5000);
	struct dynamics *other = NULL;
	int rc = -ENOMEM;
	unsigned n = 0;

	dynamics_watch(dynamics, NULL, NULL); /* it asserts */
	do {
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert_uint_eq(dynamics_count(dynamics), 0);
		ck_assert_uint_eq(ruleset_count(rules), 0);
		faults_arm(++n);
		rc = dynamics_add(dynamics, &want, 0);
	} while (faults_disarm());
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_gt(n, 4);
	n = 0;
	do {
		dynamics_free(other);
		faults_arm(++n);
		other = dynamics_new(&conf, rules, 1);
	} while (faults_disarm());
	ck_assert_ptr_nonnull(other);
	dynamics_free(other);
	ck_assert_uint_gt(n, 3);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		ports_are_scattered_and_keep_their_parity,
		an_inner_address_keeps_its_outer_one,
		what_is_left_is_found_and_no_more,
		an_inner_address_has_so_many,
		one_that_is_flooded_out_of_sessions_ends,
		a_synchronisation_leaves_them_alone,
		without_memory_nothing_changes,
	};

	return SUITE_RUN("dynamic", tests, begin, end);
}
