/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests translator/nft.c: the rulesets of the configurations in nft/ are those
 * that stand beside them, and the kernel takes them. The host of all of them
 * is the one below. Needs root: each test has a network namespace of its own.
 */
#include "config.h"

#include "translator/nft.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/translator/suite.h"
#include "translator/tun.h"

static struct rtnl_link links[] = {
	{ .name = "in0", .index = 2, .mtu = 1500 },
	{ .name = "in1", .index = 3, .mtu = 1500 },
	{ .name = "out0", .index = 4, .mtu = 1500 },
	{ .name = "tr0", .index = 5, .mtu = 1500 },
};
static struct rtnl_addr addrs[5];
static const struct rtnl_host host = { .links = links,
				       .link_count = 4,
				       .addrs = addrs,
				       .addr_count = 3 };
static const struct rtnl_host six = { .links = links,
				      .link_count = 4,
				      .addrs = addrs,
				      .addr_count = 5 };
static struct rtnl_route routes[3];
/* Two of its interfaces lead to the same network. */
static const struct rtnl_host twofold = { .links = links,
					  .link_count = 4,
					  .addrs = addrs,
					  .addr_count = 4,
					  .routes = routes,
					  .route_count = 3 };
static struct conf *conf;
static struct plan plan;

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
	set_addr(0, 2, "10.0.0.1", "10.0.0.0/8");
	set_addr(1, 4, "203.0.113.10", "203.0.113.0/24");
	set_addr(2, 5, "172.16.0.1", "172.16.0.0/12");
	set_addr(3, 3, "10.0.0.2", "10.0.0.0/8");
	set_addr(4, 4, "2001:db8:9::1", "2001:db8:9::/64");
	routes[0] = (struct rtnl_route){ .prefix = addrs[0].network,
					 .index = 2 };
	routes[1] = (struct rtnl_route){ .prefix = addrs[3].network,
					 .index = 3 };
	routes[2] = (struct rtnl_route){ .prefix = addrs[2].network,
					 .gateway = ip_addr_v4(0x0a000009),
					 .index = 2 };
	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "needs CAP_SYS_ADMIN: %s",
		      strerror(errno));
	conf = NULL;
	plan = (struct plan){ 0 };
}

static void end(void)
{
	plan_done(&plan);
	conf_free(conf);
}

static FILE *open_case(const char *name, const char *suffix)
{
	const char *srcdir = getenv("srcdir");
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/translator/nft/%s.%s",
		 srcdir != NULL ? srcdir : ".", name, suffix);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	return file;
}

static void read_plan_of(const char *name, const struct rtnl_host *of)
{
	const char *srcdir = getenv("srcdir");
	char path[512];

	fclose(open_case(name, "conf"));
	snprintf(path, sizeof(path), "%s/tests/translator/nft/%s.conf",
		 srcdir != NULL ? srcdir : ".", name);
	conf = conf_read(path, stderr);
	ck_assert_ptr_nonnull(conf);
	ck_assert_int_eq(plan_make(conf, of, stderr, &plan), 0);
}

static void read_plan(const char *name)
{
	read_plan_of(name, &host);
}

/* The guards, then the main table. */
static char *text_of_plan(void)
{
	char *guard = nft_guard_text(&plan);
	char *guard6 = nft_guard6_text(&plan);
	char *draw = nft_main_text(&plan);
	char *draw6 = plan.ipv6 ? nft_main6_text(&plan) : strdup("");
	char *all;

	ck_assert_ptr_nonnull(guard);
	ck_assert_ptr_nonnull(guard6);
	ck_assert_ptr_nonnull(draw);
	ck_assert_ptr_nonnull(draw6);
	ck_assert_int_gt(asprintf(&all, "%s%s%s%s", guard, guard6, draw, draw6),
			 0);
	free(draw6);
	free(guard);
	free(guard6);
	free(draw);
	return all;
}

static void expect_text(const char *name, const char *text)
{
	static char expected[16384];
	FILE *file = open_case(name, "nft");
	size_t same = 0;
	size_t len = fread(expected, 1, sizeof(expected) - 1, file);

	fclose(file);
	expected[len] = '\0';
	/* check cannot tell of texts as long as these. */
	while (text[same] != '\0' && text[same] == expected[same])
		same++;
	ck_assert_msg(text[same] == expected[same],
		      "%s.nft, byte %zu: is %.200s", name, same, text + same);
}

static void run(const char *text, bool check)
{
	char *said;
	int err = nft_run(text, check, &said);

	ck_assert_msg(err == 0, "%s", said != NULL ? said : "");
	free(said);
}

static void make_tuns(void)
{
	char name[PLAN_TUN_NAME];

	for (size_t i = 0; i < conf->realm_count; i++) {
		int fd = tun_open(plan_tun_name(conf, (realm_id)i, name));

		ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
		close(fd);
	}
}

static void check_case(const char *name)
{
	struct nft_counts counts = { 1, 1, 1, 1 };
	char *text = text_of_plan();

	expect_text(name, text);
	make_tuns();
	run(text, true);
	ck_assert_int_eq(nft_counts_read(conf->table, &counts), -ENOENT);
	/* The second time it takes the first one's place. */
	run(text, false);
	run(text, false);
	ck_assert_int_eq(nft_counts_read(conf->table, &counts), 0);
	ck_assert_uint_eq(counts.guard_dropped, 0);
	ck_assert_uint_eq(counts.guard_misrouted, 0);
	ck_assert_uint_eq(counts.draw_spoofed, 0);
	ck_assert_uint_eq(counts.errors_withheld, 0);
	free(text);
}

START_TEST(two_realms)
{
	read_plan("two");
	check_case("two");
}
END_TEST

START_TEST(a_realm_that_marks_what_leaves_into_it)
{
	read_plan("dscp");
	check_case("dscp");
}
END_TEST

START_TEST(ports_of_an_own_address)
{
	read_plan("own");
	plan.interfaces[0].rp_filter = PLAN_RP_LOOSE;
	plan.interfaces[1].rp_filter = PLAN_RP_STRICT;
	check_case("own");
}
END_TEST

START_TEST(three_realms)
{
	read_plan("three");
	check_case("three");
}
END_TEST

START_TEST(realms_of_ipv6)
{
	read_plan_of("six", &six);
	check_case("six");
}
END_TEST

START_TEST(flows_of_the_kernel)
{
	read_plan("fast");
	check_case("fast");
}
END_TEST

START_TEST(without_conntrack_nothing_names_it)
{
	char *text;

	read_plan("two");
	plan.conntrack = false;
	text = text_of_plan();
	ck_assert_ptr_null(strstr(text, "\tct "));
	ck_assert_ptr_null(strstr(text, "notrack"));
	make_tuns();
	run(text, false);
	free(text);
}
END_TEST

START_TEST(two_realms_with_the_same_network)
{
	read_plan_of("apart", &twofold);
	for (size_t i = 0; i < plan.interface_count; i++)
		plan.interfaces[i].rp_filter = PLAN_RP_STRICT;
	check_case("apart");
}
END_TEST

START_TEST(flows_of_two_realms_with_the_same_network)
{
	read_plan_of("zones", &twofold);
	check_case("zones");
}
END_TEST

START_TEST(a_removed_table_is_gone_and_removing_it_again_is_no_error)
{
	struct nft_counts counts;
	char *text, *remove;

	read_plan("two");
	text = text_of_plan();
	make_tuns();
	run(text, false);
	remove = nft_remove_text(NFT_IP, conf->table);
	ck_assert_ptr_nonnull(remove);
	run(remove, false);
	run(remove, false);
	ck_assert_int_eq(nft_counts_read(conf->table, &counts), -ENOENT);
	free(remove);
	free(text);
}
END_TEST

START_TEST(what_the_tool_refuses_is_told)
{
	char *said = NULL;

	ck_assert_int_eq(nft_run("add nonsense\n", false, &said), -EINVAL);
	ck_assert_ptr_nonnull(strstr(said, "nonsense"));
	free(said);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		two_realms,
		a_realm_that_marks_what_leaves_into_it,
		ports_of_an_own_address,
		three_realms,
		realms_of_ipv6,
		flows_of_the_kernel,
		without_conntrack_nothing_names_it,
		two_realms_with_the_same_network,
		flows_of_two_realms_with_the_same_network,
		a_removed_table_is_gone_and_removing_it_again_is_no_error,
		what_the_tool_refuses_is_told,
	};

	return SUITE_RUN("nft", tests, begin, end);
}
