/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/repeat.c: asks that may be sent again. */
#include <errno.h>

#include "tests/natctl/desk.h"
#include "tests/natctl/sample.h"
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

/* The same once more, answered later and elsewhere. */
static void send_again(struct desk_reply *reply)
{
	json_t *params = sample_json(AGAIN);
	struct manager_request request = { .uid = ROOT,
					   .method = "ask",
					   .params = params };
	struct manager_answer answer;

	ck_assert_int_eq(manager_request(desk.manager, &request, desk.now_ms,
					 desk_on_answer, reply, &answer),
			 -EINPROGRESS);
	json_decref(params);
}

START_TEST(while_it_is_under_way_it_is_not_granted_twice)
{
	struct desk_reply *reply = &desk.reply;
	struct desk_reply again = { 0 };

	ck_assert_int_eq(desk_send(ROOT, "ask", KEYED), -EINPROGRESS);
	send_again(&again);
	desk_acknowledge();
	ck_assert_int_eq(reply->count, 1);
	ck_assert_int_eq(again.count, 1);
	ck_assert_ptr_nonnull(again.result);
	ck_assert(json_equal(again.result, reply->result));
	json_decref(again.result);
	desk_expect(2, 4, 0, 2);
}
END_TEST

START_TEST(when_it_fails_all_who_repeated_it_are_told)
{
	struct desk_reply again[3] = { 0 };

	ck_assert_int_eq(desk_send(ROOT, "ask", KEYED), -EINPROGRESS);
	for (int i = 0; i < 3; i++)
		send_again(&again[i]);
	ck_assert(fake_link_end(&desk.link, -ECONNRESET, desk.now_ms));
	ck_assert_int_eq(desk.reply.count, 1);
	ck_assert_int_eq(desk.reply.fault.code, RPC_TRANSLATOR_DOWN);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(again[i].count, 1);
		ck_assert_ptr_null(again[i].result);
		ck_assert_int_eq(again[i].fault.code, RPC_TRANSLATOR_DOWN);
	}
	desk_grant(ROOT, "ask", KEYED);
}
END_TEST

START_TEST(one_that_was_released_meanwhile_is_another_ask)
{
	struct desk_reply again = { 0 };

	ck_assert_int_eq(desk_send(ROOT, "ask", KEYED), -EINPROGRESS);
	ck_assert_int_eq(desk_send(ROOT, "release", "{'group':'g'}"),
			 -EINPROGRESS);
	send_again(&again);
	fake_link_end_all(&desk.link, 0, desk.now_ms);
	ck_assert_int_eq(again.count, 1);
	ck_assert_ptr_nonnull(again.result);
	json_decref(again.result);
	desk_expect(2, 4, 4, 2);
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
		when_it_fails_all_who_repeated_it_are_told,
		one_that_was_released_meanwhile_is_another_ask,
		a_bad_key_is_refused,
	};

	return SUITE_RUN("repeat", tests, desk_begin, desk_end);
}
