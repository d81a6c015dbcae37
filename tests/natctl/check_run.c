/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/run: what is held. */
#include <errno.h>
#include <stdlib.h>

#include "tests/natctl/basin.h"
#include "tests/translator/suite.h"

START_TEST(what_is_given_back_is_held_for_others_but_not_for_its_owner)
{
	struct pool_want mine = basin_wish_of("3.3.3.3", 1332, 1332, true);
	struct pool_want other = basin_wish_of("3.3.3.3", 1333, 1333, true);

	mine.ports = 2;
	other.owner = OWNER + 1;
	basin_expect(&mine, "3.3.3.3:1332@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], true, 5000);
	sample_expect_pools(basin.set, 0, 2);
	ck_assert_uint_eq(pool_deadline(basin.set), 65000);
	basin_refuse(&other, -EADDRINUSE);
	basin_expect(&mine, "3.3.3.3:1332@outside");
	sample_expect_pools(basin.set, 2, 0);
	pool_give(basin.set, basin.runs[--basin.run_count], true, 6000);
	pool_expire(basin.set, 65999);
	sample_expect_pools(basin.set, 0, 2);
	basin_refuse(&other, -EADDRINUSE);
	pool_expire(basin.set, 66000);
	sample_expect_pools(basin.set, 0, 0);
	basin_expect(&other, "3.3.3.3:1333@outside");
}
END_TEST

START_TEST(a_part_of_what_is_held_is_given_to_its_owner)
{
	struct pool_want mine = basin_wish_of("3.3.3.3", 1332, 1332, true);
	struct pool_want part = basin_wish_of("3.3.3.3", 1334, 1334, true);

	mine.ports = 4;
	part.ports = 4; /* two of them held, two free */
	basin_expect(&mine, "3.3.3.3:1332@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], true, 0);
	basin_expect(&part, "3.3.3.3:1334@outside");
	sample_expect_pools(basin.set, 4, 2);
	basin_refuse(&mine, -EADDRINUSE);
	pool_give(basin.set, basin.runs[--basin.run_count], true, 1000);
	sample_expect_pools(basin.set, 0, 6);
	pool_expire(basin.set, 60000);
	sample_expect_pools(basin.set, 0, 4);
	basin_expect(&mine, "3.3.3.3:1332@outside");
	sample_expect_pools(basin.set, 4, 2);
}
END_TEST

START_TEST(what_was_held_before_an_undone_ask_is_held_again)
{
	struct pool_want mine = basin_wish_of("3.3.3.3", 1332, 1332, true);

	basin_expect(&mine, "3.3.3.3:1332@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], false, 0);
	sample_expect_pools(basin.set, 0, 0);
	basin_expect(&mine, "3.3.3.3:1332@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], true, 0);
	basin_expect(&mine, "3.3.3.3:1332@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], false, 10);
	sample_expect_pools(basin.set, 0, 1);
}
END_TEST

START_TEST(a_free_choice_never_takes_what_is_held)
{
	struct pool_want all = basin_wish_of("20.20.20.16", 2000, 2000, true);
	struct pool_want any = basin_wish_of("20.20.20.16", 0, 0, true);

	all.ports = 10;
	basin_expect(&all, "20.20.20.16:2000@outside");
	pool_give(basin.set, basin.runs[--basin.run_count], true, 0);
	basin_refuse(&any, -EADDRINUSE);
}
END_TEST

START_TEST(the_account_closes_whatever_is_taken_and_given)
{
	uint64_t now_ms = 0;

	srandom(3);
	for (int round = 0; round < 20000; round++) {
		struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 1);
		struct endpoint got;

		now_ms += (uint64_t)random() % 200;
		pool_expire(basin.set, now_ms);
		want.owner += (uint32_t)random() % 2;
		want.inner.port += (uint16_t)(random() % 2);
		want.inner.addr.bytes[3] = (uint8_t)random();
		want.ports = (uint16_t)(1 + random() % 8);
		if (random() % 2 == 0) {
			want.wish.prefix = sample_prefix("20.20.20.16/31");
			want.wish.strict = random() % 2 == 0;
			want.wish.ports.first = want.wish.ports.last =
				(uint16_t)(2000 + random() % 10);
			if (random() % 2 == 0)
				want.wish.prefix = sample_prefix("20.20.20.17");
		}
		if (basin.run_count < 500 && random() % 2 == 0) {
			(void)basin_take(&want, &got, NULL);
		} else if (basin.run_count > 0) {
			size_t i = (size_t)random() % basin.run_count;

			pool_give(basin.set, basin.runs[i], random() % 4 != 0,
				  now_ms);
			basin.runs[i] = basin.runs[--basin.run_count];
		}
	}
	basin_give_all();
	pool_expire(basin.set, now_ms + 60000);
	sample_expect_pools(basin.set, 0, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_given_back_is_held_for_others_but_not_for_its_owner,
		a_part_of_what_is_held_is_given_to_its_owner,
		what_was_held_before_an_undone_ask_is_held_again,
		a_free_choice_never_takes_what_is_held,
		the_account_closes_whatever_is_taken_and_given,
	};

	return SUITE_RUN("run", tests, basin_begin, basin_end);
}
