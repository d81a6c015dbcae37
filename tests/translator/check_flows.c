/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/flows.c. */
#include "translator/flows.h"

#include <errno.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define MAX 200

static struct flows *flows;

static void begin(void)
{
	faults_begin();
	flows = flows_new(MAX, 1);
	ck_assert_ptr_nonnull(flows);
}

static void end(void)
{
	flows_free(flows);
	faults_end();
}

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

/* From port n of outside's 1.1.1.1 to rule's outer, on to its inner. */
static struct flow flow_of(uint64_t rule, uint16_t n)
{
	uint32_t host = (uint32_t)rule;

	return (struct flow){
		.there = { .src = at(0x01010101, n, 1),
			   .dst = at(0x14000000 + host, 2000, 1),
			   .steps = { { rule, false } },
			   .step_count = 1 },
		.back = { .src = at(0x0a000000 + host, 1000, 0),
			  .dst = at(0x01010101, n, 0),
			  .steps = { { rule, true } },
			  .step_count = 1 },
	};
}

static struct flows_entry *add(uint64_t rule, uint16_t n)
{
	struct flow flow = flow_of(rule, n);
	struct flows_entry *entry;

	ck_assert_int_eq(flows_add(flows, &flow, &entry), 0);
	return entry;
}

static size_t unmark_all(struct list *list)
{
	size_t count = 0;

	for (; !list_is_empty(list); count++)
		flows_unmark(flows_of_mark(list->next));
	return count;
}

START_TEST(a_flow_is_found_by_the_packets_of_both_directions)
{
	struct flow flow = flow_of(1, 7), other = flow_of(1, 8);
	struct flows_entry *entry = add(1, 7);
	bool back;

	ck_assert_ptr_eq(flows_find(flows, &flow.there.src, &flow.there.dst,
				    &back),
			 entry);
	ck_assert(!back);
	ck_assert_ptr_eq(flows_find(flows, &flow.back.src, &flow.back.dst,
				    &back),
			 entry);
	ck_assert(back);
	ck_assert_ptr_null(
		flows_find(flows, &other.there.src, &other.there.dst, &back));
	flow.there.src.realm = flow.there.dst.realm = 0;
	ck_assert_ptr_null(
		flows_find(flows, &flow.there.src, &flow.there.dst, &back));
	flows_remove(flows, entry);
	ck_assert_ptr_null(
		flows_find(flows, &flow.back.src, &flow.back.dst, &back));
	ck_assert_uint_eq(flows_count(flows), 0);
}
END_TEST

START_TEST(a_direction_is_there_once)
{
	struct flow flow = flow_of(1, 7), turned;
	struct flows_entry *entry;

	add(1, 7);
	turned = (struct flow){ .there = flow.back, .back = flow.there };
	ck_assert_int_eq(flows_add(flows, &flow, &entry), -EEXIST);
	ck_assert_int_eq(flows_add(flows, &turned, &entry), -EEXIST);
}
END_TEST

START_TEST(flows_are_found_by_rule_and_by_endpoint_each_once)
{
	struct endpoint inner = at(0x0a000001, 1000, 5), far, nobody;
	struct list list;

	list_init(&list);
	add(1, 7);
	add(1, 8);
	add(2, 7);
	flows_mark_rule(flows, 1, &list);
	flows_mark_rule(flows, 1, &list);
	ck_assert_uint_eq(unmark_all(&list), 2);
	flows_mark_end(flows, &inner, &list);
	ck_assert_uint_eq(unmark_all(&list), 2);
	far = at(0x01010101, 7, REALM_NONE);
	flows_mark_end(flows, &far, &list);
	ck_assert_uint_eq(unmark_all(&list), 2);
	nobody = at(0x01010101, 9, 1);
	flows_mark_end(flows, &nobody, &list);
	flows_mark_rule(flows, 3, &list);
	ck_assert_uint_eq(unmark_all(&list), 0);
	flows_mark_rule(flows, 2, &list);
	flows_mark_all(flows, &list);
	ck_assert_uint_eq(unmark_all(&list), 3);
}
END_TEST

START_TEST(an_endpoint_loses_its_flows_in_any_order)
{
	struct endpoint remote = at(0x01010101, 0, 0);
	struct flows_entry *entries[9];
	struct list list;

	for (size_t i = 0; i < 9; i++) {
		struct flow flow = flow_of(i + 1, 7);

		ck_assert_int_eq(flows_add(flows, &flow, &entries[i]), 0);
	}
	remote.port = 7;
	/* The first one, the last one, one of the middle, the rest. */
	for (size_t i = 0; i < 9; i++) {
		static const size_t order[] = { 0, 8, 4, 1, 2, 3, 7, 6, 5 };

		list_init(&list);
		flows_mark_end(flows, &remote, &list);
		ck_assert_uint_eq(unmark_all(&list), 9 - i);
		flows_remove(flows, entries[order[i]]);
	}
	list_init(&list);
	flows_mark_end(flows, &remote, &list);
	ck_assert(list_is_empty(&list));
}
END_TEST

/* Were each removal to look at all of them, the suite's time would be over. */
START_TEST(an_endpoint_of_all_flows_costs_no_more_than_another)
{
	static struct flows_entry *entries[100000];
	struct flows *many = flows_new(100000, 1);

	ck_assert_ptr_nonnull(many);
	for (size_t i = 0; i < 100000; i++) {
		struct flow flow = flow_of(i + 1, 7);

		ck_assert_int_eq(flows_add(many, &flow, &entries[i]), 0);
	}
	for (size_t i = 0; i < 100000; i++)
		flows_remove(many, entries[i]);
	ck_assert_uint_eq(flows_count(many), 0);
	flows_free(many);
}
END_TEST

START_TEST(an_adopted_flow_is_found_by_its_rules_once_they_are_known)
{
	struct flow known = flow_of(4, 7), unknown = known;
	struct flows_entry *entry;
	struct list list;

	list_init(&list);
	unknown.there.step_count = unknown.back.step_count = 0;
	ck_assert_int_eq(flows_add(flows, &unknown, &entry), 0);
	flows_mark_rule(flows, 4, &list);
	ck_assert_uint_eq(unmark_all(&list), 0);
	flows_set_rules(flows, entry, &known);
	flows_mark_rule(flows, 4, &list);
	ck_assert_uint_eq(unmark_all(&list), 1);
	ck_assert_uint_eq(entry->rule_count, 1);
}
END_TEST

START_TEST(a_rule_and_the_book_have_their_limits)
{
	struct flow flow = flow_of(1, FLOWS_PER_RULE_MAX + 1);
	struct flows_entry *entry, *last = NULL;
	uint64_t rule = 2;

	for (uint16_t n = 1; n <= FLOWS_PER_RULE_MAX; n++)
		last = add(1, n);
	ck_assert_int_eq(flows_add(flows, &flow, &entry), -EDQUOT);
	flows_remove(flows, last);
	ck_assert_int_eq(flows_add(flows, &flow, &entry), 0);
	for (; flows_count(flows) < MAX; rule++)
		add(rule, 1);
	flow = flow_of(rule, 1);
	ck_assert_int_eq(flows_add(flows, &flow, &entry), -ENOSPC);
}
END_TEST

START_TEST(a_walk_meets_each_flow_once)
{
	struct flows_entry *entry = NULL;
	uint64_t sum = 0;

	for (uint16_t n = 1; n <= 100; n++)
		add(1, n);
	while ((entry = flows_next(flows, entry)))
		sum += entry->flow.there.src.port;
	ck_assert_uint_eq(sum, 5050);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	struct flow flow = flow_of(1, 1);
	struct flows_entry *entry;
	size_t live = faults_live();

	faults_arm(1);
	ck_assert_int_eq(flows_add(flows, &flow, &entry), -ENOMEM);
	ck_assert(faults_disarm());
	ck_assert_uint_eq(faults_live(), live);
	for (unsigned n = 1; n <= 4; n++) {
		faults_arm(n);
		ck_assert_ptr_null(flows_new(MAX, 1));
		ck_assert(faults_disarm());
		ck_assert_uint_eq(faults_live(), live);
	}
}
END_TEST

START_TEST(flows_come_in_the_order_of_their_ids)
{
	struct flows_entry *entries[5];
	const struct flows_entry *entry = NULL;
	uint64_t gone;

	for (uint16_t n = 0; n < 5; n++)
		entries[n] = add(1, (uint16_t)(n + 1));
	for (unsigned n = 0; n < 5; n++) {
		entry = flows_after(flows, entry == NULL ? 0 : entry->id);
		ck_assert_ptr_eq(entry, entries[n]);
	}
	ck_assert_ptr_null(flows_after(flows, entry->id));
	gone = entries[2]->id;
	flows_remove(flows, entries[2]);
	ck_assert_ptr_eq(flows_after(flows, gone), entries[3]);
	ck_assert_ptr_eq(flows_after(flows, entries[1]->id), entries[3]);
	ck_assert_ptr_null(flows_after(flows, UINT64_MAX));
	entries[2] = add(1, 3);
	ck_assert_ptr_eq(flows_after(flows, entries[4]->id), entries[2]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		flows_come_in_the_order_of_their_ids,
		a_flow_is_found_by_the_packets_of_both_directions,
		a_direction_is_there_once,
		flows_are_found_by_rule_and_by_endpoint_each_once,
		an_endpoint_loses_its_flows_in_any_order,
		an_endpoint_of_all_flows_costs_no_more_than_another,
		an_adopted_flow_is_found_by_its_rules_once_they_are_known,
		a_rule_and_the_book_have_their_limits,
		a_walk_meets_each_flow_once,
		without_memory_nothing_is_added,
	};

	return SUITE_RUN("flows", tests, begin, end);
}
