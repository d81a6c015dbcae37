/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/lifetime. */
#include <errno.h>

#include "tests/natctl/desk.h"
#include "tests/translator/suite.h"

START_TEST(a_release_is_answered_when_the_rule_is_gone)
{
	desk_grant(ROOT, "ask", STRICT);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
	desk_refuse(ROOT, "release", "{'group':'g'}", RPC_NOT_FOUND);
	desk_refuse(ROOT, "refresh", "{'lease':1,'lifetime':5}", RPC_NOT_FOUND);
	desk_refuse(ROOT, "tighten", "{'changes':[{'lease':1}]}",
		    RPC_NOT_FOUND);
	desk_expect(1, 0, 2, 1);
	desk_clear();
	desk_acknowledge();
	ck_assert_int_eq(desk_number("released"), 1);
	desk_expect(0, 0, 2, 0);
}
END_TEST

/* The rules change in the order in which it was asked. */
START_TEST(an_endpoint_can_be_had_again_while_its_release_is_under_way)
{
	desk_grant(ROOT, "ask", STRICT);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	ck_assert_int_eq(desk_send(ROOT, "ask", STRICT), -EINPROGRESS);
	desk_acknowledge(); /* the release */
	desk_clear();
	desk_acknowledge(); /* the ask */
	ck_assert_ptr_nonnull(json_object_get(desk.reply.result, "leases"));
	desk_expect(1, 2, 0, 1);
}
END_TEST

START_TEST(without_a_translator_a_release_succeeds)
{
	desk_grant(ROOT, "ask", ASK);
	desk.link.is_up = false;
	ck_assert_int_eq(desk_send(ROOT, "release", "{'lease':1}"), 0);
	ck_assert_int_eq(desk_number("released"), 1);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
}
END_TEST

START_TEST(a_release_that_is_not_acknowledged_is_one_all_the_same)
{
	desk_grant(ROOT, "ask", ASK);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'lease':1}"),
			 -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	ck_assert_int_eq(desk_number("released"), 1);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
}
END_TEST

START_TEST(a_group_can_be_released_before_its_ask_is_acknowledged)
{
	struct desk_reply ask_reply;

	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	desk_acknowledge(); /* the ask */
	ck_assert_int_eq(desk.reply.count, 1);
	ck_assert_ptr_nonnull(json_object_get(desk.reply.result, "leases"));
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
	ask_reply = desk.reply;
	desk.reply.result = NULL;
	desk_acknowledge();
	ck_assert_int_eq(desk.reply.count, 2);
	ck_assert_int_eq(desk_number("released"), 1);
	json_decref(ask_reply.result);
	desk_expect(0, 0, 2, 0);
}
END_TEST

START_TEST(an_ask_that_fails_after_its_release_leaves_nothing)
{
	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	ck_assert_int_eq(desk.reply.count, 2);
	ck_assert_int_eq(desk_number("released"), 1);
	desk_expect(0, 0, 2, 0);
	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	desk.link.is_up = false;
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"), 0);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	desk.link.is_up = true;
	desk_expect(0, 0, 4, 0);
}
END_TEST

START_TEST(a_release_is_of_all_or_none)
{
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "ask", ASK);
	desk_refuse(ROOT, "release", "{'leases':[1,2,3]}", RPC_NOT_FOUND);
	desk_expect(2, 4, 0, 2);
	desk_grant(ROOT, "release", "{'leases':[2,1]}");
	ck_assert_int_eq(desk_number("released"), 2);
	desk_expect(0, 0, 4, 0);
}
END_TEST

START_TEST(a_lease_ends_with_its_lifetime_unless_refreshed)
{
	desk_grant(ROOT, "ask",
		   "{'group':'a','lifetime':10,'leases':[" LEASE "}]}");
	desk_grant(ROOT, "ask",
		   "{'group':'b','lifetime':10,'leases':[" LEASE "}]}");
	ck_assert_uint_eq(manager_deadline(desk.manager), desk.now_ms + 10000);
	desk.now_ms += 9000;
	ck_assert_int_eq(desk_send(ROOT, "refresh",
				   "{'group':'b','lifetime':20}"),
			 0);
	ck_assert_int_eq(desk_number("refreshed"), 1);
	desk.now_ms += 999;
	manager_tick(desk.manager, desk.now_ms);
	ck_assert_uint_eq(desk.link.pending_count, 0);
	desk.now_ms += 1;
	manager_tick(desk.manager, desk.now_ms);
	ck_assert_uint_eq(desk.link.pending_count, 1);
	desk_acknowledge();
	desk_expect(1, 2, 2, 1);
	ck_assert_ptr_nonnull(fake_link_find(&desk.link, 2));
	desk.now_ms += 60000;
	manager_tick(desk.manager, desk.now_ms);
	desk_acknowledge();
	desk_expect(0, 0, 2, 0);
	desk.now_ms += 60000;
	manager_tick(desk.manager, desk.now_ms);
	desk_expect(0, 0, 0, 0);
	ck_assert_uint_eq(manager_deadline(desk.manager), UINT64_MAX);
	ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
	ck_assert_int_eq(desk_number("expired"), 2);
}
END_TEST

START_TEST(leases_expire_without_a_translator_as_well)
{
	desk_grant(ROOT, "ask",
		   "{'group':'a','lifetime':1,'leases':[" LEASE "}]}");
	desk.link.is_up = false;
	desk.now_ms += 1000;
	manager_tick(desk.manager, desk.now_ms);
	desk_expect(0, 0, 2, 1);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_release_is_answered_when_the_rule_is_gone,
		an_endpoint_can_be_had_again_while_its_release_is_under_way,
		without_a_translator_a_release_succeeds,
		a_release_that_is_not_acknowledged_is_one_all_the_same,
		a_group_can_be_released_before_its_ask_is_acknowledged,
		an_ask_that_fails_after_its_release_leaves_nothing,
		a_release_is_of_all_or_none,
		a_lease_ends_with_its_lifetime_unless_refreshed,
		leases_expire_without_a_translator_as_well,
	};

	return SUITE_RUN("lifetime", tests, desk_begin, desk_end);
}
