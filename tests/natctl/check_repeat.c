/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/repeat.c: asks that may be sent again. */
#include <errno.h>

#include "tests/natctl/desk.h"
#include "tests/translator/suite.h"

#define KEYED "{'group':'g','key':'k','leases':[" LEASE "}," LEASE "}]}"
/* The same in other words. */
#define AGAIN "{'leases':[" LEASE "}," LEASE "}],  'key':'k','group':'g'}"

START_TEST(an_ask_with_a_key_is_granted_once)
{
	json_t *first;

	desk_grant(PHONE, "ask", "{'group':'g','leases':[" LEASE "}]}");
	desk_grant(PHONE, "ask", KEYED);
	first = json_incref(json_object_get(desk.reply.result, "leases"));
	ck_assert_int_eq(desk_send(PHONE, "ask", AGAIN), 0);
	ck_assert(json_equal(json_object_get(desk.reply.result, "leases"),
			     first));
	json_decref(first);
	desk_expect(3, 6, 0, 3);
	/* What is left of the lifetime, and not another one. */
	desk.now_ms += 100500;
	ck_assert_int_eq(desk_send(PHONE, "ask", AGAIN), 0);
	ck_assert_int_eq(
		json_integer_value(json_object_get(
			json_array_get(json_object_get(desk.reply.result,
						       "leases"),
				       1),
			"expires_in")),
		500);
}
END_TEST

START_TEST(a_key_is_of_one_ask_of_one_owner_in_one_group)
{
	desk_grant(ROOT, "ask", KEYED);
	desk_refuse(ROOT, "ask",
		    "{'group':'g','key':'k','leases':[" LEASE "}]}",
		    RPC_INVALID_PARAMS);
	desk_grant(ROOT, "ask",
		   "{'group':'g','key':'l','leases':[" LEASE "}]}");
	desk_grant(ROOT, "ask",
		   "{'group':'h','key':'k','leases':[" LEASE "}]}");
	desk_grant(PHONE, "ask",
		   "{'group':'g','key':'k','leases':[" LEASE "}]}");
	desk_expect(5, 10, 0, 5);
}
END_TEST

START_TEST(a_key_ends_with_its_leases)
{
	desk_grant(ROOT, "ask", KEYED);
	desk_grant(ROOT, "release", "{'lease':2}");
	desk_refuse(ROOT, "ask", KEYED, RPC_INVALID_PARAMS);
	desk_grant(ROOT, "release", "{'lease':1}");
	desk_grant(ROOT, "ask", KEYED);
	desk_expect(2, 4, 4, 2);
}
END_TEST

START_TEST(while_it_is_under_way_it_is_not_granted_twice)
{
	struct desk_reply *reply = &desk.reply;

	ck_assert_int_eq(desk_send(ROOT, "ask", KEYED), -EINPROGRESS);
	desk_refuse(ROOT, "ask", AGAIN, RPC_NOT_AVAILABLE);
	desk_acknowledge();
	ck_assert_int_eq(reply->count, 1);
	ck_assert_int_eq(desk_send(ROOT, "ask", AGAIN), 0);
	desk_expect(2, 4, 0, 2);
}
END_TEST

START_TEST(a_bad_key_is_refused)
{
	desk_refuse(ROOT, "ask", "{'group':'g','key':'','leases':[" LEASE "}]}",
		    RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "ask", "{'group':'g','key':7,'leases':[" LEASE "}]}",
		    RPC_INVALID_PARAMS);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_ask_with_a_key_is_granted_once,
		a_key_is_of_one_ask_of_one_owner_in_one_group,
		a_key_ends_with_its_leases,
		while_it_is_under_way_it_is_not_granted_twice,
		a_bad_key_is_refused,
	};

	return SUITE_RUN("repeat", tests, desk_begin, desk_end);
}
