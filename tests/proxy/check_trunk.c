/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/trunk.h"

#include <errno.h>
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
	ck_assert_int_eq(trunk_add(&list.trunks[2], &other), 0);
	ck_assert_uint_eq(trunk_find(&list, 1, &other), 2);
}
END_TEST

START_TEST(next_hops_are_tried_in_order)
{
	struct trunk_hop hop;
	struct ip_addr addr;

	ck_assert(!trunk_next_hop(&list.trunks[2], 0, &hop));
	for (uint32_t i = 0; i < TRUNK_ADDRESSES_MAX; i++) {
		addr = ip_addr_v4(0x02020200 + i);
		ck_assert_int_eq(trunk_add(&list.trunks[2], &addr), 0);
		ck_assert_int_eq(trunk_add(&list.trunks[2], &addr), -EEXIST);
	}
	addr = ip_addr_v4(0x03030303);
	ck_assert_int_eq(trunk_add(&list.trunks[2], &addr), -ENOSPC);
	for (uint32_t i = 0; i < TRUNK_ADDRESSES_MAX; i++) {
		ck_assert(trunk_next_hop(&list.trunks[2], i, &hop));
		ck_assert_uint_eq(ip_addr_to_v4(&hop.at.addr), 0x02020200 + i);
		ck_assert_uint_eq(hop.at.port, 5060);
		ck_assert_uint_eq(hop.at.realm, 1);
	}
	ck_assert(!trunk_next_hop(&list.trunks[2], TRUNK_ADDRESSES_MAX, &hop));
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
			      next_hops_are_tried_in_order,
			      hosts_are_matched_as_name_or_address);
}
