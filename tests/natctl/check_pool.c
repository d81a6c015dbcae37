/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/pool. */
#include "natctl/pool.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define OWNER 1000
#define RUNS  2048 /* that a test has at most */

static struct conf *conf;
static struct pool_set *set;
static struct pool_run *runs[RUNS];
static size_t run_count;

static void make(const char *text, uint64_t seed)
{
	conf = sample_conf(text);
	set = pool_set_new(conf, seed);
	ck_assert_ptr_nonnull(set);
}

static void begin(void)
{
	run_count = 0;
	make(SAMPLE_INSIDE SAMPLE_OUTSIDE(
		     "\"3.3.3.0/30:1000-1999\"") "pool billing { realm = outside"
						 " endpoints = {\"20.20.20.16/28:2000-2009\"} }\n",
	     1);
}

static void give_all(void)
{
	while (run_count > 0)
		pool_give(set, runs[--run_count], false, 0);
}

/* Every test ends with an account of nothing. */
static void end(void)
{
	give_all();
	pool_expire(set, UINT64_MAX - 1);
	sample_expect_pools(set, 0, 0);
	ck_assert_uint_eq(pool_deadline(set), UINT64_MAX);
	pool_set_free(set);
	conf_free(conf);
}

static void remake(const char *text, uint64_t seed)
{
	end();
	make(text, seed);
}

static struct pool_want want_of(const char *inner, unsigned ports)
{
	struct pool_want want = { .inner = sample_endpoint(conf, inner),
				  .ports = (uint16_t)ports,
				  .owner = OWNER };

	want.realm = realm_find(&conf->names, "outside");
	return want;
}

static struct pool_want wish_of(const char *prefix, unsigned first,
				unsigned last, bool strict)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 1);

	want.wish.prefix = sample_prefix(prefix);
	want.wish.ports.first = (uint16_t)first;
	want.wish.ports.last = (uint16_t)last;
	want.wish.strict = strict;
	return want;
}

/* 0 with a run that end() gives back, or why not. */
static int take(const struct pool_want *want, struct endpoint *ret,
		bool *ret_preferred)
{
	bool preferred;
	int rc;

	ck_assert_uint_lt(run_count, RUNS);
	rc = pool_take(set, want, &runs[run_count], &preferred);
	if (rc != 0)
		return rc;
	*ret = *pool_run_outer(runs[run_count++]);
	if (ret_preferred != NULL)
		*ret_preferred = preferred;
	return 0;
}

static void expect(const struct pool_want *want, const char *outer)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT];
	bool preferred = false;

	ck_assert_int_eq(take(want, &endpoint, &preferred), 0);
	ck_assert_str_eq(endpoint_format(&endpoint, &conf->names, text), outer);
	ck_assert(preferred);
}

static void refuse(const struct pool_want *want, int error)
{
	struct endpoint endpoint;

	ck_assert_int_eq(take(want, &endpoint, NULL), error);
}

START_TEST(pool_gives_each_port_once_and_then_none)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 2);
	bool seen[4][2000] = { 0 };
	struct endpoint got;

	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		for (unsigned k = 0; k < 2; k++) {
			ck_assert(!seen[got.addr.bytes[3]][got.port + k]);
			seen[got.addr.bytes[3]][got.port + k] = true;
		}
	}
	sample_expect_pools(set, 4000, 0);
	refuse(&want, -ENOSPC);
	want.ports = 1;
	refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(the_base_keeps_the_parity_of_the_inner_port)
{
	struct pool_want even = want_of("2.2.2.2:2222@inside", 2);
	struct pool_want odd = want_of("2.2.2.3:2223@inside", 2);
	struct endpoint got;

	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(take(&even, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, 0);
		ck_assert_int_eq(take(&odd, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, 1);
	}
}
END_TEST

START_TEST(a_single_port_changes_parity_only_when_no_other_is_left)
{
	struct pool_want want = wish_of("20.20.20.20", 0, 0, true);
	struct endpoint got;

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, i < 5 ? 0 : 1);
	}
	refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(a_pair_is_never_put_on_ports_of_the_other_parity)
{
	struct pool_want single = wish_of("20.20.20.20", 2002, 2002, true);
	struct pool_want pair = wish_of("20.20.20.20", 2001, 2005, true);
	struct endpoint got;

	expect(&single, "20.20.20.20:2002@outside");
	pair.ports = 2;
	ck_assert_int_eq(take(&pair, &got, NULL), 0);
	ck_assert_uint_eq(got.port, 2004);
	refuse(&pair, -EADDRINUSE);
}
END_TEST

START_TEST(an_inner_address_keeps_its_outer_address)
{
	struct endpoint first[16];
	struct endpoint got;
	bool differ = false;

	for (unsigned host = 0; host < 16; host++) {
		struct pool_want want = want_of("2.2.2.2:2222@inside", 2);

		want.inner.addr.bytes[3] = (uint8_t)host;
		ck_assert_int_eq(take(&want, &first[host], NULL), 0);
		for (int i = 0; i < 50; i++) {
			want.inner.port += 2;
			ck_assert_int_eq(take(&want, &got, NULL), 0);
			ck_assert(ip_addr_equal(&got.addr, &first[host].addr));
		}
		differ |= !ip_addr_equal(&first[host].addr, &first[0].addr);
	}
	ck_assert(differ);
}
END_TEST

START_TEST(the_same_address_in_another_realm_is_another_one)
{
	struct pool_want here = want_of("2.2.2.2:2222@inside", 2);
	struct pool_want there = want_of("2.2.2.2:2222@other", 2);
	struct endpoint a, b;
	bool differ = false;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(take(&here, &a, NULL), 0);
		ck_assert_int_eq(take(&there, &b, NULL), 0);
		differ |= !ip_addr_equal(&a.addr, &b.addr);
		give_all();
	}
	ck_assert(differ);
}
END_TEST

START_TEST(an_inner_address_moves_on_when_its_outer_one_is_full)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 2);
	unsigned used[4] = { 0 };
	unsigned addresses = 0;
	struct endpoint got;

	for (unsigned i = 0; i < 2000; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		addresses += used[got.addr.bytes[3]]++ == 0;
		ck_assert_uint_eq(addresses, 1 + i / 500);
	}
	refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(an_exact_endpoint_is_given_whatever_its_parity)
{
	struct pool_want want = wish_of("3.3.3.3", 1333, 1333, true);

	want.ports = 2;
	expect(&want, "3.3.3.3:1333@outside");
	refuse(&want, -EADDRINUSE);
	want.wish.ports.first = want.wish.ports.last = 1334;
	refuse(&want, -EADDRINUSE);
	want.wish.ports.first = want.wish.ports.last = 1335;
	expect(&want, "3.3.3.3:1335@outside");
}
END_TEST

START_TEST(what_is_in_no_pool_is_not_available)
{
	struct pool_want want = wish_of("3.3.3.4", 1333, 1333, true);

	refuse(&want, -EADDRNOTAVAIL);
	want = wish_of("3.3.3.3", 999, 999, true);
	refuse(&want, -EADDRNOTAVAIL);
	want = wish_of("3.3.3.3", 1999, 1999, true);
	want.ports = 2;
	refuse(&want, -EADDRNOTAVAIL);
	want = wish_of("3.3.3.3", 0, 0, true);
	want.realm = realm_find(&conf->names, "inside");
	refuse(&want, -EADDRNOTAVAIL);
	want = wish_of("2001:db8::1", 0, 0, true);
	refuse(&want, -EADDRNOTAVAIL);
}
END_TEST

START_TEST(a_preference_that_cannot_be_met_gives_another_endpoint)
{
	struct pool_want want = wish_of("3.3.3.3", 1332, 1332, false);
	struct endpoint got;
	bool preferred = true;

	expect(&want, "3.3.3.3:1332@outside");
	ck_assert_int_eq(take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
	ck_assert_uint_ne(got.port, 1332);
	want = wish_of("9.9.9.9", 1332, 1332, false);
	ck_assert_int_eq(take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
}
END_TEST

START_TEST(a_range_is_kept_to)
{
	struct pool_want want = wish_of("20.20.20.16/30", 2004, 2007, true);
	struct endpoint got;

	want.ports = 2;
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		ck_assert(ip_prefix_contains(&want.wish.prefix, &got.addr));
		ck_assert_uint_ge(got.port, 2004);
		ck_assert_uint_le(got.port, 2006);
	}
	refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(one_port_of_any_address_in_a_prefix_can_be_asked_for)
{
	struct pool_want want = wish_of("3.3.3.0/30", 1501, 1501, true);
	struct endpoint got;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.port, 1501);
	}
	refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(a_named_pool_is_used_on_request_only)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 64);
	struct ip_prefix billing = sample_prefix("20.20.20.16/28");
	struct endpoint got;
	bool preferred = false;

	while (take(&want, &got, NULL) == 0)
		ck_assert(!ip_prefix_contains(&billing, &got.addr));
	want.ports = 10;
	want.wish.name = "billing";
	want.wish.strict = true;
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(take(&want, &got, &preferred), 0);
		ck_assert(ip_prefix_contains(&billing, &got.addr));
		ck_assert(preferred);
	}
	refuse(&want, -ENOSPC);
	want.wish.name = "no such pool";
	refuse(&want, -ENOENT);
	want.wish.strict = false;
	refuse(&want, -ENOENT);
}
END_TEST

START_TEST(a_pool_can_be_preferred)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 20);
	struct endpoint got;
	bool preferred = true;

	want.wish.name = "billing"; /* has no run of twenty */
	ck_assert_int_eq(take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
	want.wish.strict = true;
	refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(a_client_is_kept_within_its_ranges)
{
	struct conf_range ranges[2] = {
		{ sample_prefix("3.3.3.2"), { 1100, 1109 } },
		{ sample_prefix("8.0.0.0/8"), { 1, 65535 } },
	};
	struct pool_want want = want_of("2.2.2.2:2222@inside", 1);
	struct endpoint got;

	want.within = ranges;
	want.within_count = 2;
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.bytes[3], 2);
		ck_assert(port_range_contains(ranges[0].ports, got.port));
	}
	refuse(&want, -ENOSPC);
	want.wish.prefix = sample_prefix("3.3.3.3");
	refuse(&want, -EPERM);
	want.wish.prefix = sample_prefix("3.3.3.2");
	want.wish.ports.first = want.wish.ports.last = 1110;
	refuse(&want, -EPERM);
}
END_TEST

START_TEST(what_is_given_back_is_held_for_others_but_not_for_its_owner)
{
	struct pool_want mine = wish_of("3.3.3.3", 1332, 1332, true);
	struct pool_want other = wish_of("3.3.3.3", 1333, 1333, true);

	mine.ports = 2;
	other.owner = OWNER + 1;
	expect(&mine, "3.3.3.3:1332@outside");
	pool_give(set, runs[--run_count], true, 5000);
	sample_expect_pools(set, 0, 2);
	ck_assert_uint_eq(pool_deadline(set), 65000);
	refuse(&other, -EADDRINUSE);
	expect(&mine, "3.3.3.3:1332@outside");
	sample_expect_pools(set, 2, 0);
	pool_give(set, runs[--run_count], true, 6000);
	pool_expire(set, 65999);
	sample_expect_pools(set, 0, 2);
	refuse(&other, -EADDRINUSE);
	pool_expire(set, 66000);
	sample_expect_pools(set, 0, 0);
	expect(&other, "3.3.3.3:1333@outside");
}
END_TEST

START_TEST(a_part_of_what_is_held_is_given_to_its_owner)
{
	struct pool_want mine = wish_of("3.3.3.3", 1332, 1332, true);
	struct pool_want part = wish_of("3.3.3.3", 1334, 1334, true);

	mine.ports = 4;
	part.ports = 4; /* two of them held, two free */
	expect(&mine, "3.3.3.3:1332@outside");
	pool_give(set, runs[--run_count], true, 0);
	expect(&part, "3.3.3.3:1334@outside");
	sample_expect_pools(set, 4, 2);
	refuse(&mine, -EADDRINUSE);
	pool_give(set, runs[--run_count], true, 1000);
	sample_expect_pools(set, 0, 6);
	pool_expire(set, 60000);
	sample_expect_pools(set, 0, 4);
	expect(&mine, "3.3.3.3:1332@outside");
	sample_expect_pools(set, 4, 2);
}
END_TEST

START_TEST(what_was_held_before_an_undone_ask_is_held_again)
{
	struct pool_want mine = wish_of("3.3.3.3", 1332, 1332, true);

	expect(&mine, "3.3.3.3:1332@outside");
	pool_give(set, runs[--run_count], false, 0);
	sample_expect_pools(set, 0, 0);
	expect(&mine, "3.3.3.3:1332@outside");
	pool_give(set, runs[--run_count], true, 0);
	expect(&mine, "3.3.3.3:1332@outside");
	pool_give(set, runs[--run_count], false, 10);
	sample_expect_pools(set, 0, 1);
}
END_TEST

START_TEST(a_free_choice_never_takes_what_is_held)
{
	struct pool_want all = wish_of("20.20.20.16", 2000, 2000, true);
	struct pool_want any = wish_of("20.20.20.16", 0, 0, true);

	all.ports = 10;
	expect(&all, "20.20.20.16:2000@outside");
	pool_give(set, runs[--run_count], true, 0);
	refuse(&any, -EADDRINUSE);
}
END_TEST

START_TEST(a_seed_decides_and_another_decides_otherwise)
{
	struct endpoint first[32];
	struct endpoint got;
	unsigned same = 0;

	for (unsigned round = 0; round < 3; round++) {
		struct pool_want want;

		remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.0.0/16:1000-1999\""),
		       round == 2 ? 8 : 7);
		want = want_of("2.2.2.2:2222@inside", 2);
		for (unsigned i = 0; i < 32; i++) {
			ck_assert_int_eq(take(&want, &got, NULL), 0);
			if (round == 0)
				first[i] = got;
			else if (round == 1)
				ck_assert(endpoint_equal(&got, &first[i]));
			else
				same += endpoint_equal(&got, &first[i]);
		}
	}
	ck_assert_uint_lt(same, 4);
}
END_TEST

START_TEST(free_ports_are_scattered)
{
	struct pool_want want = want_of("2.2.2.2:2222@inside", 2);
	struct endpoint got;
	bool eighths[8] = { 0 };

	for (unsigned i = 0; i < 64; i++) {
		ck_assert_int_eq(take(&want, &got, NULL), 0);
		eighths[(got.port - 1000) / 125] = true;
	}
	for (unsigned i = 0; i < 8; i++)
		ck_assert(eighths[i]);
}
END_TEST

START_TEST(one_address_serves_more_than_60000_rules)
{
	struct pool_run **many = calloc(64512, sizeof(struct pool_run *));
	struct pool_want want;
	bool preferred;

	remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"4.4.4.4/32:1024-65535\""), 1);
	want = want_of("2.2.2.2:2222@inside", 1);
	for (unsigned i = 0; i < 64512; i++) {
		want.inner.port = (uint16_t)(1024 + i);
		ck_assert_int_eq(pool_take(set, &want, &many[i], &preferred),
				 0);
	}
	refuse(&want, -ENOSPC);
	for (unsigned i = 0; i < 64512; i++)
		pool_give(set, many[i], false, 0);
	free(many);
}
END_TEST

START_TEST(a_large_pool_costs_no_memory_before_its_use)
{
	struct pool_want want;
	struct endpoint got;
	size_t before;

	end();
	before = mallinfo2().uordblks;
	make(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.0.0.0/8:1024-65535\""), 1);
	ck_assert_uint_lt(mallinfo2().uordblks - before, 64 * 1024);
	want = want_of("2.2.2.2:2222@inside", 2);
	ck_assert_int_eq(take(&want, &got, NULL), 0);
	ck_assert_uint_lt(mallinfo2().uordblks - before, 128 * 1024);
}
END_TEST

START_TEST(ipv6_endpoints_are_given_to_ipv6_endpoints)
{
	struct pool_want v6 = want_of("2.2.2.2:2222@inside", 2);
	struct pool_want v4 = want_of("2.2.2.2:2222@inside", 2);
	struct endpoint got;

	remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.3.0/30:1000-1999\","
					    " \"4.4.4.4/32:1000-1999\""),
	       1);
	/* The configuration has no IPv6 pools: the second becomes one. */
	conf->pools[0].ranges[1].prefix = sample_prefix("2001:db8::/64");
	v6.inner.addr = sample_prefix("fd00::2").addr;
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(take(&v6, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.family, IP_V6);
		ck_assert_int_eq(take(&v4, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.family, IP_V4);
	}
}
END_TEST

START_TEST(the_account_closes_whatever_is_taken_and_given)
{
	uint64_t now_ms = 0;

	srandom(3);
	for (int round = 0; round < 20000; round++) {
		struct pool_want want = want_of("2.2.2.2:2222@inside", 1);
		struct endpoint got;

		now_ms += (uint64_t)random() % 200;
		pool_expire(set, now_ms);
		want.owner += (uint32_t)random() % 2;
		want.inner.port += (uint16_t)(random() % 2);
		want.inner.addr.bytes[3] = (uint8_t)random();
		want.ports = (uint16_t)(1 + random() % 8);
		if (random() % 2 == 0) {
			want.wish.prefix = sample_prefix("20.20.20.16/31");
			want.wish.strict = random() % 2 == 0;
			want.wish.ports.first = want.wish.ports.last =
				(uint16_t)(2000 + random() % 10);
			if (random() % 2 == 0)
				want.wish.prefix = sample_prefix("20.20.20.17");
		}
		if (run_count < 500 && random() % 2 == 0) {
			(void)take(&want, &got, NULL);
		} else if (run_count > 0) {
			size_t i = (size_t)random() % run_count;

			pool_give(set, runs[i], random() % 4 != 0, now_ms);
			runs[i] = runs[--run_count];
		}
	}
	give_all();
	pool_expire(set, now_ms + 60000);
	sample_expect_pools(set, 0, 0);
}
END_TEST

START_TEST(a_lack_of_memory_changes_nothing)
{
	struct pool_want want = wish_of("3.3.3.3", 1332, 1332, true);
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct pool_run *run;
		bool preferred;
		int rc;

		faults_arm(n);
		rc = pool_take(set, &want, &run, &preferred);
		failed = faults_disarm();
		ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
		sample_expect_pools(set, failed ? 0 : 1, 0);
		if (rc == 0)
			pool_give(set, run, false, 0);
		ck_assert_uint_lt(n, 20);
	}
	failed = true;
	for (unsigned n = 1; failed; n++) {
		struct pool_set *another;

		faults_arm(n);
		another = pool_set_new(conf, 1);
		failed = faults_disarm();
		ck_assert(failed == (another == NULL));
		pool_set_free(another);
		ck_assert_uint_lt(n, 20);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pool_gives_each_port_once_and_then_none,
		the_base_keeps_the_parity_of_the_inner_port,
		a_single_port_changes_parity_only_when_no_other_is_left,
		a_pair_is_never_put_on_ports_of_the_other_parity,
		an_inner_address_keeps_its_outer_address,
		the_same_address_in_another_realm_is_another_one,
		an_inner_address_moves_on_when_its_outer_one_is_full,
		an_exact_endpoint_is_given_whatever_its_parity,
		what_is_in_no_pool_is_not_available,
		a_preference_that_cannot_be_met_gives_another_endpoint,
		a_range_is_kept_to,
		one_port_of_any_address_in_a_prefix_can_be_asked_for,
		a_named_pool_is_used_on_request_only,
		a_pool_can_be_preferred,
		a_client_is_kept_within_its_ranges,
		what_is_given_back_is_held_for_others_but_not_for_its_owner,
		a_part_of_what_is_held_is_given_to_its_owner,
		what_was_held_before_an_undone_ask_is_held_again,
		a_free_choice_never_takes_what_is_held,
		a_seed_decides_and_another_decides_otherwise,
		free_ports_are_scattered,
		one_address_serves_more_than_60000_rules,
		a_large_pool_costs_no_memory_before_its_use,
		ipv6_endpoints_are_given_to_ipv6_endpoints,
		the_account_closes_whatever_is_taken_and_given,
		a_lack_of_memory_changes_nothing,
	};

	return SUITE_RUN("pool", tests, begin, end);
}
