/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/lease. */
#include "natctl/lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

static struct lease_table table;

static void begin(void)
{
	faults_begin();
	ck_assert_int_eq(lease_table_init(&table, 5), 0);
}

static void end(void)
{
	struct lease *lease;

	while ((lease = lease_after(&table, 0)) != NULL)
		lease_remove(&table, lease);
	ck_assert_uint_eq(lease_count(&table), 0);
	ck_assert_uint_eq(lease_group_count(&table), 0);
	ck_assert_ptr_null(lease_first_expiry(&table));
	lease_table_done(&table);
	faults_end();
}

static struct lease *add(uint32_t uid, const char *group)
{
	struct lease *lease;

	ck_assert_int_eq(lease_add(&table, uid, group, &lease), 0);
	return lease;
}

START_TEST(ids_rise_and_are_not_used_again)
{
	struct lease *a = add(1, "call-1");
	struct lease *b = add(1, "call-1");

	ck_assert_uint_eq(a->rule.id, 1);
	ck_assert_uint_eq(b->rule.id, 2);
	ck_assert_int_eq(a->state, LEASE_PENDING);
	ck_assert_str_eq(a->rule.group, "call-1");
	lease_remove(&table, b);
	ck_assert_ptr_null(lease_find(&table, 2));
	ck_assert_uint_eq(add(1, "call-1")->rule.id, 3);
	ck_assert_ptr_eq(lease_find(&table, 1), a);
}
END_TEST

START_TEST(a_group_is_its_owners_and_lives_while_it_has_leases)
{
	struct lease *mine = add(1, "call-1");
	struct lease *yours = add(2, "call-1");
	struct lease_group *group;

	ck_assert_ptr_ne(mine->group, yours->group);
	ck_assert_uint_eq(lease_group_count(&table), 2);
	ck_assert_ptr_eq(lease_find_group(&table, 1, "call-1"), mine->group);
	ck_assert_ptr_eq(lease_find_group(&table, 2, "call-1"), yours->group);
	ck_assert_ptr_null(lease_find_group(&table, 3, "call-1"));
	group = lease_next_group(&table, "call-1", NULL);
	ck_assert_ptr_nonnull(group);
	group = lease_next_group(&table, "call-1", group);
	ck_assert_ptr_nonnull(group);
	ck_assert_ptr_null(lease_next_group(&table, "call-1", group));
	lease_remove(&table, mine);
	ck_assert_ptr_null(lease_find_group(&table, 1, "call-1"));
	ck_assert_ptr_nonnull(lease_find_group(&table, 2, "call-1"));
	ck_assert_uint_eq(lease_count_of(&table, 1), 0);
	ck_assert_uint_eq(lease_count_of(&table, 2), 1);
}
END_TEST

START_TEST(a_group_has_a_limit)
{
	struct lease *lease;

	for (int i = 0; i < LEASE_GROUP_MAX; i++)
		add(1, "call-1");
	ck_assert_int_eq(lease_add(&table, 1, "call-1", &lease), -EDQUOT);
	ck_assert_uint_eq(lease_count_of(&table, 1), LEASE_GROUP_MAX);
	add(1, "call-2");
	add(2, "call-1");
}
END_TEST

START_TEST(leases_are_walked_by_id)
{
	uint64_t id = 0;
	struct lease *lease;

	for (int i = 0; i < 10; i++)
		add(1, i % 2 ? "odd" : "even");
	lease_remove(&table, lease_find(&table, 4));
	lease_remove(&table, lease_find(&table, 10));
	for (unsigned expected = 1; expected < 10; expected++) {
		if (expected == 4)
			continue;
		lease = lease_after(&table, id);
		ck_assert_ptr_nonnull(lease);
		ck_assert_uint_eq(lease->rule.id, expected);
		id = lease->rule.id;
	}
	ck_assert_ptr_null(lease_after(&table, id));
	ck_assert_uint_eq(lease_after(&table, 4)->rule.id, 5);
}
END_TEST

START_TEST(the_first_to_expire_is_known_whatever_changes)
{
	struct lease *leases[300];

	srandom(9);
	for (int i = 0; i < 300; i++)
		leases[i] = add(1, "call-1");
	for (int round = 0; round < 5000; round++) {
		struct lease *first;
		uint64_t least = UINT64_MAX;
		int i = (int)(random() % 300);

		if (random() % 4 == 0)
			lease_clear_expiry(&table, leases[i]);
		else
			lease_set_expiry(&table, leases[i],
					 (uint64_t)random() % 1000);
		for (int k = 0; k < 300; k++)
			if (leases[k]->heap_index != SIZE_MAX &&
			    leases[k]->expires_ms < least)
				least = leases[k]->expires_ms;
		first = lease_first_expiry(&table);
		ck_assert_uint_eq(first == NULL ? UINT64_MAX :
						  first->expires_ms,
				  least);
	}
}
END_TEST

START_TEST(conditions_are_the_leases_own)
{
	struct lease *lease = add(1, "call-1");
	struct rule_condition *conditions = calloc(2, sizeof(*conditions));

	lease_set_conditions(lease, conditions, 2);
	ck_assert_ptr_eq(lease->rule.conditions, conditions);
	ck_assert_uint_eq(lease->rule.condition_count, 2);
	lease_set_conditions(lease, NULL, 0);
	ck_assert_uint_eq(lease->rule.condition_count, 0);
}
END_TEST

START_TEST(a_lack_of_memory_changes_nothing)
{
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct lease *lease;
		int rc;

		faults_arm(n);
		rc = lease_add(&table, 1, "call-1", &lease);
		failed = faults_disarm();
		ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
		ck_assert_uint_eq(lease_count(&table), failed ? 0 : 1);
		ck_assert_uint_eq(lease_group_count(&table), failed ? 0 : 1);
		ck_assert_uint_lt(n, 20);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ids_rise_and_are_not_used_again,
		a_group_is_its_owners_and_lives_while_it_has_leases,
		a_group_has_a_limit,
		leases_are_walked_by_id,
		the_first_to_expire_is_known_whatever_changes,
		conditions_are_the_leases_own,
		a_lack_of_memory_changes_nothing,
	};

	return SUITE_RUN("lease", tests, begin, end);
}
