/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/latching.c, and of `latch` in asks and tightenings. */
#include <errno.h>
#include <string.h>

#include "tests/natctl/desk.h"
#include "tests/translator/suite.h"

#define LATCHING                                                    \
	"{'group':'g','leases':[" LEASE ",'remote':'5.5.5.5:4000'," \
	"'latch':'5.5.5.5'}]}"

static struct endpoint remote_of(const char *text)
{
	struct endpoint remote;

	ck_assert_int_eq(endpoint_parse(text, &desk.conf->names, &remote), 0);
	return remote;
}

static bool latch(uint64_t id, uint32_t round, uint16_t offset,
		  const char *remote)
{
	struct wire_latched latched = { .id = id,
					.round = round,
					.offset = offset,
					.remote = remote_of(remote) };

	return manager_latched(desk.manager, &latched, desk.now_ms);
}

/* The members of the only lease that speak of latching. */
static void expect_list(const char *prefix, const char *rtp, const char *rtcp)
{
	const json_t *lease, *latched;
	const char *seen[2];

	ck_assert_int_eq(desk_send(ROOT, "list", NULL), 0);
	lease = json_array_get(json_object_get(desk.reply.result, "leases"), 0);
	latched = json_object_get(lease, "latched");
	ck_assert_pstr_eq(json_string_value(json_object_get(lease, "latch")),
			  prefix);
	ck_assert_uint_eq(json_array_size(latched), prefix == NULL ? 0 : 2);
	for (size_t i = 0; i < 2; i++)
		seen[i] = json_string_value(json_array_get(latched, i));
	ck_assert_pstr_eq(seen[0], rtp);
	ck_assert_pstr_eq(seen[1], rtcp);
}

START_TEST(a_lease_tells_whom_it_has_latched_on_to)
{
	desk_grant(ROOT, "ask", LATCHING);
	ck_assert_uint_eq(fake_link_find(&desk.link, 1)->latch.prefix.bits, 32);
	expect_list("5.5.5.5/32", NULL, NULL);
	ck_assert(latch(1, 0, 1, "5.5.5.5:61001@outside"));
	expect_list("5.5.5.5/32", NULL, "5.5.5.5:61001");
	ck_assert(latch(1, 0, 0, "5.5.5.5:61000@outside"));
	expect_list("5.5.5.5/32", "5.5.5.5:61000", "5.5.5.5:61001");
	/* Once more is no news. */
	ck_assert(!latch(1, 0, 0, "5.5.5.5:61000@outside"));
	/* It is what a synchronisation tells. */
	ck_assert_uint_eq(
		manager_next_rule(desk.manager, 0)->latch.remotes[0].port,
		61000);
}
END_TEST

START_TEST(what_cannot_be_or_is_over_is_no_news)
{
	desk_grant(ROOT, "ask", LATCHING);
	ck_assert(!latch(2, 0, 0, "5.5.5.5:61000@outside"));
	ck_assert(!latch(1, 1, 0, "5.5.5.5:61000@outside"));
	ck_assert(!latch(1, 0, 2, "5.5.5.5:61000@outside"));
	ck_assert(!latch(1, 0, 0, "2.5.5.5:61000@inside"));
	ck_assert(!latch(1, 0, 0, "[2001:db8::1]:61000@outside"));
	expect_list("5.5.5.5/32", NULL, NULL);
	desk_grant(ROOT, "ask", "{'group':'h','leases':[" LEASE "}]}");
	ck_assert(!latch(2, 0, 0, "5.5.5.5:61000@outside"));
	desk_grant(ROOT, "release", "{'lease':1}");
	ck_assert(!latch(1, 0, 0, "5.5.5.5:61000@outside"));
}
END_TEST

START_TEST(only_a_signalled_change_latches_anew)
{
	const struct rule *rule;

	desk_grant(ROOT, "ask", LATCHING);
	ck_assert(latch(1, 0, 0, "5.5.5.5:61000@outside"));
	/* The rest may change meanwhile. */
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'remote':'5.5.5.5:4002'}]}");
	expect_list("5.5.5.5/32", "5.5.5.5:61000", NULL);
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'latch':'5.5.5.5'}]}");
	expect_list("5.5.5.5/32", NULL, NULL);
	rule = fake_link_find(&desk.link, 1);
	ck_assert_uint_eq(rule->latch.round, 1);
	ck_assert_uint_eq(rule->latch.remotes[0].addr.family, IP_NONE);
	ck_assert_uint_eq(rule->remote.port, 4002);
	/* What was on its way is of the round before. */
	ck_assert(!latch(1, 0, 0, "5.5.5.5:61000@outside"));
	ck_assert(latch(1, 1, 0, "5.5.5.5:61002@outside"));
	expect_list("5.5.5.5/32", "5.5.5.5:61002", NULL);
	desk_grant(ROOT, "tighten", "{'changes':[{'lease':1,'latch':null}]}");
	expect_list(NULL, NULL, NULL);
	rule = fake_link_find(&desk.link, 1);
	ck_assert_uint_eq(rule->latch.prefix.addr.family, IP_NONE);
	/* A further one is not taken for the first. */
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'latch':'5.0.0.0/8'}]}");
	ck_assert_uint_eq(fake_link_find(&desk.link, 1)->latch.round, 3);
}
END_TEST

START_TEST(changes_under_way_keep_their_rounds_apart)
{
	desk_grant(ROOT, "ask", LATCHING);
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'latch':"
				   "'5.5.5.6'}]}"),
			 -EINPROGRESS);
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'conditions':[],"
				   "'remote':null}]}"),
			 -EINPROGRESS);
	/* Neither is in force. */
	ck_assert(latch(1, 0, 0, "5.5.5.5:61000@outside"));
	desk_acknowledge();
	expect_list("5.5.5.6/32", NULL, NULL);
	ck_assert(latch(1, 1, 0, "5.5.5.6:7@outside"));
	desk_acknowledge();
	expect_list("5.5.5.6/32", "5.5.5.6:7", NULL);
	ck_assert_uint_eq(fake_link_find(&desk.link, 1)->latch.round, 1);
	ck_assert_uint_eq(ip_addr_to_v4(&fake_link_find(&desk.link, 1)
						 ->latch.prefix.addr),
			  0x05050506);
}
END_TEST

START_TEST(a_change_that_is_not_acknowledged_forgets_nothing)
{
	desk_grant(ROOT, "ask", LATCHING);
	ck_assert(latch(1, 0, 0, "5.5.5.5:61000@outside"));
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'latch':"
				   "'5.5.5.6'}]}"),
			 -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	expect_list("5.5.5.5/32", "5.5.5.5:61000", NULL);
}
END_TEST

START_TEST(what_cannot_latch_is_refused)
{
	static const char *const members[] = {
		"'latch':'5.5.5.5/8'",
		"'latch':'five'",
		"'latch':5",
		"'latch':'5.5.5.5','protocol':'tcp'",
		"'latch':'5.5.5.5','kind':'terminating'",
		"'keep_source':1",
	};
	char text[256];

	desk_grant(ROOT, "ask", ASK);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		(void)snprintf(text, sizeof(text),
			       "{'group':'g','leases':[" LEASE ",%s}]}",
			       members[i]);
		desk_refuse(ROOT, "ask", text, RPC_INVALID_PARAMS);
	}
	/* It is the outer endpoint's IP version that is asked for. */
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE
		    ",'latch':'2001:db8::/64'}]}",
		    RPC_NO_ENDPOINT);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[{'inner':'2.2.2.2:2222@inside',"
		    "'realm':'outside','ports':3,'latch':'5.5.5.5'}]}",
		    RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "tighten",
		    "{'changes':[{'lease':1,'latch':'2001:db8::/64'}]}",
		    RPC_INVALID_PARAMS);
	expect_list(NULL, NULL, NULL);
}
END_TEST

START_TEST(the_source_is_kept_where_that_is_asked)
{
	const json_t *lease;

	desk_grant(ROOT, "ask",
		   "{'group':'g','leases':[" LEASE ",'keep_source':true}]}");
	ck_assert(fake_link_find(&desk.link, 1)->keep_source);
	ck_assert_int_eq(desk_send(ROOT, "list", NULL), 0);
	lease = json_array_get(json_object_get(desk.reply.result, "leases"), 0);
	ck_assert(json_is_true(json_object_get(lease, "keep_source")));
	desk_grant(ROOT, "tighten", "{'changes':[{'lease':1,'remote':null}]}");
	ck_assert(fake_link_find(&desk.link, 1)->keep_source);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_lease_tells_whom_it_has_latched_on_to,
		what_cannot_be_or_is_over_is_no_news,
		only_a_signalled_change_latches_anew,
		changes_under_way_keep_their_rounds_apart,
		a_change_that_is_not_acknowledged_forgets_nothing,
		what_cannot_latch_is_refused,
		the_source_is_kept_where_that_is_asked,
	};

	return SUITE_RUN("latching", tests, desk_begin, desk_end);
}
