/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/manager and of the files of its tasks. */
#include "natctl/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/natctl/fake_link.h"
#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define EPOCH 4711
#define OWNER 500
#define ROOT  0
#define PHONE 4321 /* has a section of its own */
#define OTHER 4322 /* likewise */

#define LEASE "{'inner':'2.2.2.2:2222@inside','realm':'outside','ports':2"
#define ASK   "{'group':'g','leases':[" LEASE "}]}"
#define STRICT                                                    \
	"{'group':'g','leases':[" LEASE ",'request':{'outer':'3." \
	"3.3.3:1332','mode':'strict'}}]}"

struct reply {
	int count;      /* how often it was called */
	json_t *result; /* owned */
	struct fault fault;
};

static struct conf *conf;
static struct manager *manager;
static struct fake_link link_to;
static struct reply reply;
static uint64_t now_ms;
static bool own;

static void clear(void)
{
	json_decref(reply.result);
	memset(&reply, 0, sizeof(reply));
}

static void on_answer(struct manager_answer *answer, void *arg)
{
	struct reply *to = arg;

	to->count++;
	json_decref(to->result);
	to->result = answer->result;
	to->fault = answer->fault;
}

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)endpoint;
	(void)arg;
	return own;
}

static void begin(void)
{
	struct manager_options options = {
		.seed = 3, .epoch = EPOCH, .owner = OWNER, .is_own = is_own
	};

	json_set_alloc_funcs(malloc, free);
	conf = sample_conf(SAMPLE_INSIDE SAMPLE_OUTSIDE(
		"\"3.3.3.0/30:1000-1999\"") "client phone { user = \"4321\" realms = {\"outside\"}"
					    " max_leases = 3 max_lifetime = 600 }\n"
					    "client other { user = \"4322\" realms = {\"outside\"}"
					    " third_party = yes outer = {\"3.3.3.2:1000-1001\"} }\n");
	faults_begin();
	fake_link_init(&link_to);
	options.conf = conf;
	options.translator.ops = &fake_link_ops;
	options.translator.link = &link_to;
	manager = manager_new(&options);
	ck_assert_ptr_nonnull(manager);
	memset(&reply, 0, sizeof(reply));
	now_ms = 1000000;
	own = true;
}

static void end(void)
{
	fake_link_done(&link_to);
	manager_free(manager);
	clear();
	faults_end();
	conf_free(conf);
}

/* -EINPROGRESS, or 0 with the answer in `reply`. */
static int send_as(uint32_t uid, const char *method, const char *params)
{
	json_t *json = params == NULL ? NULL : sample_json(params);
	struct manager_request request = { uid, method, json };
	struct manager_answer answer;
	int rc;

	clear();
	rc = manager_request(manager, &request, now_ms, on_answer, &reply,
			     &answer);
	if (rc == 0) {
		reply.result = answer.result;
		reply.fault = answer.fault;
	}
	ck_assert_int_eq(reply.count, 0);
	json_decref(json);
	return rc;
}

static void acknowledge(void)
{
	ck_assert(fake_link_end(&link_to, 0, now_ms));
}

/* A request that the translator acknowledges at once. */
static void grant_as(uint32_t uid, const char *method, const char *params)
{
	ck_assert_msg(send_as(uid, method, params) == -EINPROGRESS, "%s",
		      reply.fault.reason);
	acknowledge();
	ck_assert_int_eq(reply.count, 1);
	ck_assert_ptr_nonnull(reply.result);
}

static void refuse_as(uint32_t uid, const char *method, const char *params,
		      enum rpc_code code)
{
	ck_assert_msg(send_as(uid, method, params) == 0, "taken: %s", params);
	ck_assert_ptr_null(reply.result);
	ck_assert_msg(reply.fault.code == code, "%d %s", reply.fault.code,
		      reply.fault.reason);
}

static json_int_t number(const char *name)
{
	return json_integer_value(json_object_get(reply.result, name));
}

/* leases, pool's leased and held, rules */
static void expect(size_t leases, size_t leased, size_t held, size_t rules)
{
	json_t *pool;

	ck_assert_int_eq(send_as(ROOT, "status", NULL), 0);
	ck_assert_int_eq(number("leases"), (json_int_t)leases);
	ck_assert_int_eq(send_as(ROOT, "pools", NULL), 0);
	pool = json_array_get(json_object_get(reply.result, "pools"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "leased")),
			 (json_int_t)leased);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "held")),
			 (json_int_t)held);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "free")),
			 (json_int_t)(4000 - leased - held));
	ck_assert_uint_eq(fake_link_count(&link_to), rules);
}

START_TEST(an_ask_is_answered_when_its_rule_is_in_force)
{
	const struct rule *rule;
	json_t *lease;

	ck_assert_int_eq(send_as(ROOT, "ask", STRICT), -EINPROGRESS);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
	acknowledge();
	ck_assert_int_eq(reply.count, 1);
	ck_assert_int_eq(number("epoch"), EPOCH);
	lease = json_array_get(json_object_get(reply.result, "leases"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(lease, "outer")),
			 "3.3.3.3:1332@outside");
	rule = fake_link_find(&link_to, 1);
	ck_assert_ptr_nonnull(rule);
	ck_assert_uint_eq(rule->outer.port, 1332);
	ck_assert_uint_eq(rule->ports, 2);
	ck_assert_uint_eq(rule->timer, 300);
	ck_assert_str_eq(rule->group, "g");
	ck_assert_uint_eq(manager_next_rule(manager, 0)->id, 1);
	expect(1, 2, 0, 1);
}
END_TEST

START_TEST(all_leases_of_an_ask_are_granted_or_none)
{
	refuse_as(ROOT, "ask",
		  "{'group':'g','leases':[" LEASE "}," LEASE
		  ",'request':{'outer':'9.9.9.9','mode':'strict'}}]}",
		  RPC_NOT_AVAILABLE);
	ck_assert_uint_eq(link_to.pending_count, 0);
	expect(0, 0, 0, 0);
	grant_as(ROOT, "ask",
		 "{'group':'g','leases':[" LEASE "},"
		 "{'inner':'2.2.2.9:5@inside','realm':'outside'}]}");
	ck_assert_uint_eq(json_array_size(
				  json_object_get(reply.result, "leases")),
			  2);
	expect(2, 3, 0, 2);
}
END_TEST

START_TEST(without_a_translator_an_ask_fails_at_once)
{
	link_to.is_up = false;
	refuse_as(ROOT, "ask", ASK, RPC_TRANSLATOR_DOWN);
	expect(0, 0, 0, 0);
	link_to.is_up = true;
	link_to.refuse = -ENOBUFS;
	refuse_as(ROOT, "ask", ASK, RPC_TRANSLATOR_DOWN);
	link_to.refuse = -EMSGSIZE;
	refuse_as(ROOT, "ask", ASK, RPC_LIMIT);
	link_to.refuse = 0;
	expect(0, 0, 0, 0);
}
END_TEST

START_TEST(an_ask_that_is_not_acknowledged_is_undone)
{
	ck_assert_int_eq(send_as(ROOT, "ask", STRICT), -EINPROGRESS);
	fake_link_end_all(&link_to, -ECONNRESET, now_ms);
	ck_assert_int_eq(reply.count, 1);
	ck_assert_int_eq(reply.fault.code, RPC_TRANSLATOR_DOWN);
	/* The rule may have been in force for a moment. */
	expect(0, 0, 2, 0);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
	grant_as(ROOT, "ask", STRICT);
	expect(1, 2, 0, 1);
}
END_TEST

START_TEST(an_ask_that_the_translator_refuses_is_undone)
{
	ck_assert_int_eq(send_as(ROOT, "ask", ASK), -EINPROGRESS);
	fake_link_end_all(&link_to, -EADDRINUSE, now_ms);
	ck_assert_int_eq(reply.fault.code, RPC_NOT_AVAILABLE);
	ck_assert_int_eq(send_as(ROOT, "ask", ASK), -EINPROGRESS);
	fake_link_end_all(&link_to, -ENOMEM, now_ms);
	ck_assert_int_eq(reply.fault.code, RPC_INTERNAL_ERROR);
	expect(0, 0, 4, 0);
}
END_TEST

START_TEST(a_release_is_answered_when_the_rule_is_gone)
{
	grant_as(ROOT, "ask", STRICT);
	ck_assert_int_eq(send_as(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
	refuse_as(ROOT, "release", "{'group':'g'}", RPC_NOT_FOUND);
	refuse_as(ROOT, "refresh", "{'lease':1,'lifetime':5}", RPC_NOT_FOUND);
	refuse_as(ROOT, "tighten", "{'changes':[{'lease':1}]}", RPC_NOT_FOUND);
	expect(1, 2, 0, 1);
	clear();
	acknowledge();
	ck_assert_int_eq(number("released"), 1);
	expect(0, 0, 2, 0);
}
END_TEST

START_TEST(without_a_translator_a_release_succeeds)
{
	grant_as(ROOT, "ask", ASK);
	link_to.is_up = false;
	ck_assert_int_eq(send_as(ROOT, "release", "{'lease':1}"), 0);
	ck_assert_int_eq(number("released"), 1);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
}
END_TEST

START_TEST(a_release_that_is_not_acknowledged_is_one_all_the_same)
{
	grant_as(ROOT, "ask", ASK);
	ck_assert_int_eq(send_as(ROOT, "release", "{'lease':1}"), -EINPROGRESS);
	fake_link_end_all(&link_to, -ECONNRESET, now_ms);
	ck_assert_int_eq(number("released"), 1);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
}
END_TEST

START_TEST(a_group_can_be_released_before_its_ask_is_acknowledged)
{
	struct reply ask_reply;

	ck_assert_int_eq(send_as(ROOT, "ask", ASK), -EINPROGRESS);
	ck_assert_int_eq(send_as(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	acknowledge(); /* the ask */
	ck_assert_int_eq(reply.count, 1);
	ck_assert_ptr_nonnull(json_object_get(reply.result, "leases"));
	ck_assert_ptr_null(manager_next_rule(manager, 0));
	ask_reply = reply;
	reply.result = NULL;
	acknowledge();
	ck_assert_int_eq(reply.count, 2);
	ck_assert_int_eq(number("released"), 1);
	json_decref(ask_reply.result);
	expect(0, 0, 2, 0);
}
END_TEST

START_TEST(an_ask_that_fails_after_its_release_leaves_nothing)
{
	ck_assert_int_eq(send_as(ROOT, "ask", ASK), -EINPROGRESS);
	ck_assert_int_eq(send_as(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	fake_link_end_all(&link_to, -ECONNRESET, now_ms);
	ck_assert_int_eq(reply.count, 2);
	ck_assert_int_eq(number("released"), 1);
	expect(0, 0, 2, 0);
	ck_assert_int_eq(send_as(ROOT, "ask", ASK), -EINPROGRESS);
	link_to.is_up = false;
	ck_assert_int_eq(send_as(ROOT, "release", "{'group':'g'}"), 0);
	fake_link_end_all(&link_to, -ECONNRESET, now_ms);
	link_to.is_up = true;
	expect(0, 0, 4, 0);
}
END_TEST

START_TEST(a_release_is_of_all_or_none)
{
	grant_as(ROOT, "ask", ASK);
	grant_as(ROOT, "ask", ASK);
	refuse_as(ROOT, "release", "{'leases':[1,2,3]}", RPC_NOT_FOUND);
	expect(2, 4, 0, 2);
	grant_as(ROOT, "release", "{'leases':[2,1]}");
	ck_assert_int_eq(number("released"), 2);
	expect(0, 0, 4, 0);
}
END_TEST

START_TEST(a_lease_ends_with_its_lifetime_unless_refreshed)
{
	grant_as(ROOT, "ask",
		 "{'group':'a','lifetime':10,'leases':[" LEASE "}]}");
	grant_as(ROOT, "ask",
		 "{'group':'b','lifetime':10,'leases':[" LEASE "}]}");
	ck_assert_uint_eq(manager_deadline(manager), now_ms + 10000);
	now_ms += 9000;
	ck_assert_int_eq(send_as(ROOT, "refresh",
				 "{'group':'b','lifetime':20}"),
			 0);
	ck_assert_int_eq(number("refreshed"), 1);
	now_ms += 999;
	manager_tick(manager, now_ms);
	ck_assert_uint_eq(link_to.pending_count, 0);
	now_ms += 1;
	manager_tick(manager, now_ms);
	ck_assert_uint_eq(link_to.pending_count, 1);
	acknowledge();
	expect(1, 2, 2, 1);
	ck_assert_ptr_nonnull(fake_link_find(&link_to, 2));
	now_ms += 60000;
	manager_tick(manager, now_ms);
	acknowledge();
	expect(0, 0, 2, 0);
	now_ms += 60000;
	manager_tick(manager, now_ms);
	expect(0, 0, 0, 0);
	ck_assert_uint_eq(manager_deadline(manager), UINT64_MAX);
	ck_assert_int_eq(send_as(ROOT, "status", NULL), 0);
	ck_assert_int_eq(number("expired"), 2);
}
END_TEST

START_TEST(leases_expire_without_a_translator_as_well)
{
	grant_as(ROOT, "ask",
		 "{'group':'a','lifetime':1,'leases':[" LEASE "}]}");
	link_to.is_up = false;
	now_ms += 1000;
	manager_tick(manager, now_ms);
	expect(0, 0, 2, 1);
	ck_assert_ptr_null(manager_next_rule(manager, 0));
}
END_TEST

START_TEST(a_tightening_takes_hold_when_acknowledged)
{
	const struct rule *rule;

	grant_as(ROOT, "ask", ASK);
	ck_assert_int_eq(send_as(ROOT, "tighten",
				 "{'changes':[{'lease':1,'conditions':"
				 "[{'source':'1.1.1.1'}],"
				 "'remote':'1.1.1.1:1111'}]}"),
			 -EINPROGRESS);
	ck_assert_uint_eq(manager_next_rule(manager, 0)->condition_count, 0);
	acknowledge();
	ck_assert_int_eq(number("changed"), 1);
	rule = manager_next_rule(manager, 0);
	ck_assert_uint_eq(rule->condition_count, 1);
	ck_assert_uint_eq(rule->remote.port, 1111);
	rule = fake_link_find(&link_to, 1);
	ck_assert_uint_eq(rule->condition_count, 1);
	/* What is left out stays; an empty list and null open. */
	grant_as(ROOT, "tighten",
		 "{'changes':[{'lease':1,'remote':'1.1.1.1'}]}");
	rule = fake_link_find(&link_to, 1);
	ck_assert_uint_eq(rule->condition_count, 1);
	ck_assert_uint_eq(rule->remote.port, 0);
	grant_as(ROOT, "tighten",
		 "{'changes':[{'lease':1,'conditions':[],'remote':null}]}");
	rule = fake_link_find(&link_to, 1);
	ck_assert_uint_eq(rule->condition_count, 0);
	ck_assert_uint_eq(rule->remote.prefix.addr.family, IP_NONE);
}
END_TEST

START_TEST(a_tightening_that_fails_changes_nothing)
{
	grant_as(ROOT, "ask", ASK);
	refuse_as(ROOT, "tighten",
		  "{'changes':[{'lease':1,'conditions':[{'source':'1.1.1.1'}]},"
		  "{'lease':2}]}",
		  RPC_NOT_FOUND);
	ck_assert_int_eq(send_as(ROOT, "tighten",
				 "{'changes':[{'lease':1,'conditions':"
				 "[{'source':'1.1.1.1'}]}]}"),
			 -EINPROGRESS);
	fake_link_end_all(&link_to, -ECONNRESET, now_ms);
	ck_assert_int_eq(reply.fault.code, RPC_TRANSLATOR_DOWN);
	ck_assert_uint_eq(manager_next_rule(manager, 0)->condition_count, 0);
	refuse_as(ROOT, "tighten",
		  "{'changes':[{'lease':1,'remote':'1.1.1.1:65535'}]}",
		  RPC_INVALID_PARAMS);
	link_to.is_up = false;
	refuse_as(ROOT, "tighten", "{'changes':[{'lease':1,'remote':null}]}",
		  RPC_TRANSLATOR_DOWN);
}
END_TEST

START_TEST(changes_of_one_lease_follow_one_another)
{
	const char *half = "{'changes':[{'lease':1,'remote':'5.5.5.5'}]}";
	const char *full = "{'changes':[{'lease':1,'conditions':[],"
			   "'remote':'5.5.5.5'}]}";

	grant_as(ROOT, "ask", ASK);
	ck_assert_int_eq(send_as(ROOT, "tighten",
				 "{'changes':[{'lease':1,'conditions':"
				 "[{'source':'1.1.1.1'}]}]}"),
			 -EINPROGRESS);
	refuse_as(ROOT, "tighten", half, RPC_INVALID_PARAMS);
	ck_assert_int_eq(send_as(ROOT, "tighten", full), -EINPROGRESS);
	acknowledge();
	acknowledge();
	ck_assert_uint_eq(fake_link_find(&link_to, 1)->condition_count, 0);
	ck_assert_uint_eq(manager_next_rule(manager, 0)->condition_count, 0);
	grant_as(ROOT, "tighten", half);
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
		refuse_as(ROOT, "ask", text, RPC_INVALID_PARAMS);
	}
	/* A host in the realm that is asked for: anchored there. */
	grant_as(ROOT, "ask",
		 "{'group':'g','leases':[{'inner':'9.9.9.9:5@outside',"
		 "'realm':'outside'}]}");
	refuse_as(ROOT, "ask",
		  "{'group':'g','leases':[" LEASE
		  ",'conditions':[{'source':'1.1.1.1',"
		  "'target':'127.0.0.1:5@inside'}]}]}",
		  RPC_INVALID_PARAMS);
	refuse_as(ROOT, "ask",
		  "{'group':'g','leases':[" LEASE
		  ",'conditions':[{'source':'2001:db8::/32'}]}]}",
		  RPC_INVALID_PARAMS);
	expect(1, 1, 0, 1);
}
END_TEST

START_TEST(a_realm_without_a_pool_has_no_endpoint)
{
	refuse_as(ROOT, "ask",
		  "{'group':'g','leases':[{'inner':'9.9.9.9:5@outside',"
		  "'realm':'inside'}]}",
		  RPC_NO_ENDPOINT);
}
END_TEST

START_TEST(the_same_inner_address_of_two_realms_has_two_leases)
{
	grant_as(ROOT, "ask", ASK);
	grant_as(ROOT, "ask",
		 "{'group':'h','leases':[{'inner':'2.2.2.2:2222@other',"
		 "'realm':'outside','ports':2}]}");
	ck_assert(!endpoint_equal(&fake_link_find(&link_to, 1)->outer,
				  &fake_link_find(&link_to, 2)->outer));
}
END_TEST

START_TEST(a_client_sees_and_changes_only_its_own)
{
	grant_as(ROOT, "ask", ASK);
	grant_as(PHONE, "ask", ASK);
	ck_assert_int_eq(send_as(PHONE, "list", "{}"), 0);
	ck_assert_uint_eq(json_array_size(
				  json_object_get(reply.result, "leases")),
			  1);
	refuse_as(PHONE, "release", "{'lease':1}", RPC_NOT_FOUND);
	refuse_as(PHONE, "refresh", "{'lease':1,'lifetime':5}", RPC_NOT_FOUND);
	refuse_as(PHONE, "tighten", "{'changes':[{'lease':1}]}", RPC_NOT_FOUND);
	refuse_as(OTHER, "release", "{'group':'g'}", RPC_NOT_FOUND);
	grant_as(PHONE, "release", "{'group':'g'}");
	ck_assert_int_eq(number("released"), 1);
	ck_assert_ptr_nonnull(fake_link_find(&link_to, 1));
	grant_as(PHONE, "ask", ASK);
	grant_as(OWNER, "release", "{'group':'g'}");
	ck_assert_int_eq(number("released"), 2);
}
END_TEST

START_TEST(policy_refuses_what_is_beyond_it)
{
	refuse_as(9999, "ask", ASK, RPC_NOT_AUTHORIZED);
	refuse_as(9999, "status", NULL, RPC_NOT_AUTHORIZED);
	own = false;
	refuse_as(PHONE, "ask", ASK, RPC_NOT_AUTHORIZED);
	own = true;
	grant_as(PHONE, "ask", ASK);
	refuse_as(PHONE, "ask",
		  "{'group':'g','leases':[" LEASE "}," LEASE "}," LEASE "}]}",
		  RPC_LIMIT);
	refuse_as(PHONE, "ask",
		  "{'group':'g','lifetime':601,'leases':[" LEASE "}]}",
		  RPC_LIMIT);
	refuse_as(PHONE, "refresh", "{'group':'g','lifetime':601}", RPC_LIMIT);
	refuse_as(OTHER, "ask", STRICT, RPC_NOT_AUTHORIZED);
	grant_as(OTHER, "ask", ASK);
	refuse_as(OTHER, "ask", ASK, RPC_NO_ENDPOINT);
	ck_assert_int_eq(send_as(ROOT, "status", NULL), 0);
	ck_assert_int_eq(number("refused"), 8);
}
END_TEST

START_TEST(a_tightening_to_another_machine_needs_the_right)
{
	const char *params = "{'changes':[{'lease':1,'conditions':[{'source':"
			     "'1.1.1.1','target':'2.2.2.3:5@inside'}]}]}";

	grant_as(PHONE, "ask", ASK);
	own = false;
	refuse_as(PHONE, "tighten", params, RPC_NOT_AUTHORIZED);
	own = true;
	grant_as(PHONE, "tighten", params);
}
END_TEST

START_TEST(lists_come_in_pages)
{
	json_int_t after = 0;
	size_t pages = 0;
	size_t found = 0;
	char params[64];
	bool more = true;

	for (int i = 0; i < 250; i++)
		grant_as(ROOT, "ask",
			 i % 2 ? ASK : "{'group':'h','leases':[" LEASE "}]}");
	while (more) {
		json_t *leases;

		(void)snprintf(params, sizeof(params), "{'after':%lld}",
			       (long long)after);
		ck_assert_int_eq(send_as(ROOT, "list", params), 0);
		leases = json_object_get(reply.result, "leases");
		for (size_t i = 0; i < json_array_size(leases); i++) {
			json_t *id = json_object_get(json_array_get(leases, i),
						     "id");

			ck_assert_int_gt(json_integer_value(id), after);
			after = json_integer_value(id);
		}
		found += json_array_size(leases);
		more = json_is_true(json_object_get(reply.result, "more"));
		pages++;
	}
	ck_assert_uint_eq(found, 250);
	ck_assert_uint_eq(pages, 3);
	ck_assert_int_eq(send_as(ROOT, "list", "{'group':'h','limit':2}"), 0);
	ck_assert(json_is_true(json_object_get(reply.result, "more")));
	ck_assert_int_eq(send_as(ROOT, "list", "{'group':'nobody'}"), 0);
	ck_assert_uint_eq(json_array_size(
				  json_object_get(reply.result, "leases")),
			  0);
}
END_TEST

START_TEST(an_answer_fits_a_line_whatever_is_listed)
{
	char *params = malloc(RPC_LINE_MAX);
	size_t leases = 0;
	json_int_t after = 0;

	ck_assert_ptr_nonnull(params);
	for (int i = 0; i < 400; i++) {
		char group[RULE_GROUP_MAX];

		memset(group, 'g', sizeof(group));
		group[RULE_GROUP_MAX - 1] = '\0';
		(void)snprintf(params, RPC_LINE_MAX,
			       "{'group':'%s','leases':[" LEASE
			       ",'conditions':[{'source':'100.100.100.101'},"
			       "{'source':'100.100.100.102'},"
			       "{'source':'100.100.100.103'},"
			       "{'source':'100.100.100.104'},"
			       "{'source':'100.100.100.105'},"
			       "{'source':'100.100.100.106'}]}]}",
			       group);
		grant_as(ROOT, "ask", params);
	}
	while (leases < 400) {
		json_t *list;
		size_t count;

		(void)snprintf(params, RPC_LINE_MAX, "{'after':%lld}",
			       (long long)after);
		ck_assert_int_eq(send_as(ROOT, "list", params), 0);
		ck_assert_uint_lt(json_dumpb(reply.result, NULL, 0,
					     JSON_COMPACT),
				  RPC_LINE_MAX - 100);
		list = json_object_get(reply.result, "leases");
		count = json_array_size(list);
		ck_assert_uint_gt(count, 0);
		leases += count;
		after = json_integer_value(
			json_object_get(json_array_get(list, count - 1), "id"));
	}
	ck_assert_uint_eq(leases, 400);
	free(params);
}
END_TEST

START_TEST(unknown_methods_and_parameters_are_refused)
{
	refuse_as(ROOT, "grant", NULL, RPC_METHOD_NOT_FOUND);
	refuse_as(ROOT, "ask", NULL, RPC_INVALID_PARAMS);
	refuse_as(ROOT, "status", "{'x':1}", RPC_INVALID_PARAMS);
	refuse_as(ROOT, "pools", "{'x':1}", RPC_INVALID_PARAMS);
	refuse_as(ROOT, "list", "{'limit':101}", RPC_INVALID_PARAMS);
	refuse_as(ROOT, "refresh", "{'group':'g'}", RPC_INVALID_PARAMS);
}
END_TEST

START_TEST(a_group_has_a_limit)
{
	char *params = malloc(RPC_LINE_MAX);
	size_t used;

	ck_assert_ptr_nonnull(params);
	used = (size_t)snprintf(params, RPC_LINE_MAX,
				"{'group':'g','leases':["
				"{'inner':'2.2.2.2:2@"
				"inside','realm':'"
				"outside'}");
	for (int i = 1; i < 64; i++)
		used += (size_t)snprintf(params + used, RPC_LINE_MAX - used,
					 ",{'inner':'2.2.2.2:2@inside',"
					 "'realm':'outside'}");
	(void)snprintf(params + used, RPC_LINE_MAX - used, "]}");
	for (int i = 0; i < 1024 / 64; i++) {
		ck_assert_int_eq(send_as(ROOT, "ask", params), -EINPROGRESS);
		fake_link_end(&link_to, -ECONNRESET, now_ms);
		now_ms += 60000;
	}
	for (int i = 0; i < 1024 / 64; i++)
		ck_assert_int_eq(send_as(ROOT, "ask", params), -EINPROGRESS);
	refuse_as(ROOT, "ask", params, RPC_LIMIT);
	expect(1024, 1024, 0, 0);
	free(params);
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

		now_ms += (uint64_t)random() % 500;
		(void)snprintf(params, sizeof(params),
			       "{'group':'g%d','lifetime':%ld,'leases':[" LEASE
			       "}," LEASE "}]}",
			       group, 1 + random() % 60);
		if (what < 3)
			(void)send_as(ROOT, "ask", params);
		(void)snprintf(params, sizeof(params), "{'group':'g%d'}",
			       group);
		if (what == 3)
			(void)send_as(ROOT, "release", params);
		if (what >= 4)
			(void)fake_link_end(&link_to,
					    random() % 9 == 0 ? -ENOMEM : 0,
					    now_ms);
		if (random() % 50 == 0) {
			/* The link dies; what is in force is put anew. */
			link_to.is_up = false;
			fake_link_end_all(&link_to, -ECONNRESET, now_ms);
			fake_link_init(&link_to);
			while ((rule = manager_next_rule(
					manager,
					rule == NULL ? 0 : rule->id)) != NULL)
				link_to.rules[rule->id % FAKE_RULES].rule =
					*rule;
		}
		manager_tick(manager, now_ms);
	}
	now_ms += 3600 * 1000;
	fake_link_end_all(&link_to, 0, now_ms);
	for (int i = 0; i < 3; i++) {
		now_ms += 3600 * 1000;
		manager_tick(manager, now_ms);
		fake_link_end_all(&link_to, 0, now_ms);
	}
	expect(0, 0, 0, 0);
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
	struct manager_request request = { ROOT, step->method, params };
	struct manager_answer answer;
	int rc;

	clear();
	rc = manager_request(manager, &request, now_ms, on_answer, &reply,
			     &answer);
	if (rc == -EINPROGRESS) {
		fake_link_end_all(&link_to, 0, now_ms);
		return reply.count == 1 &&
		       (reply.result != NULL || reply.fault.code != 0);
	}
	reply.result = answer.result;
	reply.fault = answer.fault;
	return rc == 0 && reply.count == 0 &&
	       (reply.result != NULL || reply.fault.code != 0);
}

START_TEST(a_lack_of_memory_is_told_and_leaves_nothing)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		json_t *params[STEPS];
		bool good = true;

		end();
		begin();
		for (size_t i = 0; i < STEPS; i++)
			params[i] = sample_json(steps[i].params);
		faults_arm(n);
		for (size_t i = 0; i < STEPS; i++)
			good &= run_step(&steps[i], params[i]);
		failed = faults_disarm();
		ck_assert(good);
		for (size_t i = 0; i < STEPS; i++)
			json_decref(params[i]);
		now_ms += 2 * 3600 * 1000;
		manager_tick(manager, now_ms);
		fake_link_end_all(&link_to, 0, now_ms);
		now_ms += 60000;
		manager_tick(manager, now_ms);
		expect(0, 0, 0, 0);
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
		a_release_is_answered_when_the_rule_is_gone,
		without_a_translator_a_release_succeeds,
		a_release_that_is_not_acknowledged_is_one_all_the_same,
		a_group_can_be_released_before_its_ask_is_acknowledged,
		an_ask_that_fails_after_its_release_leaves_nothing,
		a_release_is_of_all_or_none,
		a_lease_ends_with_its_lifetime_unless_refreshed,
		leases_expire_without_a_translator_as_well,
		a_tightening_takes_hold_when_acknowledged,
		a_tightening_that_fails_changes_nothing,
		changes_of_one_lease_follow_one_another,
		inner_endpoints_that_cannot_be_are_refused,
		a_realm_without_a_pool_has_no_endpoint,
		the_same_inner_address_of_two_realms_has_two_leases,
		a_client_sees_and_changes_only_its_own,
		policy_refuses_what_is_beyond_it,
		a_tightening_to_another_machine_needs_the_right,
		lists_come_in_pages,
		an_answer_fits_a_line_whatever_is_listed,
		unknown_methods_and_parameters_are_refused,
		a_group_has_a_limit,
		leases_and_rules_stay_in_step_whatever_happens,
		a_lack_of_memory_is_told_and_leaves_nothing,
	};

	return SUITE_RUN("manager", tests, begin, end);
}
