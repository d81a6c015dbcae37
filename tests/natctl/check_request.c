/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/request, filter and member. */
#include "natctl/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natctl/filter.h"
#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

static struct conf *conf;
static struct fault fault;
static struct request_ask ask;

static void begin(void)
{
	conf = sample_conf(SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.3.0/30:1000-"
							"1999\""));
	faults_begin();
}

static void end(void)
{
	faults_end();
	conf_free(conf);
}

static int parse(const char *text)
{
	json_t *params = sample_json(text);
	int rc;

	memset(&fault, 0, sizeof(fault));
	rc = request_parse_ask(params, &conf->names, &ask, &fault);
	/* The texts in it go with the JSON: only numbers are looked at. */
	json_decref(params);
	return rc;
}

#define LEASE "'inner':'2.2.2.2:2222@inside','realm':'outside'"

static void refuse(const char *text, enum rpc_code code, const char *reason)
{
	ck_assert_msg(parse(text) == -EPROTO, "taken: %s", text);
	ck_assert_int_eq(fault.code, code);
	ck_assert_msg(strstr(fault.reason, reason) != NULL, "\"%s\" for %s",
		      fault.reason, text);
}

static void refuse_lease(const char *members, const char *reason)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{'group':'g','leases':[{" LEASE ",%s}]}", members);
	refuse(text, RPC_INVALID_PARAMS, reason);
}

START_TEST(the_shortest_ask_has_defaults)
{
	ck_assert_int_eq(parse("{'group':'g','leases':[{" LEASE "}]}"), 0);
	ck_assert_uint_eq(ask.count, 1);
	ck_assert_uint_eq(ask.lifetime, 0);
	ck_assert_uint_eq(ask.wants[0].ports, 1);
	ck_assert_uint_eq(ask.wants[0].kind, RULE_BOTH);
	ck_assert_uint_eq(ask.wants[0].protocol, RULE_UDP);
	ck_assert_uint_eq(ask.wants[0].inner.port, 2222);
	ck_assert_uint_eq(ask.wants[0].wish.prefix.addr.family, IP_NONE);
	ck_assert(!ask.wants[0].wish.strict);
	ck_assert_uint_eq(ask.wants[0].filter.condition_count, 0);
	request_ask_done(&ask);
}
END_TEST

START_TEST(a_full_ask_is_read)
{
	const struct request_want *want;

	ck_assert_int_eq(
		parse("{'group':'g','lifetime':60,'leases':[{" LEASE
		      ",'ports':2,'kind':'originating','protocol':'tcp',"
		      "'request':{'outer':'3.3.3.3:3333','mode':'strict'},"
		      "'conditions':[{'source':'0.0.0.0/0','discard':true},"
		      "{'source':'1.1.1.1','ports':'5-9',"
		      "'target':'2.2.2.2:1111@inside'}],"
		      "'remote':'1.1.1.1:1111'}]}"),
		0);
	want = &ask.wants[0];
	ck_assert_uint_eq(ask.lifetime, 60);
	ck_assert_uint_eq(want->ports, 2);
	ck_assert_uint_eq(want->kind, RULE_ORIGINATING);
	ck_assert_uint_eq(want->protocol, RULE_TCP);
	ck_assert_uint_eq(want->wish.prefix.bits, 32);
	ck_assert_uint_eq(want->wish.ports.first, 3333);
	ck_assert_uint_eq(want->wish.ports.last, 3333);
	ck_assert(want->wish.strict);
	ck_assert_uint_eq(want->filter.condition_count, 2);
	/* Sorted: the longer prefix first. */
	ck_assert_uint_eq(want->filter.conditions[0].source.bits, 32);
	ck_assert_uint_eq(want->filter.conditions[0].ports.first, 5);
	ck_assert_uint_eq(want->filter.conditions[0].target.port, 1111);
	ck_assert(want->filter.conditions[1].discard);
	ck_assert_uint_eq(want->filter.conditions[1].ports.last, 65535);
	ck_assert_uint_eq(want->filter.remote.port, 1111);
	request_ask_done(&ask);
}
END_TEST

START_TEST(ranges_have_these_forms)
{
	static const struct {
		const char *text, *prefix;
		unsigned bits, first, last;
	} good[] = {
		{ "3.3.3.3", "3.3.3.3", 32, 0, 0 },
		{ "3.3.3.3:3333", "3.3.3.3", 32, 3333, 3333 },
		{ "20.20.20.16/28", "20.20.20.16", 28, 0, 0 },
		{ "20.20.20.16/28:2000-2999", "20.20.20.16", 28, 2000, 2999 },
		{ "2001:db8::1", "2001:db8::1", 128, 0, 0 },
		{ "[2001:db8::1]:5060", "2001:db8::1", 128, 5060, 5060 },
		{ "[2001:db8::]/64:1-2", "2001:db8::", 64, 1, 2 },
		{ "2001:db8::/64", "2001:db8::", 64, 0, 0 },
	};
	static const char *const bad[] = {
		"",         "3.3.3.3:",       "3.3.3.3:0",      "3.3.3.3:70000",
		"3.3.3",    "3.3.3.3/33",     "3.3.3.3/28",     "3.3.3.3:5-4",
		"[3.3.3.3", "3.3.3.3]",       "[2001:db8::1]x", "3.3.3.3 ",
		"x:1",      "[2001:db8::1:5", "3.3.3.3:1:2",    ":1",
	};
	struct ip_prefix prefix;
	struct port_range ports;
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_int_eq(filter_parse_range(good[i].text, &prefix,
						    &ports),
				 0);
		ck_assert_str_eq(ip_addr_format(&prefix.addr, text),
				 good[i].prefix);
		ck_assert_uint_eq(prefix.bits, good[i].bits);
		ck_assert_uint_eq(ports.first, good[i].first);
		ck_assert_uint_eq(ports.last, good[i].last);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(filter_parse_range(bad[i], &prefix, &ports) != 0,
			      "taken: %s", bad[i]);
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
	refuse("[]", RPC_INVALID_PARAMS, "object");
	refuse("{'leases':[{" LEASE "}]}", RPC_INVALID_PARAMS, "group");
	refuse("{'group':'','leases':[{" LEASE "}]}", RPC_INVALID_PARAMS,
	       "group");
	refuse("{'group':'a b','leases':[{" LEASE "}]}", RPC_INVALID_PARAMS,
	       "printable");
	refuse("{'group':'g'}", RPC_INVALID_PARAMS, "leases");
	refuse("{'group':'g','leases':[]}", RPC_INVALID_PARAMS, "leases");
	refuse("{'group':'g','leases':[5]}", RPC_INVALID_PARAMS, "leases[0]");
	refuse("{'group':'g','lifetime':0,'leases':[{" LEASE "}]}",
	       RPC_INVALID_PARAMS, "lifetime");
	refuse("{'group':'g','lifetime':86401,'leases':[{" LEASE "}]}",
	       RPC_INVALID_PARAMS, "lifetime");
	refuse("{'group':'g','lifetime':'1','leases':[{" LEASE "}]}",
	       RPC_INVALID_PARAMS, "lifetime");
	refuse("{'group':'g','life':1,'leases':[{" LEASE "}]}",
	       RPC_INVALID_PARAMS, "life: not known");
	refuse("{'group':'g','leases':[{'realm':'outside'}]}",
	       RPC_INVALID_PARAMS, "inner");
	refuse("{'group':'g','leases':[{'inner':'2.2.2.2:2@inside'}]}",
	       RPC_INVALID_PARAMS, "realm");
	refuse("{'group':'g','leases':[{'inner':'2.2.2.2','realm':'outside'}]}",
	       RPC_INVALID_PARAMS, "ADDRESS:PORT@REALM");
	refuse("{'group':'g','leases':[{'inner':'2.2.2.2:2@inside',"
	       "'realm':'nowhere'}]}",
	       RPC_NO_REALM, "nowhere");
	refuse("{'group':'g','leases':[{'inner':'2.2.2.2:2@nowhere',"
	       "'realm':'outside'}]}",
	       RPC_NO_REALM, "nowhere");
}
END_TEST

START_TEST(what_is_not_understood_in_a_lease_is_refused)
{
	refuse_lease("'ports':0", "ports");
	refuse_lease("'ports':65", "ports");
	refuse_lease("'ports':2.0", "whole number");
	refuse_lease("'kind':'all'", "kind");
	refuse_lease("'protocol':'sctp'", "protocol");
	refuse_lease("'condition':[]", "not known");
	refuse_lease("'request':{}", "pool");
	refuse_lease("'request':{'outer':'3.3.3.3','pool':'x'}", "pool");
	refuse_lease("'request':{'outer':'3.3.3'}", "outer");
	refuse_lease("'request':{'outer':'3.3.3.3','mode':'maybe'}", "mode");
	refuse_lease("'conditions':{}", "conditions");
	refuse_lease("'conditions':[{}]", "source");
	refuse_lease("'conditions':[{'source':'1.1.1.1/8'}]", "source");
	refuse_lease("'conditions':[{'source':'1.1.1.1','ports':'0-5'}]",
		     "ports");
	refuse_lease("'conditions':[{'source':'1.1.1.1','discard':1}]",
		     "discard");
	refuse_lease("'conditions':[{'source':'1.1.1.1','discard':true,"
		     "'target':'2.2.2.2:1@inside'}]",
		     "target");
	refuse_lease("'conditions':[{'source':'1.1.1.1','drop':true}]",
		     "conditions[0].drop");
	refuse_lease("'remote':'1.1.1.1:5-9'", "remote");
	refuse_lease("'remote':'1.1.1.0/24:5'", "remote");
	refuse_lease("'remote':5", "remote");
}
END_TEST

/* What is no UTF-8 could not be answered. */
START_TEST(a_long_reason_is_cut_between_characters)
{
	static const char *const signs[] = { "x", "\303\251", "\342\202\254",
					     "\360\237\223\236" };
	char member[900];

	for (size_t sign = 0; sign < 4; sign++) {
		for (size_t shift = 0; shift < 4; shift++) {
			size_t width = strlen(signs[sign]);
			size_t used = 0;
			json_t *reason;

			member[used++] = '\'';
			for (size_t i = 0; i < shift; i++)
				member[used++] = 'a';
			for (size_t i = 0; i < 300 / width; i++) {
				memcpy(&member[used], signs[sign], width);
				used += width;
			}
			strcpy(&member[used], "':1");
			refuse_lease(member, "leases[0].");
			reason = json_string(fault.reason);
			ck_assert_ptr_nonnull(reason);
			json_decref(reason);
			ck_assert_uint_gt(strlen(fault.reason),
					  FAULT_REASON_MAX - 1 - width);
		}
	}
}
END_TEST

START_TEST(conditions_of_equal_rank_that_overlap_are_refused)
{
	refuse("{'group':'g','leases':[{" LEASE
	       ",'conditions':[{'source':'1.1.0.0/16','ports':'1000-2000'},"
	       "{'source':'1.1.0.0/16','ports':'1500-2500'}]}]}",
	       RPC_OVERLAP, "1000-2000");
}
END_TEST

START_TEST(a_long_group_and_a_nul_are_refused)
{
	char text[512];
	char group[RULE_GROUP_MAX + 1];

	memset(group, 'g', sizeof(group));
	group[RULE_GROUP_MAX] = '\0';
	(void)snprintf(text, sizeof(text),
		       "{'group':'%s','leases':[{" LEASE "}]}", group);
	refuse(text, RPC_INVALID_PARAMS, "bytes");
	group[RULE_GROUP_MAX - 1] = '\0';
	(void)snprintf(text, sizeof(text),
		       "{'group':'%s','leases':[{" LEASE "}]}", group);
	ck_assert_int_eq(parse(text), 0);
	request_ask_done(&ask);
}
END_TEST

START_TEST(a_target_is_a_group_or_ids)
{
	struct request_target target;
	json_t *params = sample_json("{'leases':[5,3,5,4]}");

	ck_assert_int_eq(request_parse_release(params, &target, &fault), 0);
	ck_assert_uint_eq(target.count, 3);
	ck_assert_uint_eq(target.ids[0], 3);
	ck_assert_uint_eq(target.ids[2], 5);
	request_target_done(&target);
	json_decref(params);
	params = sample_json("{'leases':[5],'group':'g'}");
	ck_assert_int_eq(request_parse_release(params, &target, &fault),
			 -EPROTO);
	json_decref(params);
	params = sample_json("{'leases':[0]}");
	ck_assert_int_eq(request_parse_release(params, &target, &fault),
			 -EPROTO);
	json_decref(params);
	ck_assert_int_eq(request_parse_release(NULL, &target, &fault), -EPROTO);
}
END_TEST

START_TEST(a_tightening_names_no_lease_twice)
{
	struct request_tighten tighten;
	json_t *params = sample_json("{'changes':[{'lease':1,'remote':null},"
				     "{'lease':2,'conditions':[]}]}");

	ck_assert_int_eq(request_parse_tighten(params, &conf->names, &tighten,
					       &fault),
			 0);
	ck_assert(tighten.changes[0].filter.has_remote);
	ck_assert(!tighten.changes[0].filter.has_conditions);
	ck_assert(!tighten.changes[1].filter.has_remote);
	ck_assert(tighten.changes[1].filter.has_conditions);
	request_tighten_done(&tighten);
	json_decref(params);
	params = sample_json("{'changes':[{'lease':1,'conditions':"
			     "[{'source':'1.1.1.1'}]},{'lease':1}]}");
	ck_assert_int_eq(request_parse_tighten(params, &conf->names, &tighten,
					       &fault),
			 -EPROTO);
	json_decref(params);
}
END_TEST

START_TEST(a_lack_of_memory_is_told)
{
	json_t *params = sample_json(
		"{'group':'g','leases':[{" LEASE
		",'conditions':[{'source':'1.1.1.1'}]},{" LEASE
		",'conditions':[{'source':'1.1.1.1'}]}]}");
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		int rc;

		faults_arm(n);
		rc = request_parse_ask(params, &conf->names, &ask, &fault);
		failed = faults_disarm();
		ck_assert_int_eq(rc, failed ? -EPROTO : 0);
		if (failed)
			ck_assert_int_eq(fault.code, RPC_INTERNAL_ERROR);
		ck_assert_uint_lt(n, 20);
	}
	request_ask_done(&ask);
	json_decref(params);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_shortest_ask_has_defaults,
		a_full_ask_is_read,
		ranges_have_these_forms,
		what_is_not_understood_is_refused,
		what_is_not_understood_in_a_lease_is_refused,
		a_long_reason_is_cut_between_characters,
		conditions_of_equal_rank_that_overlap_are_refused,
		a_long_group_and_a_nul_are_refused,
		a_target_is_a_group_or_ids,
		a_tightening_names_no_lease_twice,
		a_lack_of_memory_is_told,
	};

	return SUITE_RUN("request", tests, begin, end);
}
