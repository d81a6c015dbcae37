/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/trunk.h"

#include <string.h>

#include "tests/proxy/suite.h"

static struct conf_trunk trunks[] = {
	{ .realm = 1, .host = (char[]){ "1.1.1.1" }, .port = 5060 },
	{ .realm = 2, .host = (char[]){ "1.1.1.1" }, .port = 5062 },
	{ .realm = 1, .host = (char[]){ "sip.carrier.example" }, .port = 5060 },
};
static const struct conf conf = { .trunks = trunks, .trunk_count = 3 };
static struct trunk_list list;

static void setup(void)
{
	ck_assert_int_eq(trunk_list_init(&list, &conf), 0);
}

static void teardown(void)
{
	trunk_list_done(&list);
}

START_TEST(a_trunk_is_known_by_address_and_realm)
{
	struct ip_addr addr = ip_addr_v4(0x01010101);
	struct ip_addr other = ip_addr_v4(0x01010102);

	ck_assert_uint_eq(trunk_find(&list, 1, &addr), 0);
	ck_assert_uint_eq(trunk_find(&list, 2, &addr), 1);
	ck_assert_uint_eq(trunk_find(&list, 0, &addr), TRUNK_NONE);
	ck_assert_uint_eq(trunk_find(&list, 1, &other), TRUNK_NONE);
	trunk_set(&list.trunks[2], &(struct trunk_hop){ .at.addr = other }, 1);
	ck_assert_uint_eq(trunk_find(&list, 1, &other), 2);
}
END_TEST

static struct trunk_hop hop_of(uint32_t addr, unsigned rank, uint16_t priority,
			       uint16_t weight, size_t server)
{
	return (struct trunk_hop){
		.at = { .addr = ip_addr_v4(addr), .port = 5060, .realm = 1 },
		.rank = rank,
		.priority = priority,
		.weight = weight,
		.server = server
	};
}

START_TEST(an_address_is_a_hop_and_a_name_is_none_yet)
{
	struct trunk_hop hops[TRUNK_HOPS_MAX];

	ck_assert_uint_eq(trunk_order(&list.trunks[2], 1, hops), 0);
	ck_assert_uint_eq(trunk_order(&list.trunks[1], 1, hops), 1);
	ck_assert_uint_eq(hops[0].at.port, 5062);
	ck_assert_uint_eq(hops[0].at.realm, 2);
	ck_assert_int_eq(hops[0].transport, CONF_UDP);
}
END_TEST

START_TEST(hops_are_tried_by_rank_then_priority)
{
	const struct trunk_hop set[] = {
		hop_of(4, 1, 1, 5, 0),  hop_of(2, 0, 20, 0, 1),
		hop_of(3, 0, 20, 0, 1), hop_of(1, 0, 10, 9, 2),
		hop_of(1, 1, 2, 9, 3),
	};
	struct trunk_hop hops[TRUNK_HOPS_MAX];

	trunk_set(&list.trunks[2], set, 5);
	ck_assert_uint_eq(list.trunks[2].count, 4);
	for (uint64_t seed = 0; seed < 50; seed++) {
		ck_assert_uint_eq(trunk_order(&list.trunks[2], seed, hops), 5);
		ck_assert_uint_eq(ip_addr_to_v4(&hops[0].at.addr), 1);
		ck_assert_uint_eq(ip_addr_to_v4(&hops[1].at.addr) +
					  ip_addr_to_v4(&hops[2].at.addr),
				  5);
		ck_assert_uint_eq(ip_addr_to_v4(&hops[3].at.addr), 4);
		ck_assert_uint_eq(hops[4].server, 3);
	}
}
END_TEST

START_TEST(weights_are_the_share_of_the_first_tries)
{
	const struct trunk_hop set[] = {
		hop_of(1, 0, 1, 70, 0),
		hop_of(2, 0, 1, 20, 1),
		hop_of(3, 0, 1, 10, 2),
		hop_of(4, 0, 1, 0, 3),
	};
	struct trunk_hop hops[TRUNK_HOPS_MAX];
	unsigned first[5] = { 0 };

	trunk_set(&list.trunks[2], set, 4);
	for (uint64_t seed = 0; seed < 10000; seed++) {
		ck_assert_uint_eq(trunk_order(&list.trunks[2], seed, hops), 4);
		first[ip_addr_to_v4(&hops[0].at.addr)]++;
	}
	ck_assert_uint_gt(first[1], 6600);
	ck_assert_uint_lt(first[1], 7400);
	ck_assert_uint_gt(first[2], 1700);
	ck_assert_uint_lt(first[2], 2300);
	ck_assert_uint_gt(first[3], 800);
	ck_assert_uint_lt(first[3], 1200);
	ck_assert_uint_gt(first[4], 10);
	ck_assert_uint_lt(first[4], 300);
}
END_TEST

START_TEST(no_more_hops_than_there_is_room_for)
{
	struct trunk_hop set[TRUNK_HOPS_MAX + 3], hops[TRUNK_HOPS_MAX];

	for (uint32_t i = 0; i < TRUNK_HOPS_MAX + 3; i++)
		set[i] = hop_of(i, 0, 0, 1, i);
	trunk_set(&list.trunks[2], set, TRUNK_HOPS_MAX + 3);
	ck_assert_uint_eq(trunk_order(&list.trunks[2], 7, hops),
			  TRUNK_HOPS_MAX);
}
END_TEST

START_TEST(hosts_are_matched_as_name_or_address)
{
	ck_assert_uint_eq(trunk_find_host(&list, "1.1.1.1", 7, 0), 0);
	ck_assert_uint_eq(trunk_find_host(&list, "1.1.1.1", 7, 5062), 1);
	ck_assert_uint_eq(trunk_find_host(&list, "SIP.carrier.example", 19, 0),
			  2);
	ck_assert_uint_eq(trunk_find_host(&list, "1.1.1.2", 7, 0), TRUNK_NONE);
	ck_assert_uint_eq(trunk_find_host(&list, "", 0, 0), TRUNK_NONE);
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH("proxy/trunk", setup, teardown,
			      a_trunk_is_known_by_address_and_realm,
			      an_address_is_a_hop_and_a_name_is_none_yet,
			      hops_are_tried_by_rank_then_priority,
			      weights_are_the_share_of_the_first_tries,
			      no_more_hops_than_there_is_room_for,
			      hosts_are_matched_as_name_or_address);
}
