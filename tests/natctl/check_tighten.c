/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/tighten. */
#include <errno.h>

#include "tests/natctl/desk.h"
#include "tests/translator/suite.h"

START_TEST(a_tightening_takes_hold_when_acknowledged)
{
	const struct rule *rule;

	desk_grant(ROOT, "ask", ASK);
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'conditions':"
				   "[{'source':'1.1.1.1'}],"
				   "'remote':'1.1.1.1:1111'}]}"),
			 -EINPROGRESS);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->condition_count,
			  0);
	desk_acknowledge();
	ck_assert_int_eq(desk_number("changed"), 1);
	rule = manager_next_rule(desk.manager, 0);
	ck_assert_uint_eq(rule->condition_count, 1);
	ck_assert_uint_eq(rule->remote.port, 1111);
	rule = fake_link_find(&desk.link, 1);
	ck_assert_uint_eq(rule->condition_count, 1);
	/* What is left out stays; an empty list and null open. */
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'remote':'1.1.1.1'}]}");
	rule = fake_link_find(&desk.link, 1);
	ck_assert_uint_eq(rule->condition_count, 1);
	ck_assert_uint_eq(rule->remote.port, 0);
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'conditions':[],'remote':null}]}");
	rule = fake_link_find(&desk.link, 1);
	ck_assert_uint_eq(rule->condition_count, 0);
	ck_assert_uint_eq(rule->remote.prefix.addr.family, IP_NONE);
}
END_TEST

START_TEST(a_tightening_that_fails_changes_nothing)
{
	desk_grant(ROOT, "ask", ASK);
	desk_refuse(
		ROOT, "tighten",
		"{'changes':[{'lease':1,'conditions':[{'source':'1.1.1.1'}]},"
		"{'lease':2}]}",
		RPC_NOT_FOUND);
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'conditions':"
				   "[{'source':'1.1.1.1'}]}]}"),
			 -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	ck_assert_int_eq(desk.reply.fault.code, RPC_TRANSLATOR_DOWN);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->condition_count,
			  0);
	desk_refuse(ROOT, "tighten",
		    "{'changes':[{'lease':1,'remote':'1.1.1.1:65535'}]}",
		    RPC_INVALID_PARAMS);
	desk.link.is_up = false;
	desk_refuse(ROOT, "tighten", "{'changes':[{'lease':1,'remote':null}]}",
		    RPC_TRANSLATOR_DOWN);
}
END_TEST

START_TEST(changes_of_one_lease_follow_one_another)
{
	const char *half = "{'changes':[{'lease':1,'remote':'5.5.5.5'}]}";
	const char *full = "{'changes':[{'lease':1,'conditions':[],"
			   "'remote':'5.5.5.5'}]}";

	desk_grant(ROOT, "ask", ASK);
	ck_assert_int_eq(desk_send(ROOT, "tighten",
				   "{'changes':[{'lease':1,'conditions':"
				   "[{'source':'1.1.1.1'}]}]}"),
			 -EINPROGRESS);
	desk_refuse(ROOT, "tighten", half, RPC_INVALID_PARAMS);
	ck_assert_int_eq(desk_send(ROOT, "tighten", full), -EINPROGRESS);
	desk_acknowledge();
	desk_acknowledge();
	ck_assert_uint_eq(fake_link_find(&desk.link, 1)->condition_count, 0);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->condition_count,
			  0);
	desk_grant(ROOT, "tighten", half);
}
END_TEST

START_TEST(a_tightening_to_another_machine_needs_the_right)
{
	const char *params = "{'changes':[{'lease':1,'conditions':[{'source':"
			     "'1.1.1.1','target':'2.2.2.3:5@inside'}]}]}";

	desk_grant(PHONE, "ask", ASK);
	desk.own = false;
	desk_refuse(PHONE, "tighten", params, RPC_NOT_AUTHORIZED);
	desk.own = true;
	desk_grant(PHONE, "tighten", params);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_tightening_takes_hold_when_acknowledged,
		a_tightening_that_fails_changes_nothing,
		changes_of_one_lease_follow_one_another,
		a_tightening_to_another_machine_needs_the_right,
	};

	return SUITE_RUN("tighten", tests, desk_begin, desk_end);
}
