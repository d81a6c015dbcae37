/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests the fast path (translator/fastpath*.c, conntrack.c) against the
 * kernel's table of a namespace of its own. Needs root.
 */
#include "translator/fastpath.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/translator/conftext.h"
#include "tests/translator/suite.h"
#include "translator/conntrack.h"
#include "translator/mark.h"
#include "translator/nft.h"
#include "translator/sysctl.h"

static struct conf *conf;
static struct event_base *base;
static struct fastpath_options options;
static struct ruleset *ruleset;
static struct realms *realms;
static struct permits *permits;
static struct fastpath *fastpath;
static struct conntrack *watcher;
static uint64_t now;

/* What `text` configures, from nothing. */
static void make(const char *text)
{
	conf = conftext_read(text);
	base = event_base_new();
	ruleset = ruleset_new(conf->realm_count, 1);
	realms = realms_new(conf);
	permits = permits_new(2);
	options = (struct fastpath_options){ base, conf, ruleset, realms,
					     permits };
	ck_assert_int_eq(fastpath_new(&options, &fastpath), 0);
	ck_assert_int_eq(conntrack_new(mark_tag(conf->table), &watcher), 0);
}

static void unmake(void)
{
	conntrack_free(watcher);
	fastpath_free(fastpath);
	permits_free(permits);
	realms_free(realms);
	ruleset_free(ruleset);
	event_base_free(base);
	conf_free(conf);
}

static void begin(void)
{
	char *said;

	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "needs CAP_SYS_ADMIN: %s",
		      strerror(errno));
	/* Entries are translated only where somebody asked for NAT. */
	ck_assert_int_eq(nft_run("table ip t {\n"
				 " chain nat {\n"
				 "  type nat hook prerouting priority -100\n"
				 " }\n"
				 " chain forward {\n"
				 "  type filter hook forward priority 0\n"
				 "  ct status dnat accept\n"
				 " }\n"
				 "}\n",
				 false, &said),
			 0);
	ck_assert_int_eq(sysctl_write("net/netfilter/nf_conntrack_events", "1"),
			 0);
	ck_assert_int_eq(sysctl_write("net/netfilter/nf_conntrack_acct", "1"),
			 0);
	make("realm inside { interface = {\"a0\"} networks = "
	     "{\"10.0.0.0/8\"} reaches = {\"outside\"} }\n"
	     "realm outside { interface = {\"b0\"} pool = "
	     "{\"20.0.0.0/24:1-65535\"} }\n");
	now = 1000000;
}

static void end(void)
{
	unmake();
}

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

/* 10.0.0.n:1000 inside <-> 20.0.0.n:2000 outside, for `source` only unless 0 */
static void put(uint64_t id, uint32_t source)
{
	struct rule_condition only = { .source = { ip_addr_v4(source), 32 },
				       .ports = { 1, 65535 } };
	struct rule rule = { .id = id,
			     .inner = at(0x0a000000 + (uint32_t)id, 1000, 0),
			     .outer = at(0x14000000 + (uint32_t)id, 2000, 1),
			     .timer = 60,
			     .ports = 1,
			     .protocol = RULE_UDP,
			     .condition_count = source != 0,
			     .conditions = &only };

	ck_assert_int_eq(ruleset_put(ruleset, &rule, 1), 0);
	ck_assert_int_eq(fastpath_rules_put(fastpath, &rule, 1), 0);
}

/* A packet from 1.1.1.n:9 outside to the rule's outer endpoint has passed. */
static void offer(uint32_t n, uint64_t rule)
{
	struct endpoint src = at(0x01010100 + n, 9, 1);
	struct endpoint dst = at(0x14000000 + (uint32_t)rule, 2000, 1);

	fastpath_offer(fastpath, &src, &dst, now);
	fastpath_flush(fastpath, now);
}

static void add_one(const struct conntrack_entry *entry, void *arg)
{
	size_t *count = arg;

	(void)entry;
	++*count;
}

static size_t entries(void)
{
	size_t count = 0;

	ck_assert_int_eq(conntrack_each(watcher, add_one, &count), 0);
	return count;
}

static const struct fastpath_counts *counts(void)
{
	return fastpath_counts(fastpath);
}

static void remove_entry(uint32_t n, uint64_t rule)
{
	struct conntrack_entry entry = { .src = at(0x01010100 + n, 9, 1),
					 .dst = at(0x14000000 + (uint32_t)rule,
						   2000, 1) };
	int result;

	ck_assert_int_eq(conntrack_remove(watcher, &entry, 1, &result), 0);
	ck_assert_int_eq(result, 0);
}

START_TEST(a_settled_flow_is_the_kernels)
{
	struct conntrack_entry entry = { .src = at(0x01010101, 9, 1),
					 .dst = at(0x14000001, 2000, 1) };
	struct endpoint inner = at(0x0a000001, 1000, 0);
	int result;

	put(1, 0);
	offer(1, 1);
	ck_assert_int_eq(conntrack_read(watcher, &entry, 1, &result), 0);
	ck_assert_int_eq(result, 0);
	ck_assert(endpoint_equal(&entry.back_src, &inner));
	ck_assert_uint_eq(mark_from(entry.mark), 1);
	ck_assert_uint_eq(mark_to(entry.mark), 0);
	offer(1, 1);
	ck_assert_uint_eq(counts()->flows[FLOW_SETTLED], 1);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(many_go_in_batches)
{
	for (uint64_t id = 1; id <= 200; id++)
		put(id, 0);
	for (uint64_t id = 1; id <= 200; id++) {
		struct endpoint src = at(0x01010101, 9, 1);
		struct endpoint dst = at(0x14000000 + (uint32_t)id, 2000, 1);

		fastpath_offer(fastpath, &src, &dst, now);
	}
	fastpath_flush(fastpath, now);
	ck_assert_uint_eq(entries(), 200);
	ck_assert_int_eq(fastpath_rules_synced(fastpath), 0);
	ck_assert_uint_eq(entries(), 200);
	for (uint64_t id = 1; id <= 200; id++) {
		ck_assert_uint_eq(ruleset_delete(ruleset, &id, 1), 1);
		ck_assert_int_eq(fastpath_rules_deleted(fastpath, &id, 1), 0);
	}
	ck_assert_uint_eq(entries(), 0);
	ck_assert_uint_eq(counts()->taken_back, 200);
}
END_TEST

START_TEST(a_change_takes_back_what_it_forbids_and_no_more)
{
	put(1, 0);
	put(2, 0);
	offer(1, 1);
	offer(2, 1);
	offer(2, 2);
	put(1, 0x01010101);
	ck_assert_uint_eq(entries(), 2);
	ck_assert_uint_eq(counts()->taken_back, 1);
	put(1, 0x01010101);
	put(1, 0);
	ck_assert_uint_eq(counts()->taken_back, 1);
}
END_TEST

START_TEST(an_addition_takes_back_what_it_would_send_elsewhere)
{
	struct rule better = { .id = 9,
			       .inner = at(0x0a000001, 1000, 0),
			       .outer = at(0x14000009, 2000, 1),
			       .remote = { { ip_addr_v4(0x01010101), 32 }, 0 },
			       .ports = 1,
			       .protocol = RULE_UDP };

	put(1, 0);
	offer(1, 1);
	offer(2, 1);
	ck_assert_int_eq(ruleset_put(ruleset, &better, 1), 0);
	ck_assert_int_eq(fastpath_rules_put(fastpath, &better, 1), 0);
	ck_assert_uint_eq(entries(), 1);
	offer(1, 1);
	ck_assert_uint_eq(counts()->flows[FLOW_ASKEW], 1);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(a_flow_that_the_kernel_lost_comes_back_and_one_that_ended_leaves)
{
	put(1, 0);
	offer(1, 1);
	remove_entry(1, 1);
	ck_assert_uint_eq(fastpath_flows(fastpath), 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(fastpath_flows(fastpath), 0);
	ck_assert_uint_eq(counts()->ended, 1);
	offer(1, 1);
	ck_assert_uint_eq(entries(), 1);
	/* Nobody has heard of the end yet. */
	remove_entry(1, 1);
	now += 2000;
	offer(1, 1);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_uint_eq(fastpath_flows(fastpath), 1);
}
END_TEST

START_TEST(the_next_translator_keeps_what_the_rules_confirm)
{
	put(1, 0);
	put(2, 0);
	offer(1, 1);
	offer(2, 1);
	offer(1, 2);
	fastpath_free(fastpath);
	ruleset_free(ruleset);
	ruleset = ruleset_new(conf->realm_count, 1);
	options.ruleset = ruleset;
	ck_assert_int_eq(fastpath_new(&options, &fastpath), 0);
	ck_assert_uint_eq(fastpath_flows(fastpath), 3);
	put(1, 0x01010101);
	ck_assert_uint_eq(counts()->adopted, 1);
	ck_assert_int_eq(fastpath_rules_synced(fastpath), 0);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_uint_eq(counts()->adopted, 1);
	ck_assert_uint_eq(counts()->taken_back, 2);
}
END_TEST

START_TEST(what_it_does_not_know_is_not_touched_and_what_is_in_its_place_neither)
{
	struct conntrack_entry other = { .src = at(0x01010101, 9, 1),
					 .dst = at(0x14000001, 2000, 1),
					 .back_src = at(0x0a000007, 7, 0),
					 .back_dst = at(0x01010101, 9, 0),
					 .mark = 0 };
	int result;

	ck_assert_int_eq(conntrack_create(watcher, &other, 1, &result), 0);
	ck_assert_int_eq(result, 0);
	put(1, 0);
	offer(1, 1);
	ck_assert_uint_eq(counts()->flows[FLOW_TAKEN], 1);
	ck_assert_uint_eq(fastpath_flows(fastpath), 0);
	ck_assert_int_eq(fastpath_clean(conf), 0);
	ck_assert_int_eq(conntrack_read(watcher, &other, 1, &result), 0);
	ck_assert_int_eq(result, 0);
}
END_TEST

START_TEST(one_of_ours_that_says_something_else_goes)
{
	struct conntrack_entry stray = { .src = at(0x01010101, 9, 1),
					 .dst = at(0x14000001, 2000, 1),
					 .back_src = at(0x0a000007, 7, 0),
					 .back_dst = at(0x01010101, 9, 0) };
	int result;

	stray.mark = mark_of(mark_tag(conf->table), 1, 0);
	ck_assert_int_eq(conntrack_create(watcher, &stray, 1, &result), 0);
	put(1, 0);
	offer(1, 1);
	ck_assert_uint_eq(entries(), 0);
	now += 2000;
	offer(1, 1);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_uint_eq(counts()->flows[FLOW_SETTLED], 1);
}
END_TEST

START_TEST(a_clean_removes_all_of_the_edge)
{
	put(1, 0);
	for (uint32_t n = 1; n <= 100; n++)
		offer(n, 1);
	ck_assert_uint_eq(entries(), 100);
	ck_assert_int_eq(fastpath_clean(conf), 0);
	ck_assert_uint_eq(entries(), 0);
	fastpath_count(fastpath, now);
	ck_assert_uint_eq(fastpath_flows(fastpath), 0);
}
END_TEST

/* Two customers, realms 0 and 2, that have 10.0.0.1:1000 both. */
static void make_two_customers(void)
{
	static const struct rule_condition nobody;
	struct rule rules[] = {
		{ .id = 1,
		  .inner = at(0x0a000001, 1000, 0),
		  .outer = at(0x14000001, 2000, 1) },
		{ .id = 2,
		  .inner = at(0x0a000001, 1000, 2),
		  .outer = at(0x14000002, 2000, 1) },
	};

	unmake();
	make("routing_table = 900\n"
	     "realm one { interface = {\"a0\"} networks = "
	     "{\"10.0.0.0/8\"} reaches = {\"outside\"} }\n"
	     "realm outside { interface = {\"b0\"} pool = "
	     "{\"20.0.0.0/24:1-65535\"} }\n"
	     "realm two { interface = {\"c0\"} networks = "
	     "{\"10.0.0.0/8\"} reaches = {\"outside\"} }\n");
	for (size_t i = 0; i < 2; i++) {
		rules[i].timer = 60;
		rules[i].ports = 1;
		rules[i].protocol = RULE_UDP;
		rules[i].conditions = &nobody;
	}
	ck_assert_int_eq(ruleset_put(ruleset, rules, 2), 0);
	ck_assert_int_eq(fastpath_rules_put(fastpath, rules, 2), 0);
}

/* The customer's flow with 1.1.1.1:9, as it is in the kernel. */
static int read_customer(realm_id realm, struct conntrack_entry *ret)
{
	int result;

	*ret = (struct conntrack_entry){ .src = at(0x0a000001, 1000, realm),
					 .dst = at(0x01010101, 9, realm),
					 .zone = (uint16_t)(900 + realm) };
	ck_assert_int_eq(conntrack_read(watcher, ret, 1, &result), 0);
	return result;
}

/* A packet from the customer to 1.1.1.1:9. */
static void offer_from(realm_id realm)
{
	struct endpoint src = at(0x0a000001, 1000, realm);
	struct endpoint dst = at(0x01010101, 9, realm);

	fastpath_offer(fastpath, &src, &dst, now);
	fastpath_flush(fastpath, now);
}

START_TEST(the_same_endpoint_in_two_realms_has_a_flow_in_a_zone_of_each)
{
	struct conntrack_entry entry;
	uint64_t first = 1;

	make_two_customers();
	offer_from(0);
	offer(1, 2);
	ck_assert_uint_eq(counts()->flows[FLOW_SETTLED], 2);
	ck_assert_uint_eq(entries(), 2);
	for (realm_id realm = 0; realm <= 2; realm += 2) {
		ck_assert_int_eq(read_customer(realm, &entry), 0);
		ck_assert_uint_eq(entry.zone, 900 + realm);
		ck_assert_uint_eq(mark_from(entry.mark), realm);
		ck_assert_uint_eq(mark_to(entry.mark), 1);
	}
	/* Either way's next packet finds it. */
	offer(1, 1);
	offer_from(2);
	ck_assert_uint_eq(fastpath_flows(fastpath), 2);
	fastpath_count(fastpath, now);
	ck_assert_uint_eq(fastpath_flows(fastpath), 2);
	ck_assert_uint_eq(ruleset_delete(ruleset, &first, 1), 1);
	ck_assert_int_eq(fastpath_rules_deleted(fastpath, &first, 1), 0);
	ck_assert_int_eq(read_customer(0, &entry), -ENOENT);
	ck_assert_int_eq(read_customer(2, &entry), 0);
	ck_assert_int_eq(fastpath_clean(conf), 0);
	ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(the_next_translator_finds_flows_in_their_zones_and_no_others)
{
	struct conntrack_entry entry;

	make_two_customers();
	offer_from(0);
	offer_from(2);
	fastpath_free(fastpath);
	ck_assert_int_eq(fastpath_new(&options, &fastpath), 0);
	ck_assert_uint_eq(fastpath_flows(fastpath), 2);
	ck_assert_int_eq(fastpath_rules_synced(fastpath), 0);
	ck_assert_uint_eq(counts()->adopted, 2);
	fastpath_free(fastpath);
	conf->routing_table = 902; /* the first one's is the second's of old */
	ck_assert_int_eq(fastpath_new(&options, &fastpath), 0);
	ck_assert_uint_eq(fastpath_flows(fastpath), 0);
	ck_assert_int_eq(read_customer(0, &entry), -ENOENT);
	ck_assert_int_eq(read_customer(2, &entry), -ENOENT);
}
END_TEST

START_TEST(a_zoned_flow_that_is_refused_is_refused_both_ways)
{
	struct conntrack_entry other = { .src = at(0x0a000001, 1000, 0),
					 .dst = at(0x01010101, 9, 0),
					 .back_src = at(0x01010101, 9, 1),
					 .back_dst = at(0x14000007, 7, 1),
					 .zone = 900 };
	int result;

	make_two_customers();
	ck_assert_int_eq(conntrack_create(watcher, &other, 1, &result), 0);
	ck_assert_int_eq(result, 0);
	offer(1, 1);
	offer(1, 1);
	offer_from(0);
	ck_assert_uint_eq(counts()->flows[FLOW_TAKEN], 1);
	ck_assert_uint_eq(fastpath_flows(fastpath), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_settled_flow_is_the_kernels,
		many_go_in_batches,
		a_change_takes_back_what_it_forbids_and_no_more,
		an_addition_takes_back_what_it_would_send_elsewhere,
		a_flow_that_the_kernel_lost_comes_back_and_one_that_ended_leaves,
		the_next_translator_keeps_what_the_rules_confirm,
		what_it_does_not_know_is_not_touched_and_what_is_in_its_place_neither,
		one_of_ours_that_says_something_else_goes,
		a_clean_removes_all_of_the_edge,
		the_same_endpoint_in_two_realms_has_a_flow_in_a_zone_of_each,
		the_next_translator_finds_flows_in_their_zones_and_no_others,
		a_zoned_flow_that_is_refused_is_refused_both_ways,
	};

	return SUITE_RUN("fastpath", tests, begin, end);
}
