/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/pool. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "natctl/candidate.h"
#include "tests/natctl/basin.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

START_TEST(pool_gives_each_port_once_and_then_none)
{
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 2);
	bool seen[4][2000] = { 0 };
	struct endpoint got;

	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		for (unsigned k = 0; k < 2; k++) {
			ck_assert(!seen[got.addr.bytes[3]][got.port + k]);
			seen[got.addr.bytes[3]][got.port + k] = true;
		}
	}
	sample_expect_pools(basin.set, 4000, 0);
	basin_refuse(&want, -ENOSPC);
	want.ports = 1;
	basin_refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(the_base_keeps_the_parity_of_the_inner_port)
{
	struct pool_want even = basin_want_of("2.2.2.2:2222@inside", 2);
	struct pool_want odd = basin_want_of("2.2.2.3:2223@inside", 2);
	struct endpoint got;

	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(basin_take(&even, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, 0);
		ck_assert_int_eq(basin_take(&odd, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, 1);
	}
}
END_TEST

START_TEST(a_single_port_changes_parity_only_when_no_other_is_left)
{
	struct pool_want want = basin_wish_of("20.20.20.20", 0, 0, true);
	struct endpoint got;

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.port % 2, i < 5 ? 0 : 1);
	}
	basin_refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(a_pair_is_never_put_on_ports_of_the_other_parity)
{
	struct pool_want single = basin_wish_of("20.20.20.20", 2002, 2002,
						true);
	struct pool_want pair = basin_wish_of("20.20.20.20", 2001, 2005, true);
	struct endpoint got;

	basin_expect(&single, "20.20.20.20:2002@outside");
	pair.ports = 2;
	ck_assert_int_eq(basin_take(&pair, &got, NULL), 0);
	ck_assert_uint_eq(got.port, 2004);
	basin_refuse(&pair, -EADDRINUSE);
}
END_TEST

START_TEST(an_inner_address_keeps_its_outer_address)
{
	struct endpoint first[16];
	struct endpoint got;
	bool differ = false;

	for (unsigned host = 0; host < 16; host++) {
		struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 2);

		want.inner.addr.bytes[3] = (uint8_t)host;
		ck_assert_int_eq(basin_take(&want, &first[host], NULL), 0);
		for (int i = 0; i < 50; i++) {
			want.inner.port += 2;
			ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
			ck_assert(ip_addr_equal(&got.addr, &first[host].addr));
		}
		differ |= !ip_addr_equal(&first[host].addr, &first[0].addr);
	}
	ck_assert(differ);
}
END_TEST

START_TEST(the_same_address_in_another_realm_is_another_one)
{
	struct pool_want here = basin_want_of("2.2.2.2:2222@inside", 2);
	struct pool_want there = basin_want_of("2.2.2.2:2222@other", 2);
	struct endpoint a, b;
	bool differ = false;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(basin_take(&here, &a, NULL), 0);
		ck_assert_int_eq(basin_take(&there, &b, NULL), 0);
		differ |= !ip_addr_equal(&a.addr, &b.addr);
		basin_give_all();
	}
	ck_assert(differ);
}
END_TEST

START_TEST(an_inner_address_moves_on_when_its_outer_one_is_full)
{
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 2);
	unsigned used[4] = { 0 };
	unsigned addresses = 0;
	struct endpoint got;

	for (unsigned i = 0; i < 2000; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		addresses += used[got.addr.bytes[3]]++ == 0;
		ck_assert_uint_eq(addresses, 1 + i / 500);
	}
	basin_refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(an_exact_endpoint_is_given_whatever_its_parity)
{
	struct pool_want want = basin_wish_of("3.3.3.3", 1333, 1333, true);

	want.ports = 2;
	basin_expect(&want, "3.3.3.3:1333@outside");
	basin_refuse(&want, -EADDRINUSE);
	want.wish.ports.first = want.wish.ports.last = 1334;
	basin_refuse(&want, -EADDRINUSE);
	want.wish.ports.first = want.wish.ports.last = 1335;
	basin_expect(&want, "3.3.3.3:1335@outside");
}
END_TEST

START_TEST(what_is_in_no_pool_is_not_available)
{
	struct pool_want want = basin_wish_of("3.3.3.4", 1333, 1333, true);

	basin_refuse(&want, -EADDRNOTAVAIL);
	want = basin_wish_of("3.3.3.3", 999, 999, true);
	basin_refuse(&want, -EADDRNOTAVAIL);
	want = basin_wish_of("3.3.3.3", 1999, 1999, true);
	want.ports = 2;
	basin_refuse(&want, -EADDRNOTAVAIL);
	want = basin_wish_of("3.3.3.3", 0, 0, true);
	want.realm = realm_find(&basin.conf->names, "inside");
	basin_refuse(&want, -EADDRNOTAVAIL);
	want = basin_wish_of("2001:db8::1", 0, 0, true);
	basin_refuse(&want, -EADDRNOTAVAIL);
}
END_TEST

START_TEST(a_preference_that_cannot_be_met_gives_another_endpoint)
{
	struct pool_want want = basin_wish_of("3.3.3.3", 1332, 1332, false);
	struct endpoint got;
	bool preferred = true;

	basin_expect(&want, "3.3.3.3:1332@outside");
	ck_assert_int_eq(basin_take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
	ck_assert_uint_ne(got.port, 1332);
	want = basin_wish_of("9.9.9.9", 1332, 1332, false);
	ck_assert_int_eq(basin_take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
}
END_TEST

START_TEST(a_range_is_kept_to)
{
	struct pool_want want = basin_wish_of("20.20.20.16/30", 2004, 2007,
					      true);
	struct endpoint got;

	want.ports = 2;
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		ck_assert(ip_prefix_contains(&want.wish.prefix, &got.addr));
		ck_assert_uint_ge(got.port, 2004);
		ck_assert_uint_le(got.port, 2006);
	}
	basin_refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(one_port_of_any_address_in_a_prefix_can_be_asked_for)
{
	struct pool_want want = basin_wish_of("3.3.3.0/30", 1501, 1501, true);
	struct endpoint got;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.port, 1501);
	}
	basin_refuse(&want, -EADDRINUSE);
}
END_TEST

START_TEST(a_named_pool_is_used_on_request_only)
{
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 64);
	struct ip_prefix billing = sample_prefix("20.20.20.16/28");
	struct endpoint got;
	bool preferred = false;

	while (basin_take(&want, &got, NULL) == 0)
		ck_assert(!ip_prefix_contains(&billing, &got.addr));
	want.ports = 10;
	want.wish.name = "billing";
	want.wish.strict = true;
	for (int i = 0; i < 16; i++) {
		ck_assert_int_eq(basin_take(&want, &got, &preferred), 0);
		ck_assert(ip_prefix_contains(&billing, &got.addr));
		ck_assert(preferred);
	}
	basin_refuse(&want, -ENOSPC);
	want.wish.name = "no such pool";
	basin_refuse(&want, -ENOENT);
	want.wish.strict = false;
	basin_refuse(&want, -ENOENT);
}
END_TEST

START_TEST(a_pool_can_be_preferred)
{
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 20);
	struct endpoint got;
	bool preferred = true;

	want.wish.name = "billing"; /* has no run of twenty */
	ck_assert_int_eq(basin_take(&want, &got, &preferred), 0);
	ck_assert(!preferred);
	want.wish.strict = true;
	basin_refuse(&want, -ENOSPC);
}
END_TEST

START_TEST(a_client_is_kept_within_its_ranges)
{
	struct conf_range ranges[2] = {
		{ sample_prefix("3.3.3.2"), { 1100, 1109 } },
		{ sample_prefix("8.0.0.0/8"), { 1, 65535 } },
	};
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 1);
	struct endpoint got;

	want.within = ranges;
	want.within_count = 2;
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.bytes[3], 2);
		ck_assert(port_range_contains(ranges[0].ports, got.port));
	}
	basin_refuse(&want, -ENOSPC);
	want.wish.prefix = sample_prefix("3.3.3.3");
	basin_refuse(&want, -EPERM);
	want.wish.prefix = sample_prefix("3.3.3.2");
	want.wish.ports.first = want.wish.ports.last = 1110;
	basin_refuse(&want, -EPERM);
}
END_TEST

START_TEST(a_seed_decides_and_another_decides_otherwise)
{
	struct endpoint first[32];
	struct endpoint got;
	unsigned same = 0;

	for (unsigned round = 0; round < 3; round++) {
		struct pool_want want;

		basin_remake(SAMPLE_INSIDE SAMPLE_OUTSIDE(
				     "\"3.3.0.0/16:1000-1999\""),
			     round == 2 ? 8 : 7);
		want = basin_want_of("2.2.2.2:2222@inside", 2);
		for (unsigned i = 0; i < 32; i++) {
			ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
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
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 2);
	struct endpoint got;
	bool eighths[8] = { 0 };

	for (unsigned i = 0; i < 64; i++) {
		ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
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

	basin_remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"4.4.4.4/32:1024-65535\""),
		     1);
	want = basin_want_of("2.2.2.2:2222@inside", 1);
	for (unsigned i = 0; i < 64512; i++) {
		want.inner.port = (uint16_t)(1024 + i);
		ck_assert_int_eq(pool_take(basin.set, &want, &many[i],
					   &preferred),
				 0);
	}
	basin_refuse(&want, -ENOSPC);
	for (unsigned i = 0; i < 64512; i++)
		pool_give(basin.set, many[i], false, 0);
	free(many);
}
END_TEST

START_TEST(a_large_pool_costs_no_memory_before_its_use)
{
	struct pool_want want;
	struct endpoint got;
	size_t before;

	basin_end();
	before = mallinfo2().uordblks;
	basin_make(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.0.0.0/8:1024-65535\""), 1);
	ck_assert_uint_lt(mallinfo2().uordblks - before, 64 * 1024);
	want = basin_want_of("2.2.2.2:2222@inside", 2);
	ck_assert_int_eq(basin_take(&want, &got, NULL), 0);
	ck_assert_uint_lt(mallinfo2().uordblks - before, 128 * 1024);
}
END_TEST

START_TEST(ipv6_endpoints_are_given_to_ipv6_endpoints)
{
	struct pool_want v6 = basin_want_of("2.2.2.2:2222@inside", 2);
	struct pool_want v4 = basin_want_of("2.2.2.2:2222@inside", 2);
	struct endpoint got;

	basin_remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.3.0/30:1000-1999\","
						  " \"4.4.4.4/32:1000-1999\""),
		     1);
	/* The configuration has no IPv6 pools: the second becomes one. */
	basin.conf->pools[0].ranges[1].prefix = sample_prefix("2001:db8::/64");
	v6.inner.addr = sample_prefix("fd00::2").addr;
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(basin_take(&v6, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.family, IP_V6);
		ck_assert_int_eq(basin_take(&v4, &got, NULL), 0);
		ck_assert_uint_eq(got.addr.family, IP_V4);
	}
}
END_TEST

START_TEST(the_family_is_the_inner_ones_where_there_is_a_choice)
{
	struct pool_want v4, v6;

	basin_remake("realm inside { interface = in0 networks = "
		     "{\"2.0.0.0/8\", \"2001:db8:1::/48\"} reaches = outside }\n"
		     "realm outside { interface = out0 "
		     "pool = {\"[2001:db8:2::/64]:1000-1999\"} }\n"
		     "pool other { realm = outside "
		     "endpoints = {\"3.3.3.3:1000-1999\"} }\n",
		     1);
	v4 = basin_want_of("2.2.2.2:2222@inside", 2);
	v6 = basin_want_of("[2001:db8:1::2]:2222@inside", 2);
	ck_assert_uint_eq(candidate_family(basin.conf, &v4), IP_V6);
	ck_assert_uint_eq(candidate_family(basin.conf, &v6), IP_V6);
	v6.wish.name = "other";
	ck_assert_uint_eq(candidate_family(basin.conf, &v6), IP_V4);
	v6.family = IP_V6;
	ck_assert_uint_eq(candidate_family(basin.conf, &v6), IP_V6);
	basin_remake("realm inside { interface = in0 networks = 2.0.0.0/8 "
		     "reaches = outside }\n"
		     "realm outside { interface = out0 "
		     "pool = {\"[2001:db8:2::/64]:1000-1999\", "
		     "\"3.3.3.3:1000-1999\"} }\n",
		     1);
	ck_assert_uint_eq(candidate_family(basin.conf, &v4), IP_V4);
	v4.wish.prefix = sample_prefix("2001:db8:2::/64");
	ck_assert_uint_eq(candidate_family(basin.conf, &v4), IP_V6);
}
END_TEST

START_TEST(a_port_is_leased_for_udp_and_for_tcp_apart)
{
	struct pool_want udp = basin_wish_of("3.3.3.1", 1500, 1500, true);
	struct pool_want tcp = udp;
	struct pool_info info;

	udp.protocol = RULE_UDP;
	tcp.protocol = RULE_TCP;
	basin_expect(&udp, "3.3.3.1:1500@outside");
	basin_expect(&tcp, "3.3.3.1:1500@outside");
	basin_refuse(&udp, -EADDRINUSE);
	basin_refuse(&tcp, -EADDRINUSE);
	pool_describe(basin.set, 0, &info);
	ck_assert_uint_eq(info.udp.leased, 1);
	ck_assert_uint_eq(info.tcp.leased, 1);
}
END_TEST

START_TEST(a_dynamic_pool_is_the_translators)
{
	struct pool_want want;
	struct pool_info info;

	basin_remake(
		SAMPLE_INSIDE SAMPLE_OUTSIDE(
			"\"3.3.3.1:1000-1001\"") "pool nat { realm = outside dynamic = yes"
						 " endpoints = {\"4.4.4.4:2000-2009\"} }\n",
		1);
	pool_describe(basin.set, 1, &info);
	ck_assert(info.dynamic);
	ck_assert_uint_eq(info.endpoints, 10);
	ck_assert_uint_eq(info.udp.leased, 10);
	ck_assert_uint_eq(info.tcp.leased, 10);
	want = basin_wish_of("4.4.4.4", 2000, 2000, true);
	basin_refuse(&want, -EADDRNOTAVAIL);
	want = basin_want_of("2.2.2.2:2222@inside", 1);
	want.wish.name = "nat";
	want.wish.strict = true;
	basin_refuse(&want, -ENOENT);
	basin_remake(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.3.1:1000-1001\""), 1);
}
END_TEST

START_TEST(a_lack_of_memory_changes_nothing)
{
	struct pool_want want = basin_wish_of("3.3.3.3", 1332, 1332, true);
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct pool_run *run;
		bool preferred;
		int rc;

		faults_arm(n);
		rc = pool_take(basin.set, &want, &run, &preferred);
		failed = faults_disarm();
		ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
		sample_expect_pools(basin.set, failed ? 0 : 1, 0);
		if (rc == 0)
			pool_give(basin.set, run, false, 0);
		ck_assert_uint_lt(n, 20);
	}
	failed = true;
	for (unsigned n = 1; failed; n++) {
		struct pool_set *another;

		faults_arm(n);
		another = pool_set_new(basin.conf, 1);
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
		a_seed_decides_and_another_decides_otherwise,
		free_ports_are_scattered,
		one_address_serves_more_than_60000_rules,
		a_large_pool_costs_no_memory_before_its_use,
		ipv6_endpoints_are_given_to_ipv6_endpoints,
		the_family_is_the_inner_ones_where_there_is_a_choice,
		a_port_is_leased_for_udp_and_for_tcp_apart,
		a_dynamic_pool_is_the_translators,
		a_lack_of_memory_changes_nothing,
	};

	return SUITE_RUN("pool", tests, basin_begin, basin_end);
}
