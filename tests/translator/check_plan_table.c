/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/plan_table.c. */
#include "translator/plan_table.h"

#include <errno.h>
#include <string.h>

#include "tests/translator/conftext.h"
#include "tests/translator/suite.h"

static struct rtnl_link links[] = {
	{ .name = "one0", .index = 2, .mtu = 1500 },
	{ .name = "two0", .index = 3, .mtu = 1500 },
	{ .name = "out0", .index = 4, .mtu = 1500 },
};
static struct rtnl_addr addrs[2];
static struct rtnl_route routes[4];
static const struct rtnl_host host = { .links = links,
				       .link_count = 3,
				       .addrs = addrs,
				       .addr_count = 2,
				       .routes = routes,
				       .route_count = 4 };
static struct conf *conf;
static struct plan_table table;

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix prefix;

	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &prefix), 0);
	return prefix;
}

static void begin(void)
{
	for (unsigned i = 0; i < 2; i++) {
		addrs[i].index = 2 + i;
		addrs[i].addr = ip_addr_v4(0x0a000001);
		addrs[i].network = prefix_of("10.0.0.0/24");
		routes[i] = (struct rtnl_route){ .prefix = addrs[i].network,
						 .index = 2 + i };
	}
	routes[2] = (struct rtnl_route){ .prefix = prefix_of("0.0.0.0/0"),
					 .gateway = ip_addr_v4(0x0a0000fd),
					 .index = 3 };
	routes[3] = (struct rtnl_route){ .prefix = prefix_of("10.1.0.0/16"),
					 .gateway = ip_addr_v4(0x0a0000fc),
					 .source = ip_addr_v4(0x0a000001),
					 .metric = 7,
					 .index = 3 };
	table = (struct plan_table){ 0 };
	conf = NULL;
}

static void end(void)
{
	plan_table_done(&table);
	conf_free(conf);
}

/* With these settings of realm two besides. */
static void read_conf(const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "routing_table = 900\n"
		 "realm one { interface = one0 networks = \"10.0.0.0/8\"\n"
		 "	reaches = out }\n"
		 "realm two { interface = two0 networks = \"10.0.0.0/8\"\n"
		 "	reaches = out %s }\n"
		 "realm out { interface = out0 pool = \"4.4.4.4:2-3\" }\n",
		 more);
	conf = conftext_read(text);
}

static void expect_route(size_t i, struct rtnl_route wanted)
{
	wanted.table = table.number;
	ck_assert_uint_lt(i, table.route_count);
	ck_assert(rtnl_route_equal(&table.routes[i], &wanted));
}

static void expect_nowhere_behind(size_t i)
{
	struct rtnl_route last = { .prefix = prefix_of("0.0.0.0/0"),
				   .metric = UINT32_MAX };

	expect_route(i, last);
	ck_assert_uint_eq(table.route_count, i + 1);
}

START_TEST(realms_with_the_same_addresses_need_a_table_each)
{
	read_conf("");
	ck_assert(plan_table_needed(conf, 0));
	ck_assert(plan_table_needed(conf, 1));
	ck_assert(!plan_table_needed(conf, 2));
}
END_TEST

START_TEST(a_table_has_the_routes_by_its_interfaces)
{
	read_conf("");
	ck_assert_int_eq(plan_table_make(conf, 0, &host, &table), 0);
	ck_assert_uint_eq(table.number, 900);
	expect_route(0, routes[0]);
	expect_nowhere_behind(1);
	plan_table_done(&table);
	ck_assert_int_eq(plan_table_make(conf, 1, &host, &table), 0);
	ck_assert_uint_eq(table.number, 901);
	expect_route(0, routes[1]);
	expect_route(1, routes[2]);
	expect_route(2, routes[3]);
	expect_nowhere_behind(3);
}
END_TEST

START_TEST(a_gateway_takes_the_place_of_the_default_route)
{
	struct rtnl_route wanted = { .prefix = prefix_of("0.0.0.0/0"),
				     .gateway = ip_addr_v4(0x0a0000fe),
				     .index = 3 };

	read_conf("gateway = 10.0.0.254");
	ck_assert_int_eq(plan_table_make(conf, 1, &host, &table), 0);
	expect_route(0, routes[1]);
	expect_route(1, routes[3]);
	expect_route(2, wanted);
	expect_nowhere_behind(3);
}
END_TEST

START_TEST(a_gateway_is_on_a_link_of_its_realm)
{
	read_conf("gateway = 10.9.0.254");
	ck_assert_int_eq(plan_table_make(conf, 1, &host, &table), -EINVAL);
}
END_TEST

START_TEST(a_gateway_alone_makes_a_table)
{
	conf = conftext_read("realm one { interface = one0\n"
			     "	gateway = 10.0.0.254 }\n");
	ck_assert(plan_table_needed(conf, 0));
	ck_assert_uint_eq(plan_zone(conf, 0), 0);
}
END_TEST

START_TEST(realms_with_the_same_addresses_have_a_zone_each)
{
	conf = conftext_read(
		"routing_table = 700\n"
		"realm outside { interface = out0 }\n"
		"realm one { interface = one0 networks = {\"10.0.0.0/8\"}\n"
		"	reaches = {\"outside\"} }\n"
		"realm two { interface = two0 networks = {\"10.1.0.0/16\"}\n"
		"	reaches = {\"outside\"} }\n");
	ck_assert_uint_eq(plan_zone(conf, 0), 0);
	ck_assert_uint_eq(plan_zone(conf, 1), 701);
	ck_assert_uint_eq(plan_zone(conf, 2), 702);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		realms_with_the_same_addresses_need_a_table_each,
		a_table_has_the_routes_by_its_interfaces,
		a_gateway_takes_the_place_of_the_default_route,
		a_gateway_is_on_a_link_of_its_realm,
		a_gateway_alone_makes_a_table,
		realms_with_the_same_addresses_have_a_zone_each,
	};

	return SUITE_RUN("plan_table", tests, begin, end);
}
