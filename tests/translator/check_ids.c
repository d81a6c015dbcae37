/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/ids.c. */
#include "translator/ids.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define COUNT 5000

static void check_all(const struct ids *ids, const bool *is_there)
{
	uint64_t after = 0;
	size_t count = 0;

	for (size_t id = 1; id < COUNT; id++) {
		ck_assert_uint_eq(ids_find(ids, id), is_there[id] ? id : 0);
		if (!is_there[id])
			continue;
		ck_assert_uint_eq(ids_next(ids, after), id);
		after = id;
		count++;
	}
	ck_assert_uint_eq(ids_next(ids, after), 0);
	ck_assert_uint_eq(ids->count, count);
}

START_TEST(what_was_put_in_any_order_is_found_in_order)
{
	static bool is_there[COUNT];
	struct ids ids = { 0 };

	srandom(4);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3000; i++) {
			size_t id = 1 + (size_t)random() % (COUNT - 1);

			if (random() % 5 < 3 - round % 3) {
				ck_assert_int_eq(ids_put(&ids, id,
							 (uint32_t)id),
						 0);
				is_there[id] = true;
			} else {
				ids_remove(&ids, id);
				is_there[id] = false;
			}
		}
		check_all(&ids, is_there);
	}
	for (size_t id = 1; id < COUNT; id++)
		ids_remove(&ids, id);
	ck_assert_uint_eq(ids.chunk_count, 0);
	ids_done(&ids);
}
END_TEST

START_TEST(growing_ids_fill_the_chunks)
{
	struct ids ids = { 0 };

	for (size_t id = 1; id < COUNT; id++)
		ck_assert_int_eq(ids_put(&ids, id, (uint32_t)id), 0);
	ck_assert_uint_eq(ids.chunk_count, (COUNT - 1 + 255) / 256);
	ids_done(&ids);
}
END_TEST

START_TEST(the_highest_id_is_the_last)
{
	struct ids ids = { 0 };

	ck_assert_int_eq(ids_put(&ids, UINT64_MAX, 1), 0);
	ck_assert_uint_eq(ids_next(&ids, 7), 1);
	ck_assert_uint_eq(ids_next(&ids, UINT64_MAX), 0);
	ids_done(&ids);
}
END_TEST

START_TEST(without_memory_a_put_leaves_all_as_it_was)
{
	static bool is_there[COUNT];
	struct ids ids = { 0 };

	for (size_t id = 1; id < COUNT; id++) {
		unsigned n = 1;

		for (;; n++) {
			faults_arm(n);
			if (ids_put(&ids, id, (uint32_t)id) == 0)
				break;
			ck_assert(faults_disarm());
			if (id % 256 == 1)
				check_all(&ids, is_there);
		}
		ck_assert(!faults_disarm());
		is_there[id] = true;
	}
	check_all(&ids, is_there);
	ids_done(&ids);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		what_was_put_in_any_order_is_found_in_order,
		growing_ids_fill_the_chunks,
		the_highest_id_is_the_last,
		without_memory_a_put_leaves_all_as_it_was,
	};

	return SUITE_RUN("ids", tests, faults_begin, faults_end);
}
