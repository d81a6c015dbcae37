/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/fixed: leases of the configuration. */
#include "natctl/fixed.h"

#include <errno.h>

#include "tests/natctl/desk.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define FIRST "4503599627369472" /* LEASE_ID_FIXED */

static void begin(void)
{
	desk_begin_with("static { inner = \"2.2.2.9:80@inside\" realm = outside"
			" outer = \"3.3.3.3:1332\" protocol = tcp }\n"
			"static { inner = \"2.2.2.9:5000@inside\""
			" realm = outside outer = \"3.3.3.3:1332\""
			" protocol = udp ports = 2 kind = terminating }\n");
}

/* What `list` tells of the first one. */
static json_t *listed(void)
{
	ck_assert_int_eq(desk_send(ROOT, "list", "{'limit':1}"), 0);
	return json_array_get(json_object_get(desk.reply.result, "leases"), 0);
}

START_TEST(they_are_in_force_and_listed_from_the_start)
{
	const struct rule *rule = manager_next_rule(desk.manager, 0);
	json_t *lease = listed();

	ck_assert_ptr_nonnull(rule);
	ck_assert_int_eq(rule->protocol, RULE_TCP);
	ck_assert_uint_eq(rule->timer, GRANT_TIMER_TCP);
	ck_assert_uint_eq(rule->outer.port, 1332);
	rule = manager_next_rule(desk.manager, rule->id);
	ck_assert_ptr_nonnull(rule);
	ck_assert_int_eq(rule->protocol, RULE_UDP);
	ck_assert_int_eq(rule->kind, RULE_TERMINATING);
	ck_assert_uint_eq(rule->ports, 2);
	ck_assert_ptr_null(manager_next_rule(desk.manager, rule->id));
	ck_assert_str_eq(json_string_value(json_object_get(lease, "owner")),
			 "config");
	ck_assert_str_eq(json_string_value(json_object_get(lease, "outer")),
			 "3.3.3.3:1332@outside");
	ck_assert(json_is_null(json_object_get(lease, "expires_in")));
}
END_TEST

START_TEST(nobody_gets_their_endpoints_or_changes_them)
{
	desk_refuse(ROOT, "ask", STRICT, RPC_NOT_AVAILABLE);
	desk_refuse(ROOT, "release", "{'lease':" FIRST "}", RPC_NOT_AUTHORIZED);
	desk_refuse(ROOT, "refresh", "{'lease':" FIRST ",'lifetime':5}",
		    RPC_NOT_AUTHORIZED);
	desk_refuse(ROOT, "release", "{'group':'config'}", RPC_NOT_FOUND);
	desk_refuse(ROOT, "tighten",
		    "{'changes':[{'lease':" FIRST ",'remote':'1.1.1.1'}]}",
		    RPC_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(
		manager_next_rule(desk.manager, LEASE_ID_FIXED - 1));
}
END_TEST

START_TEST(they_never_expire)
{
	manager_tick(desk.manager, UINT64_MAX - 1);
	ck_assert_uint_eq(manager_deadline(desk.manager), UINT64_MAX);
	ck_assert_ptr_nonnull(
		manager_next_rule(desk.manager, LEASE_ID_FIXED - 1));
}
END_TEST

START_TEST(a_group_of_the_same_name_is_another_one)
{
	desk_grant(ROOT, "ask",
		   "{'group':'config','leases':[{'inner':'2.2.2.2:2222@inside',"
		   "'realm':'outside'}]}");
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'config'}"),
			 -EINPROGRESS);
	desk_acknowledge();
	ck_assert_int_eq(desk_number("released"), 1);
	ck_assert_ptr_nonnull(
		manager_next_rule(desk.manager, LEASE_ID_FIXED - 1));
}
END_TEST

START_TEST(without_memory_there_is_no_manager)
{
	struct manager_options options = {
		.conf = desk.conf, .translator = { &fake_link_ops, &desk.link }
	};
	struct manager *manager = NULL;
	unsigned n = 0;

	do {
		ck_assert_ptr_null(manager);
		faults_arm(++n);
		manager = manager_new(&options);
	} while (faults_disarm());
	ck_assert_uint_gt(n, 10);
	ck_assert_ptr_nonnull(manager_next_rule(manager, 1));
	manager_free(manager);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		they_are_in_force_and_listed_from_the_start,
		nobody_gets_their_endpoints_or_changes_them,
		they_never_expire,
		a_group_of_the_same_name_is_another_one,
		without_memory_there_is_no_manager,
	};

	return SUITE_RUN("fixed", tests, begin, desk_end);
}
