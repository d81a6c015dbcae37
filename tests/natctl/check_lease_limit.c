/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit of natctl/lease: too many for counted allocations. */
#include <errno.h>
#include <stdio.h>

#include "natctl/lease.h"
#include "tests/translator/suite.h"

static struct lease_table table;

static void begin(void)
{
	ck_assert_int_eq(lease_table_init(&table, 5), 0);
}

static void end(void)
{
	struct lease *lease;

	while ((lease = lease_after(&table, 0)) != NULL)
		lease_remove(&table, lease);
	lease_table_done(&table);
}

START_TEST(all_leases_have_a_limit)
{
	char group[32];
	struct lease *lease;

	for (unsigned i = 0; i < LEASE_MAX; i++) {
		(void)snprintf(group, sizeof(group), "call-%u", i % 1000);
		ck_assert_int_eq(lease_add(&table, 1, group, &lease), 0);
	}
	ck_assert_int_eq(lease_add(&table, 1, "more", &lease), -ENOSPC);
	ck_assert_uint_eq(lease_group_count(&table), 1000);
	ck_assert_uint_eq(lease_count_of(&table, 1), LEASE_MAX);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { all_leases_have_a_limit };

	return SUITE_RUN("lease limit", tests, begin, end);
}
