/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/rule_index.c and translator/slab.c. */
#include "translator/rule_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define RULES 3000

static struct rule_index rules; /* of the test */

static void begin(void)
{
	faults_begin();
	ck_assert_int_eq(rule_index_init(&rules), 0);
}

static void end(void)
{
	rule_index_done(&rules);
	faults_end();
}

static void add(uint32_t hash, uint32_t rule)
{
	ck_assert_int_eq(rule_index_reserve(&rules, 1), 0);
	rule_index_free_former(&rules);
	rule_index_add(&rules, hash, rule);
}

static void take_off(uint32_t hash, uint32_t rule)
{
	uint32_t link = rule_index_remove(&rules, hash, rule);

	if (link != 0)
		rule_index_free_link(&rules, link);
	rule_index_trim(&rules);
	rule_index_free_former(&rules);
}

/* How often the rule is found by that hash. */
static unsigned found(uint32_t hash, uint32_t rule)
{
	uint32_t next = rule_index_find(&rules, hash);
	unsigned count = 0;

	while (next != 0)
		count += rule_index_step(&rules, &next) == rule;
	return count;
}

START_TEST(rules_of_one_hash_come_and_go_in_any_order)
{
	static const uint8_t orders[][3] = { { 1, 2, 3 }, { 1, 3, 2 },
					     { 2, 1, 3 }, { 2, 3, 1 },
					     { 3, 1, 2 }, { 3, 2, 1 } };

	for (size_t i = 0; i < 6; i++) {
		uint32_t left[] = { 0, 1, 1, 1 };

		for (uint32_t rule = 1; rule <= 3; rule++)
			add(77, rule);
		for (size_t k = 0; k < 3; k++) {
			take_off(77, orders[i][k]);
			left[orders[i][k]] = 0;
			for (uint32_t rule = 1; rule <= 3; rule++)
				ck_assert_uint_eq(found(77, rule), left[rule]);
		}
		ck_assert_uint_eq(rules.live, 0);
	}
}
END_TEST

/* Hashes that share a home, and few of them, so that chains grow as well. */
static uint32_t hash_of(uint32_t rule)
{
	return rule % 3 == 0 ? rule / 100 : rule * UINT32_C(2654435761);
}

START_TEST(after_many_changes_it_holds_what_it_should)
{
	static bool is_there[RULES];

	srandom(5);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 8000; i++) {
			uint32_t rule = 1 + (uint32_t)random() % (RULES - 1);
			bool more = random() % 6 < 5 - round;

			if (more && !is_there[rule])
				add(hash_of(rule), rule);
			else if (!more && is_there[rule])
				take_off(hash_of(rule), rule);
			is_there[rule] = more;
		}
		for (uint32_t rule = 1; rule < RULES; rule++)
			ck_assert_uint_eq(found(hash_of(rule), rule),
					  is_there[rule]);
	}
	for (uint32_t rule = 1; rule < RULES; rule++)
		if (is_there[rule])
			take_off(hash_of(rule), rule);
	ck_assert_uint_eq(rules.live, 0);
	ck_assert_uint_le(rule_index_bits(&rules), 8);
}
END_TEST

START_TEST(without_memory_a_reserve_changes_nothing)
{
	for (uint32_t rule = 1; rule < 200; rule++) {
		unsigned n = 1;

		for (;; n++) {
			faults_arm(n);
			if (rule_index_reserve(&rules, 1) == 0)
				break;
			ck_assert(faults_disarm());
			ck_assert_uint_eq(found(5, rule), 0);
		}
		faults_disarm();
		rule_index_free_former(&rules);
		rule_index_add(&rules, 5, rule);
		ck_assert_uint_eq(found(5, rule), 1);
	}
	ck_assert_int_eq(rule_index_reserve(&rules, RULE_INDEX_MAX), -ENOMEM);
}
END_TEST

/* Across the chunks that grow, and the first of those that do not. */
START_TEST(records_of_a_slab_do_not_overlap_and_come_round_again)
{
	uint32_t count = 3 * SLAB_CHUNK, last = 0;
	struct slab slab;

	slab_init(&slab, 128);
	for (uint32_t i = 1; i <= count; i++) {
		ck_assert_int_eq(slab_reserve(&slab, 1), 0);
		last = slab_take(&slab);
		ck_assert_uint_eq(last, i);
		ck_assert_uint_eq((uintptr_t)slab_at(&slab, i) % 128, 0);
		memset(slab_at(&slab, i), (int)(i % 251), 128);
	}
	for (uint32_t i = 1; i <= count; i++) {
		const uint8_t *record = slab_at(&slab, i);

		ck_assert_uint_eq(record[0], i % 251);
		ck_assert_uint_eq(record[127], i % 251);
	}
	slab_give(&slab, 7);
	slab_give(&slab, last);
	ck_assert_uint_eq(slab_take(&slab), last);
	ck_assert_uint_eq(slab_take(&slab), 7);
	slab_done(&slab);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		rules_of_one_hash_come_and_go_in_any_order,
		after_many_changes_it_holds_what_it_should,
		without_memory_a_reserve_changes_nothing,
		records_of_a_slab_do_not_overlap_and_come_round_again,
	};

	return SUITE_RUN("rule_index", tests, begin, end);
}
