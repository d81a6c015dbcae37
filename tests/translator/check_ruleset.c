/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/ruleset.c. */
#include "translator/ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

static struct ruleset *set; /* of the test */

static void begin(void)
{
	faults_begin();
	set = ruleset_new(3, 42);
	ck_assert_ptr_nonnull(set);
}

static void end(void)
{
	ruleset_free(set);
	faults_end();
}

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

/* 10.0.0.n:1000 in realm 0 <-> 20.0.0.n:2000 in realm 1 */
static struct rule make(uint64_t id, uint32_t n)
{
	return (struct rule){ .id = id,
			      .group = "call-1",
			      .inner = at(0x0a000000 + n, 1000, 0),
			      .outer = at(0x14000000 + n, 2000, 1),
			      .timer = 60,
			      .ports = 2,
			      .protocol = RULE_UDP };
}

static int put(const struct rule *rule)
{
	return ruleset_put(set, rule, 1);
}

static uint64_t outer_id(uint32_t n, uint16_t port)
{
	struct endpoint outer = at(0x14000000 + n, port, 1);
	const struct ruleset_rule *rule = ruleset_find_outer(set, RULE_UDP,
							     &outer);

	return rule ? rule->id : 0;
}

static uint64_t source_id(const struct endpoint *source,
			  const struct endpoint *remote, uint16_t *ret_offset)
{
	struct ruleset_query query = { RULE_UDP, 1, source, remote, NULL };
	const struct ruleset_rule *rule = ruleset_find_source(set, &query, NULL,
							      ret_offset, NULL);

	return rule ? rule->id : 0;
}

START_TEST(each_port_of_a_rule_is_found_from_both_sides)
{
	struct rule rule = make(7, 1);
	struct endpoint remote = at(0x01010101, 5, 1);
	uint16_t offset = 99;

	ck_assert_int_eq(put(&rule), 0);
	ck_assert_uint_eq(ruleset_count(set), 1);
	ck_assert_uint_eq(outer_id(1, 1999), 0);
	ck_assert_uint_eq(outer_id(1, 2000), 7);
	ck_assert_uint_eq(outer_id(1, 2001), 7);
	ck_assert_uint_eq(outer_id(1, 2002), 0);
	ck_assert_uint_eq(outer_id(2, 2000), 0);
	for (uint16_t i = 0; i < 2; i++) {
		struct endpoint source = at(0x0a000001, 1000 + i, 0);

		ck_assert_uint_eq(source_id(&source, &remote, &offset), 7);
		ck_assert_uint_eq(offset, i);
		source.realm = 2;
		ck_assert_uint_eq(source_id(&source, &remote, &offset), 0);
	}
}
END_TEST

START_TEST(realm_and_protocol_are_part_of_an_endpoint)
{
	struct rule rules[3] = { make(1, 1), make(2, 1), make(3, 1) };

	rules[1].outer.realm = 2;
	rules[2].protocol = RULE_TCP;
	ck_assert_int_eq(ruleset_put(set, rules, 3), 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(ruleset_find_outer(
					  set,
					  (enum rule_protocol)rules[i].protocol,
					  &rules[i].outer)
					  ->id,
				  rules[i].id);
}
END_TEST

START_TEST(a_second_rule_of_an_outer_endpoint_is_refused)
{
	struct rule rule = make(1, 1), other = make(2, 1);

	ck_assert_int_eq(put(&rule), 0);
	ck_assert_int_eq(put(&other), -EEXIST);
	other.outer.port = 2001; /* its first port is the other's second */
	ck_assert_int_eq(put(&other), -EEXIST);
	other.outer.port = 1999;
	ck_assert_int_eq(put(&other), -EEXIST);
	other.outer.port = 2002;
	ck_assert_int_eq(put(&other), 0);
	ck_assert_uint_eq(ruleset_count(set), 2);
}
END_TEST

/* Each pair of ports is one key of two rules. */
START_TEST(neighbouring_ports_may_belong_to_different_rules)
{
	struct endpoint remote = at(0x01010101, 5, 1);
	uint16_t offset;

	for (uint16_t i = 0; i < 6; i++) {
		struct rule rule = make(i + 1u, 1);

		rule.ports = 1;
		rule.inner.port = (uint16_t)(rule.inner.port + i);
		rule.outer.port = (uint16_t)(rule.outer.port + i);
		ck_assert_int_eq(put(&rule), 0);
	}
	for (uint64_t gone = 0; gone < 6; gone++) {
		if (gone > 0)
			ruleset_delete(set, &gone, 1);
		for (uint16_t i = 0; i < 6; i++) {
			struct endpoint source = at(0x0a000001, 1000 + i, 0);
			uint64_t id = i + 1u > gone ? i + 1u : 0;

			ck_assert_uint_eq(outer_id(1, 2000 + i), id);
			ck_assert_uint_eq(source_id(&source, &remote, &offset),
					  id);
		}
	}
}
END_TEST

START_TEST(what_is_looked_up_ahead_is_found_the_same)
{
	struct rule rule = make(7, 1);
	struct endpoint inside = at(0x0a000001, 1000, 0);
	struct endpoint outside = at(0x14000001, 2001, 1), other = outside;
	struct endpoint remote = at(0x01010101, 5, 1);
	struct ruleset_ahead ahead;
	struct ruleset_query query = { RULE_UDP, 1, &inside, &remote, &ahead };
	uint16_t offset;

	ck_assert_int_eq(put(&rule), 0);
	ahead = ruleset_ahead(set, RULE_UDP, &inside, &outside);
	ruleset_fetch(set, &ahead);
	ck_assert_ptr_eq(ruleset_find_ahead(set, RULE_UDP, &outside, &ahead),
			 ruleset_find(set, 7));
	ck_assert_ptr_null(ruleset_find_ahead(set, RULE_TCP, &outside, &ahead));
	ck_assert_ptr_eq(ruleset_find_source(set, &query, NULL, &offset, NULL),
			 ruleset_find(set, 7));
	/* Of others nothing is known by it. */
	other.port = 2002;
	ck_assert_ptr_null(ruleset_find_ahead(set, RULE_UDP, &other, &ahead));
	inside.port = 1002;
	ck_assert_ptr_null(
		ruleset_find_source(set, &query, NULL, &offset, NULL));
}
END_TEST

static void count_calls(void *arg)
{
	unsigned *calls = arg;

	++*calls;
}

START_TEST(what_others_may_see_is_kept_until_they_have_been_waited_for)
{
	struct rule rules[2] = { make(1, 1), make(2, 2) };
	uint64_t id = 2;
	unsigned calls = 0;

	ruleset_share(set, count_calls, &calls);
	ck_assert_int_eq(ruleset_put(set, rules, 2), 0);
	ck_assert_uint_eq(calls, 0);
	ruleset_rule_counters(ruleset_find(set, 1))->discarded = 3;
	ck_assert_int_eq(put(&rules[0]), 0);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(ruleset_find(set, 1)->counters->discarded, 3);
	ck_assert_uint_eq(ruleset_delete(set, &id, 1), 1);
	ck_assert_uint_eq(calls, 2);
	ck_assert_uint_eq(ruleset_delete(set, &id, 1), 0);
	ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(a_batch_is_put_as_a_whole_or_not_at_all)
{
	struct rule first = make(1, 1);
	struct rule rules[3] = { make(2, 2), make(1, 3), make(3, 2) };

	ck_assert_int_eq(put(&first), 0);
	ck_assert_int_eq(ruleset_put(set, rules, 3), -EEXIST);
	ck_assert_uint_eq(ruleset_count(set), 1);
	ck_assert_uint_eq(outer_id(1, 2000), 1);
	ck_assert_uint_eq(outer_id(2, 2000), 0);
	ck_assert_uint_eq(outer_id(3, 2000), 0);
	rules[2] = make(3, 1); /* free, once rule 1 has moved */
	ck_assert_int_eq(ruleset_put(set, rules, 3), 0);
	ck_assert_uint_eq(outer_id(1, 2000), 3);
	ck_assert_uint_eq(outer_id(2, 2000), 2);
	ck_assert_uint_eq(outer_id(3, 2000), 1);
	rules[1].id = 2; /* twice the same id */
	ck_assert_int_eq(ruleset_put(set, rules, 3), -EEXIST);
	ck_assert_int_eq(ruleset_put(set, rules, 0), 0);
	ck_assert_uint_eq(ruleset_count(set), 3);
}
END_TEST

START_TEST(two_rules_can_swap_their_outer_endpoints)
{
	struct rule rules[2] = { make(1, 1), make(2, 2) };
	struct endpoint outer = rules[0].outer;

	ck_assert_int_eq(ruleset_put(set, rules, 2), 0);
	rules[0].outer = rules[1].outer;
	rules[1].outer = outer;
	ck_assert_int_eq(ruleset_put(set, rules, 2), 0);
	ck_assert_uint_eq(outer_id(1, 2000), 2);
	ck_assert_uint_eq(outer_id(2, 2001), 1);
}
END_TEST

START_TEST(counters_outlive_a_replacement_and_the_serial_does_not)
{
	struct rule rule = make(1, 1);
	uint64_t serial;

	ck_assert_int_eq(put(&rule), 0);
	ruleset_rule_counters(ruleset_find(set, 1))->packets_in = 5;
	serial = ruleset_find(set, 1)->serial;
	rule.outer.port = 4000;
	ck_assert_int_eq(put(&rule), 0);
	ck_assert_uint_eq(ruleset_find(set, 1)->counters->packets_in, 5);
	ck_assert_uint_ne(ruleset_find(set, 1)->serial, serial);
	ck_assert_uint_eq(outer_id(1, 2000), 0);
	ck_assert_uint_eq(outer_id(1, 4001), 1);
	ck_assert_uint_eq(ruleset_count(set), 1);
}
END_TEST

START_TEST(what_is_deleted_is_gone_and_may_be_put_again)
{
	struct rule rules[3] = { make(1, 1), make(2, 2), make(3, 3) };
	uint64_t ids[3] = { 3, 9, 1 };

	ck_assert_int_eq(ruleset_put(set, rules, 3), 0);
	ck_assert_uint_eq(ruleset_delete(set, ids, 3), 2);
	ck_assert_uint_eq(ruleset_count(set), 1);
	ck_assert_uint_eq(outer_id(1, 2000), 0);
	ck_assert_uint_eq(outer_id(2, 2000), 2);
	ck_assert_ptr_null(ruleset_find(set, 3));
	rules[0].id = 4;
	ck_assert_int_eq(put(&rules[0]), 0);
	ck_assert_uint_eq(outer_id(1, 2000), 4);
}
END_TEST

START_TEST(a_synchronisation_removes_what_was_not_put_anew)
{
	struct rule rules[4] = { make(1, 1), make(2, 2), make(3, 3),
				 make(4, 4) };

	ck_assert_int_eq(ruleset_put(set, rules, 3), 0);
	ruleset_sync_begin(set); /* and the link breaks */
	ck_assert_int_eq(put(&rules[0]), 0);
	ruleset_sync_begin(set);
	ck_assert_int_eq(put(&rules[1]), 0);
	ck_assert_int_eq(put(&rules[3]), 0);
	ck_assert_uint_eq(ruleset_count(set), 4);
	ck_assert_uint_eq(ruleset_sync_end(set), 2);
	ck_assert_uint_eq(ruleset_count(set), 2);
	ck_assert_ptr_nonnull(ruleset_find(set, 2));
	ck_assert_ptr_nonnull(ruleset_find(set, 4));
}
END_TEST

START_TEST(during_a_synchronisation_a_stale_holder_gives_way)
{
	struct rule rules[3] = { make(1, 1), make(2, 2), make(3, 3) };
	struct rule again[3] = { make(11, 1), make(2, 2), make(13, 2) };

	again[0].outer.port = 1999; /* its second port is the holder's first */
	ck_assert_int_eq(ruleset_put(set, rules, 3), 0);
	ruleset_sync_begin(set);
	/* Rule 2 is put again: it holds what it has. All or nothing. */
	ck_assert_int_eq(ruleset_put(set, again, 3), -EEXIST);
	ck_assert_uint_eq(outer_id(1, 2000), 1);
	ck_assert_int_eq(ruleset_put(set, again, 2), 0);
	ck_assert_uint_eq(outer_id(1, 2000), 11);
	ck_assert_uint_eq(outer_id(1, 2001), 0);
	ck_assert_ptr_null(ruleset_find(set, 1));
	ck_assert_int_eq(put(&again[2]), -EEXIST);
	again[2] = make(13, 1);
	ck_assert_int_eq(put(&again[2]), -EEXIST);
	ck_assert_uint_eq(ruleset_sync_end(set), 1);
	ck_assert_uint_eq(ruleset_count(set), 2);
	/* After the end everybody holds again, put then or not. */
	rules[1].id = 12;
	ck_assert_int_eq(put(&rules[1]), -EEXIST);
}
END_TEST

START_TEST(a_listing_goes_by_id_and_can_be_paged)
{
	const struct ruleset_rule *rule;
	uint64_t after = 0, seen = 0;

	for (uint32_t n = 1; n <= 1000; n++) {
		struct rule one = make((n * 379) % 1009, n);

		ck_assert_int_eq(put(&one), 0);
	}
	while ((rule = ruleset_next(set, after))) {
		ck_assert_uint_gt(rule->id, after);
		after = rule->id;
		seen++;
	}
	ck_assert_uint_eq(seen, 1000);
}
END_TEST

START_TEST(the_most_specific_usable_remote_is_the_source)
{
	struct rule rules[5];
	struct endpoint source = at(0x0a000001, 1001, 0);
	struct endpoint remote = at(0x01010101, 9, 1);
	uint16_t offset;

	for (uint32_t i = 0; i < 5; i++) {
		rules[i] = make(10 - i, 1);
		rules[i].outer = at(0x14000001 + i, 2000, 1);
	}
	rules[1].remote.port = 9;
	rules[2].remote.prefix = (struct ip_prefix){ ip_addr_v4(0), 0 };
	rules[3].remote.prefix = (struct ip_prefix){ ip_addr_v4(0x01010100),
						     24 };
	rules[4].remote = (struct rule_remote){ { ip_addr_v4(0x01010100), 24 },
						8 };
	for (size_t count = 1; count <= 5; count++) {
		ck_assert_int_eq(ruleset_put(set, rules, count), 0);
		ck_assert_uint_eq(source_id(&source, &remote, &offset),
				  11 - count);
	}
	remote.port = 10; /* 8 and 9 are the remote ports of the last one */
	ck_assert_uint_eq(source_id(&source, &remote, &offset), 7);
	remote = at(0x01010201, 10, 1);
	ck_assert_uint_eq(source_id(&source, &remote, &offset), 8);
}
END_TEST

static bool is_id(const struct ruleset_rule *rule, uint16_t offset,
		  const struct endpoint *remote, void *arg)
{
	const uint64_t *id = arg;

	return rule->id == *id && offset == 1 && remote->port == 9;
}

START_TEST(a_source_rule_that_is_not_usable_makes_way)
{
	struct rule rules[2] = { make(1, 1), make(2, 1) };
	struct endpoint source = at(0x0a000001, 1001, 0);
	struct endpoint remote = at(0x01010101, 9, 1);
	struct ruleset_query query = { RULE_UDP, 1, &source, &remote, NULL };
	uint16_t offset;
	uint64_t id = 2;

	rules[1].outer.port = 4000;
	ck_assert_int_eq(ruleset_put(set, rules, 2), 0);
	ck_assert_uint_eq(source_id(&source, &remote, &offset), 1);
	ck_assert_uint_eq(
		ruleset_find_source(set, &query, is_id, &offset, &id)->id, 2);
	id = 3;
	ck_assert_ptr_null(
		ruleset_find_source(set, &query, is_id, &offset, &id));
}
END_TEST

/* Forty rules at once with the n-th allocation failing. Has one failed? */
static bool put_forty(unsigned n, const struct rule *rules)
{
	bool failed;
	int err;

	ruleset_free(set);
	set = ruleset_new(3, 42);
	ck_assert_ptr_nonnull(set);
	ck_assert_int_eq(put(&rules[0]), 0);
	faults_arm(n);
	err = ruleset_put(set, rules + 1, 40);
	failed = faults_disarm();
	for (uint32_t i = 0; i < 40 && !err; i++)
		ck_assert_uint_eq(outer_id(i + 50, 2001), i + 1);
	ck_assert_uint_eq(ruleset_count(set), err ? 1 : 40);
	if (!err)
		return failed; /* a table that could not grow is no error */
	ck_assert(failed);
	ck_assert_int_eq(err, -ENOMEM);
	ck_assert_uint_eq(outer_id(1, 2000), 1);
	ck_assert_ptr_eq(ruleset_next(set, 0), ruleset_find(set, 1));
	ck_assert_ptr_null(ruleset_next(set, 1));
	return failed;
}

START_TEST(without_memory_a_put_changes_nothing)
{
	struct rule_condition condition = { .source = { ip_addr_v4(0), 0 },
					    .ports = { 1, 65535 },
					    .target = at(0x0a000009, 9000, 0) };
	struct rule rules[41];
	unsigned n = 1;

	rules[0] = make(1, 1);
	for (uint32_t i = 1; i <= 40; i++) {
		rules[i] = make(i, i + 49);
		rules[i].condition_count = 1;
		rules[i].conditions = &condition;
	}
	while (put_forty(n, rules))
		n++;
	ck_assert_uint_gt(n, 80);
}
END_TEST

START_TEST(without_memory_there_is_no_set)
{
	for (unsigned n = 1; n <= 3; n++) {
		faults_arm(n);
		ck_assert_ptr_null(ruleset_new(1, 1));
		ck_assert(faults_disarm());
	}
}
END_TEST

/* Many puts and deletes against a plain array. */
START_TEST(after_ten_thousand_changes_it_holds_what_it_should)
{
	static uint64_t holder[200]; /* by address: the id, or 0 */
	uint64_t next = 1;

	srandom(11);
	for (int i = 0; i < 10000; i++) {
		uint32_t n = (uint32_t)(random() % 200);

		if (holder[n] && random() % 2) {
			ck_assert_uint_eq(ruleset_delete(set, &holder[n], 1),
					  1);
			holder[n] = 0;
		} else {
			struct rule rule = make(holder[n] ? holder[n] : next++,
						n);

			ck_assert_int_eq(put(&rule), 0);
			holder[n] = rule.id;
		}
	}
	for (uint32_t n = 0; n < 200; n++)
		ck_assert_uint_eq(outer_id(n, 2001), holder[n]);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		each_port_of_a_rule_is_found_from_both_sides,
		realm_and_protocol_are_part_of_an_endpoint,
		a_second_rule_of_an_outer_endpoint_is_refused,
		neighbouring_ports_may_belong_to_different_rules,
		what_is_looked_up_ahead_is_found_the_same,
		what_others_may_see_is_kept_until_they_have_been_waited_for,
		a_batch_is_put_as_a_whole_or_not_at_all,
		two_rules_can_swap_their_outer_endpoints,
		counters_outlive_a_replacement_and_the_serial_does_not,
		what_is_deleted_is_gone_and_may_be_put_again,
		a_synchronisation_removes_what_was_not_put_anew,
		during_a_synchronisation_a_stale_holder_gives_way,
		a_listing_goes_by_id_and_can_be_paged,
		the_most_specific_usable_remote_is_the_source,
		a_source_rule_that_is_not_usable_makes_way,
		without_memory_a_put_changes_nothing,
		without_memory_there_is_no_set,
		after_ten_thousand_changes_it_holds_what_it_should,
	};

	return SUITE_RUN("ruleset", tests, begin, end);
}
