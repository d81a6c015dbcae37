/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/inspect. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/natctl/desk.h"
#include "tests/translator/suite.h"

START_TEST(lists_come_in_pages)
{
	json_int_t after = 0;
	size_t pages = 0;
	size_t found = 0;
	char params[64];
	bool more = true;

	for (int i = 0; i < 250; i++)
		desk_grant(ROOT, "ask",
			   i % 2 ? ASK : "{'group':'h','leases':[" LEASE "}]}");
	while (more) {
		json_t *leases;

		(void)snprintf(params, sizeof(params), "{'after':%lld}",
			       (long long)after);
		ck_assert_int_eq(desk_send(ROOT, "list", params), 0);
		leases = json_object_get(desk.reply.result, "leases");
		for (size_t i = 0; i < json_array_size(leases); i++) {
			json_t *id = json_object_get(json_array_get(leases, i),
						     "id");

			ck_assert_int_gt(json_integer_value(id), after);
			after = json_integer_value(id);
		}
		found += json_array_size(leases);
		more = json_is_true(json_object_get(desk.reply.result, "more"));
		pages++;
	}
	ck_assert_uint_eq(found, 250);
	ck_assert_uint_eq(pages, 3);
	ck_assert_int_eq(desk_send(ROOT, "list", "{'group':'h','limit':2}"), 0);
	ck_assert(json_is_true(json_object_get(desk.reply.result, "more")));
	ck_assert_int_eq(desk_send(ROOT, "list", "{'group':'nobody'}"), 0);
	ck_assert_uint_eq(json_array_size(
				  json_object_get(desk.reply.result, "leases")),
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
		desk_grant(ROOT, "ask", params);
	}
	while (leases < 400) {
		json_t *list;
		size_t count;

		(void)snprintf(params, RPC_LINE_MAX, "{'after':%lld}",
			       (long long)after);
		ck_assert_int_eq(desk_send(ROOT, "list", params), 0);
		ck_assert_uint_lt(json_dumpb(desk.reply.result, NULL, 0,
					     JSON_COMPACT),
				  RPC_LINE_MAX - 100);
		list = json_object_get(desk.reply.result, "leases");
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

START_TEST(a_lease_with_very_many_conditions_is_told_in_part)
{
	char *params = malloc(RPC_LINE_MAX);
	size_t used;
	json_t *lease;

	ck_assert_ptr_nonnull(params);
	used = (size_t)sprintf(params, "{'group':'g','leases':[" LEASE
				       ",'conditions':[");
	for (int i = 0; i < 300; i++)
		used += (size_t)sprintf(params + used,
					"%s{'source':'100.100.%d.%d'}",
					i == 0 ? "" : ",", i / 250, i % 250);
	strcpy(params + used, "]}]}");
	desk_grant(ROOT, "ask", params);
	free(params);
	ck_assert_int_eq(desk_send(ROOT, "list", "{}"), 0);
	ck_assert_uint_lt(json_dumpb(desk.reply.result, NULL, 0, JSON_COMPACT),
			  RPC_LINE_MAX - 100);
	lease = json_array_get(json_object_get(desk.reply.result, "leases"), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(lease, "conditions")),
			  256);
	ck_assert_int_eq(json_integer_value(
				 json_object_get(lease, "conditions_total")),
			 300);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lists_come_in_pages,
		an_answer_fits_a_line_whatever_is_listed,
		a_lease_with_very_many_conditions_is_told_in_part,
	};

	return SUITE_RUN("inspect", tests, desk_begin, desk_end);
}
