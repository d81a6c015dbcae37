/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/plan.c. */
#include "translator/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/conftext.h"
#include "tests/translator/suite.h"

static struct rtnl_link links[] = {
	{ .name = "lo", .index = 1, .mtu = 65536 },
	{ .name = "in0", .index = 2, .mtu = 1500 },
	{ .name = "out0", .index = 3, .mtu = 1400 },
};
static struct rtnl_addr addrs[4];
static const struct rtnl_host host = { .links = links,
				       .link_count = 3,
				       .addrs = addrs,
				       .addr_count = 4 };
static struct conf *conf;
static struct plan plan;
static char *said;

static void set_addr(size_t i, unsigned index, const char *addr,
		     const char *network)
{
	addrs[i].index = index;
	ck_assert_int_eq(ip_addr_parse(addr, strlen(addr), &addrs[i].addr), 0);
	ck_assert_int_eq(ip_prefix_parse(network, strlen(network),
					 &addrs[i].network),
			 0);
}

static void begin(void)
{
	set_addr(0, 1, "127.0.0.1", "127.0.0.0/8");
	set_addr(1, 2, "10.0.0.1", "10.0.0.0/8");
	set_addr(2, 3, "203.0.113.10", "203.0.113.0/24");
	set_addr(3, 3, "203.0.113.11", "203.0.113.11/32");
	conf = NULL;
	plan = (struct plan){ 0 };
	said = NULL;
}

static void end(void)
{
	plan_done(&plan);
	conf_free(conf);
	free(said);
}

/* A plan for these pools of the realm outside; what it says is in `said`. */
static int make(const char *pools)
{
	char text[512];
	size_t size;
	FILE *errors = open_memstream(&said, &size);
	int err;

	snprintf(text, sizeof(text),
		 "realm inside { interface = {\"in0\"} "
		 "networks = {\"10.0.0.0/8\"} reaches = {\"outside\"} }\n"
		 "realm outside { interface = {\"out0\"} pool = {%s} }\n",
		 pools);
	conf = conftext_read(text);
	ck_assert_ptr_nonnull(errors);
	err = plan_make(conf, &host, errors, &plan);
	fclose(errors);
	return err;
}

START_TEST(a_pool_that_is_nowhere_is_routed)
{
	char text[IP_PREFIX_TEXT];

	ck_assert_int_eq(make("\"198.51.100.0/28:2000-2999\", "
			      "\"198.51.100.0/28:4000-4999\""),
			 0);
	ck_assert_uint_eq(plan.route_count, 1);
	ck_assert_str_eq(ip_prefix_format(&plan.routes[0].prefix, text),
			 "198.51.100.0/28");
	ck_assert_uint_eq(plan.routes[0].realm, 1);
	ck_assert_uint_eq(plan.proxy_count, 0);
	ck_assert_uint_eq(plan.own_count, 0);
}
END_TEST

START_TEST(a_pool_on_a_link_is_routed_and_answered_for)
{
	char text[IP_ADDR_TEXT];

	ck_assert_int_eq(make("\"203.0.113.16/30:2000-2999\""), 0);
	ck_assert_uint_eq(plan.route_count, 1);
	ck_assert_uint_eq(plan.own_count, 0);
	ck_assert_uint_eq(plan.proxy_count, 4);
	ck_assert_str_eq(ip_addr_format(&plan.proxies[3].addr, text),
			 "203.0.113.19");
	ck_assert_str_eq(plan.proxies[3].interface, "out0");
}
END_TEST

START_TEST(an_address_of_the_host_gives_only_its_ports)
{
	ck_assert_int_eq(make("\"203.0.113.10:40000-49999\""), 0);
	ck_assert_uint_eq(plan.route_count, 0);
	ck_assert_uint_eq(plan.proxy_count, 0);
	ck_assert_uint_eq(plan.own_count, 1);
	ck_assert(ip_addr_equal(&plan.owns[0].addr, &addrs[2].addr));
	ck_assert_uint_eq(plan.owns[0].ports.first, 40000);
	ck_assert_uint_eq(plan.owns[0].ports.last, 49999);
	ck_assert_uint_eq(plan.owns[0].realm, 1);
}
END_TEST

START_TEST(one_range_may_hold_several_kinds)
{
	ck_assert_int_eq(make("\"203.0.113.8/30:40000-49999\""), 0);
	ck_assert_uint_eq(plan.route_count, 1);
	ck_assert_uint_eq(plan.own_count, 2);
	ck_assert_uint_eq(plan.proxy_count, 2);
	ck_assert_uint_eq(ip_addr_to_v4(&plan.proxies[0].addr), 0xcb007108);
	ck_assert_uint_eq(ip_addr_to_v4(&plan.proxies[1].addr), 0xcb007109);
}
END_TEST

START_TEST(the_mtu_is_the_smallest_of_all_realms)
{
	ck_assert_int_eq(make("\"198.51.100.1:2000-2999\""), 0);
	ck_assert_uint_eq(plan.mtu, 1400);
	ck_assert_uint_eq(plan.interface_count, 2);
	ck_assert_str_eq(plan.interfaces[0].name, "in0");
	ck_assert_uint_eq(plan.interfaces[1].realm, 1);
}
END_TEST

START_TEST(a_missing_interface_is_named_with_its_line)
{
	struct rtnl_host poorer = host;
	size_t size;
	FILE *errors;

	ck_assert_int_eq(make("\"198.51.100.1:2000-2999\""), 0);
	plan_done(&plan);
	free(said);
	errors = open_memstream(&said, &size);
	poorer.link_count = 2;
	ck_assert_int_eq(plan_make(conf, &poorer, errors, &plan), -EINVAL);
	fclose(errors);
	ck_assert_str_eq(said, "test.conf:2: realm \"outside\": there is no "
			       "interface \"out0\"\n");
	ck_assert_ptr_null(plan.interfaces);
}
END_TEST

START_TEST(a_whole_network_on_a_link_is_no_pool)
{
	ck_assert_int_eq(make("\"203.0.113.0/24:2000-2999\""), -EINVAL);
	ck_assert_str_eq(said, "test.conf:2: pool \"outside\" takes all of "
			       "203.0.113.0/24, the network on \"out0\"\n");
}
END_TEST

START_TEST(a_broadcast_address_is_in_no_pool)
{
	ck_assert_int_eq(make("\"203.0.113.252/30:2000-2999\""), -EINVAL);
	ck_assert_str_eq(said, "test.conf:2: pool \"outside\": 203.0.113.255 "
			       "is the network or broadcast address of "
			       "\"out0\"\n");
}
END_TEST

START_TEST(there_is_a_limit_to_proxy_arp)
{
	set_addr(2, 3, "203.0.1.1", "203.0.0.0/16");
	ck_assert_int_eq(make("\"203.0.128.0/19:2000-2999\""), -EINVAL);
	ck_assert_ptr_nonnull(strstr(said, "more than 4096 addresses"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_pool_that_is_nowhere_is_routed,
		a_pool_on_a_link_is_routed_and_answered_for,
		an_address_of_the_host_gives_only_its_ports,
		one_range_may_hold_several_kinds,
		the_mtu_is_the_smallest_of_all_realms,
		a_missing_interface_is_named_with_its_line,
		a_whole_network_on_a_link_is_no_pool,
		a_broadcast_address_is_in_no_pool,
		there_is_a_limit_to_proxy_arp,
	};

	return SUITE_RUN("plan", tests, begin, end);
}
