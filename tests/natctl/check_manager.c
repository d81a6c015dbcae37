/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/manager. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "natctl/task.h"
#include "tests/natctl/desk.h"
#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

START_TEST(an_ask_is_answered_when_its_rule_is_in_force)
{
	const struct rule *rule;
	json_t *lease;

	ck_assert_int_eq(desk_send(ROOT, "ask", STRICT), -EINPROGRESS);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
	desk_acknowledge();
	ck_assert_int_eq(desk.reply.count, 1);
	ck_assert_int_eq(desk_number("epoch"), DESK_EPOCH);
	lease = json_array_get(json_object_get(desk.reply.result, "leases"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(lease, "outer")),
			 "3.3.3.3:1332@outside");
	rule = fake_link_find(&desk.link, 1);
	ck_assert_ptr_nonnull(rule);
	ck_assert_uint_eq(rule->outer.port, 1332);
	ck_assert_uint_eq(rule->ports, 2);
	ck_assert_uint_eq(rule->timer, 300);
	ck_assert_str_eq(rule->group, "g");
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->id, 1);
	desk_expect(1, 2, 0, 1);
}
END_TEST

START_TEST(all_leases_of_an_ask_are_granted_or_none)
{
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE "}," LEASE
		    ",'request':{'outer':'9.9.9.9','mode':'strict'}}]}",
		    RPC_NOT_AVAILABLE);
	ck_assert_uint_eq(desk.link.pending_count, 0);
	desk_expect(0, 0, 0, 0);
	desk_grant(ROOT, "ask",
		   "{'group':'g','leases':[" LEASE "},"
		   "{'inner':'2.2.2.9:5@inside','realm':'outside'}]}");
	ck_assert_uint_eq(json_array_size(
				  json_object_get(desk.reply.result, "leases")),
			  2);
	desk_expect(2, 3, 0, 2);
}
END_TEST

START_TEST(without_a_translator_an_ask_fails_at_once)
{
	desk.link.is_up = false;
	desk_refuse(ROOT, "ask", ASK, RPC_TRANSLATOR_DOWN);
	desk_expect(0, 0, 0, 0);
	desk.link.is_up = true;
	desk.link.refuse = -ENOBUFS;
	desk_refuse(ROOT, "ask", ASK, RPC_TRANSLATOR_DOWN);
	desk.link.refuse = -EMSGSIZE;
	desk_refuse(ROOT, "ask", ASK, RPC_LIMIT);
	desk.link.refuse = 0;
	desk_expect(0, 0, 0, 0);
}
END_TEST

START_TEST(an_ask_that_is_not_acknowledged_is_undone)
{
	ck_assert_int_eq(desk_send(ROOT, "ask", STRICT), -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	ck_assert_int_eq(desk.reply.count, 1);
	ck_assert_int_eq(desk.reply.fault.code, RPC_TRANSLATOR_DOWN);
	/* The rule may have been in force for a moment. */
	desk_expect(0, 0, 2, 0);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
	desk_grant(ROOT, "ask", STRICT);
	desk_expect(1, 2, 0, 1);
}
END_TEST

START_TEST(an_ask_that_the_translator_refuses_is_undone)
{
	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	fake_link_end_all(&desk.link, -EADDRINUSE, desk.now_ms);
	ck_assert_int_eq(desk.reply.fault.code, RPC_NOT_AVAILABLE);
	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	fake_link_end_all(&desk.link, -ENOMEM, desk.now_ms);
	ck_assert_int_eq(desk.reply.fault.code, RPC_INTERNAL_ERROR);
	desk_expect(0, 0, 4, 0);
}
END_TEST

START_TEST(inner_endpoints_that_cannot_be_are_refused)
{
	static const char *const bad[] = {
		"2.2.2.2:65535@inside",      "127.0.0.1:5@inside",
		"224.0.0.1:5@inside",        "0.0.0.0:5@inside",
		"255.255.255.255:5@outside", "9.9.9.9:5@inside",
		"3.3.3.3:1000@outside",      "3.3.3.3:999@outside",
	};
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "{'group':'g','leases':[{'inner':'%s','ports':2,"
			       "'realm':'outside'}]}",
			       bad[i]);
		desk_refuse(ROOT, "ask", text, RPC_INVALID_PARAMS);
	}
	/* A host in the realm that is asked for: anchored there. */
	desk_grant(ROOT, "ask",
		   "{'group':'g','leases':[{'inner':'9.9.9.9:5@outside',"
		   "'realm':'outside'}]}");
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE
		    ",'conditions':[{'source':'1.1.1.1',"
		    "'target':'127.0.0.1:5@inside'}]}]}",
		    RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE
		    ",'conditions':[{'source':'2001:db8::/32'},"
		    "{'source':'1.1.1.1'}]}]}",
		    RPC_INVALID_PARAMS);
	/* Whom it is for is of IPv6, and no pool is. */
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE
		    ",'conditions':[{'source':'2001:db8::/32'}]}]}",
		    RPC_NO_ENDPOINT);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE ",'family':'ipv6'}]}",
		    RPC_NO_ENDPOINT);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE ",'family':'ipv5'}]}",
		    RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[" LEASE
		    ",'remote':'2001:db8::1','family':'ipv4'}]}",
		    RPC_INVALID_PARAMS);
	desk_expect(1, 1, 0, 1);
}
END_TEST

START_TEST(a_realm_without_a_pool_has_no_endpoint)
{
	desk_refuse(ROOT, "ask",
		    "{'group':'g','leases':[{'inner':'9.9.9.9:5@outside',"
		    "'realm':'inside'}]}",
		    RPC_NO_ENDPOINT);
}
END_TEST

START_TEST(the_same_inner_address_of_two_realms_has_two_leases)
{
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "ask",
		   "{'group':'h','leases':[{'inner':'2.2.2.2:2222@other',"
		   "'realm':'outside','ports':2}]}");
	ck_assert(!endpoint_equal(&fake_link_find(&desk.link, 1)->outer,
				  &fake_link_find(&desk.link, 2)->outer));
}
END_TEST

START_TEST(a_client_sees_and_changes_only_its_own)
{
	desk_grant(ROOT, "ask", ASK);
	desk_grant(PHONE, "ask", ASK);
	ck_assert_int_eq(desk_send(PHONE, "list", "{}"), 0);
	ck_assert_uint_eq(json_array_size(
				  json_object_get(desk.reply.result, "leases")),
			  1);
	desk_refuse(PHONE, "release", "{'lease':1}", RPC_NOT_FOUND);
	desk_refuse(PHONE, "refresh", "{'lease':1,'lifetime':5}",
		    RPC_NOT_FOUND);
	desk_refuse(PHONE, "tighten", "{'changes':[{'lease':1}]}",
		    RPC_NOT_FOUND);
	desk_refuse(OTHER, "release", "{'group':'g'}", RPC_NOT_FOUND);
	desk_grant(PHONE, "release", "{'group':'g'}");
	ck_assert_int_eq(desk_number("released"), 1);
	ck_assert_ptr_nonnull(fake_link_find(&desk.link, 1));
	desk_grant(PHONE, "ask", ASK);
	desk_grant(OWNER, "release", "{'group':'g'}");
	ck_assert_int_eq(desk_number("released"), 2);
}
END_TEST

START_TEST(policy_refuses_what_is_beyond_it)
{
	desk_refuse(9999, "ask", ASK, RPC_NOT_AUTHORIZED);
	desk_refuse(9999, "status", NULL, RPC_NOT_AUTHORIZED);
	desk.own = false;
	desk_refuse(PHONE, "ask", ASK, RPC_NOT_AUTHORIZED);
	desk.own = true;
	desk_grant(PHONE, "ask", ASK);
	desk_refuse(PHONE, "ask",
		    "{'group':'g','leases':[" LEASE "}," LEASE "}," LEASE "}]}",
		    RPC_LIMIT);
	desk_refuse(PHONE, "ask",
		    "{'group':'g','lifetime':601,'leases':[" LEASE "}]}",
		    RPC_LIMIT);
	desk_refuse(PHONE, "refresh", "{'group':'g','lifetime':601}",
		    RPC_LIMIT);
	desk_refuse(OTHER, "ask", STRICT, RPC_NOT_AUTHORIZED);
	desk_grant(OTHER, "ask", ASK);
	desk_refuse(OTHER, "ask", ASK, RPC_NO_ENDPOINT);
	ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
	ck_assert_int_eq(desk_number("refused"), 8);
}
END_TEST

START_TEST(unknown_methods_and_parameters_are_refused)
{
	desk_refuse(ROOT, "grant", NULL, RPC_METHOD_NOT_FOUND);
	desk_refuse(ROOT, "ask", NULL, RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "status", "{'x':1}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "pools", "{'x':1}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "list", "{'limit':101}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "refresh", "{'group':'g'}", RPC_INVALID_PARAMS);
}
END_TEST

START_TEST(a_group_has_a_limit)
{
	struct lease_table *leases = &desk.manager->leases;
	struct lease *lease;

	for (size_t i = 1; i < LEASE_GROUP_MAX; i++)
		ck_assert_int_eq(lease_add(leases, ROOT, "g", &lease), 0);
	desk_grant(ROOT, "ask", ASK);
	desk_refuse(ROOT, "ask", ASK, RPC_LIMIT);
	desk_expect(LEASE_GROUP_MAX, 2, 0, 1);
	for (uint64_t id = 1; id < LEASE_GROUP_MAX; id++)
		lease_remove(leases, lease_find(leases, id));
}
END_TEST

START_TEST(leases_and_rules_stay_in_step_whatever_happens)
{
	srandom(11);
	for (int round = 0; round < 4000; round++) {
		const struct rule *rule = NULL;
		char params[512];
		int what = (int)(random() % 8);
		int group = (int)(random() % 8);

		desk.now_ms += (uint64_t)random() % 500;
		(void)snprintf(params, sizeof(params),
			       "{'group':'g%d','lifetime':%ld,'leases':[" LEASE
			       "}," LEASE "}]}",
			       group, 1 + random() % 60);
		if (what < 3)
			(void)desk_send(ROOT, "ask", params);
		(void)snprintf(params, sizeof(params), "{'group':'g%d'}",
			       group);
		if (what == 3)
			(void)desk_send(ROOT, "release", params);
		if (what >= 4)
			(void)fake_link_end(&desk.link,
					    random() % 9 == 0 ? -ENOMEM : 0,
					    desk.now_ms);
		if (random() % 50 == 0) {
			/* The link dies; what is in force is put anew. */
			desk.link.is_up = false;
			fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
			fake_link_init(&desk.link);
			while ((rule = manager_next_rule(
					desk.manager,
					rule == NULL ? 0 : rule->id)) != NULL)
				desk.link.rules[rule->id % FAKE_RULES].rule =
					*rule;
		}
		manager_tick(desk.manager, desk.now_ms);
	}
	desk.now_ms += 3600 * 1000;
	fake_link_end_all(&desk.link, 0, desk.now_ms);
	for (int i = 0; i < 3; i++) {
		desk.now_ms += 3600 * 1000;
		manager_tick(desk.manager, desk.now_ms);
		fake_link_end_all(&desk.link, 0, desk.now_ms);
	}
	desk_expect(0, 0, 0, 0);
}
END_TEST

static const struct step {
	const char *method, *params;
} steps[] = {
	{ "ask", STRICT },
	{ "ask", "{'group':'h','leases':[" LEASE
		 ",'conditions':[{'source':'1.1.1.1'}]}," LEASE "}]}" },
	{ "tighten", "{'changes':[{'lease':1,'conditions':"
		     "[{'source':'1.1.1.1'}]}]}" },
	{ "tighten", "{'changes':[{'lease':1,'remote':'1.1.1.1'}]}" },
	{ "refresh", "{'group':'g','lifetime':60}" },
	{ "list", "{}" },
	{ "pools", "{}" },
	{ "status", "{}" },
	{ "release", "{'group':'g'}" },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/*
 * One answer each, a result or a fault? The test library allocates as well:
 * so nothing of it is used here.
 */
static bool run_step(const struct step *step, const json_t *params)
{
	struct manager_request request = { .uid = ROOT,
					   .method = step->method,
					   .params = params };
	struct manager_answer answer;
	int rc;

	desk_clear();
	rc = manager_request(desk.manager, &request, desk.now_ms,
			     desk_on_answer, &desk.reply, &answer);
	if (rc == -EINPROGRESS) {
		fake_link_end_all(&desk.link, 0, desk.now_ms);
		return desk.reply.count == 1 && (desk.reply.result != NULL ||
						 desk.reply.fault.code != 0);
	}
	desk.reply.result = answer.result;
	desk.reply.fault = answer.fault;
	return rc == 0 && desk.reply.count == 0 &&
	       (desk.reply.result != NULL || desk.reply.fault.code != 0);
}

START_TEST(a_lack_of_memory_is_told_and_leaves_nothing)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		json_t *params[STEPS];
		bool good = true;

		desk_end();
		desk_begin();
		for (size_t i = 0; i < STEPS; i++)
			params[i] = sample_json(steps[i].params);
		faults_arm(n);
		for (size_t i = 0; i < STEPS; i++)
			good &= run_step(&steps[i], params[i]);
		failed = faults_disarm();
		ck_assert(good);
		for (size_t i = 0; i < STEPS; i++)
			json_decref(params[i]);
		desk.now_ms += 2 * 3600 * 1000;
		manager_tick(desk.manager, desk.now_ms);
		fake_link_end_all(&desk.link, 0, desk.now_ms);
		desk.now_ms += 60000;
		manager_tick(desk.manager, desk.now_ms);
		desk_expect(0, 0, 0, 0);
		ck_assert_uint_lt(n, 2000);
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_ask_is_answered_when_its_rule_is_in_force,
		all_leases_of_an_ask_are_granted_or_none,
		without_a_translator_an_ask_fails_at_once,
		an_ask_that_is_not_acknowledged_is_undone,
		an_ask_that_the_translator_refuses_is_undone,
		inner_endpoints_that_cannot_be_are_refused,
		a_realm_without_a_pool_has_no_endpoint,
		the_same_inner_address_of_two_realms_has_two_leases,
		a_client_sees_and_changes_only_its_own,
		policy_refuses_what_is_beyond_it,
		unknown_methods_and_parameters_are_refused,
		a_group_has_a_limit,
		leases_and_rules_stay_in_step_whatever_happens,
		a_lack_of_memory_is_told_and_leaves_nothing,
	};

	return SUITE_RUN("manager", tests, desk_begin, desk_end);
}
