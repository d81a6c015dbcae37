/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/table.c and common/list.h. */
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/table.h"
#include "tests/common/failalloc.h"
#include "tests/common/suite.h"

#define MEMBERS 5000

struct member {
	struct table_node node;
	struct list link;
	uint32_t key;
	bool seen;
};

static bool has_key(const struct table_node *node, const void *key)
{
	return container_of(node, struct member, node)->key ==
	       *(const uint32_t *)key;
}

static struct member *find(const struct table *table, uint32_t key)
{
	struct table_node *node = table_find(table, hash_u64(key, 3), has_key,
					     &key);

	return node ? container_of(node, struct member, node) : NULL;
}

static struct member *fill(struct table *table)
{
	struct member *members = calloc(MEMBERS, sizeof(*members));

	ck_assert_int_eq(table_init(table), 0);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		members[i].key = i;
		table_add(table, &members[i].node, hash_u64(i, 3));
	}
	return members;
}

START_TEST(what_was_added_is_found_until_it_is_removed)
{
	struct table table;
	struct member *members = fill(&table);

	ck_assert_uint_eq(table.count, MEMBERS);
	ck_assert_uint_ge(table.bucket_count, MEMBERS / 2);
	for (uint32_t i = 0; i < MEMBERS; i++)
		ck_assert_ptr_eq(find(&table, i), &members[i]);
	ck_assert_ptr_null(find(&table, MEMBERS));
	for (uint32_t i = 0; i < MEMBERS; i += 2)
		table_remove(&table, &members[i].node);
	for (uint32_t i = 0; i < MEMBERS; i++)
		ck_assert((find(&table, i) == NULL) == (i % 2 == 0));
	table_done(&table);
	free(members);
}
END_TEST

START_TEST(a_walk_meets_each_member_once)
{
	struct table table;
	struct member *members = fill(&table);
	struct table_node *pos;
	size_t count = 0;

	table_for_each(pos, &table) {
		struct member *member = container_of(pos, struct member, node);

		ck_assert(!member->seen);
		member->seen = true;
		count++;
	}
	ck_assert_uint_eq(count, MEMBERS);
	table_done(&table);
	free(members);
}
END_TEST

START_TEST(a_walk_that_removes_meets_each_member_once_while_it_shrinks)
{
	struct table table;
	struct member *members = fill(&table);
	size_t buckets = table.bucket_count, count = 0;
	struct table_node *pos, *tmp;

	table_for_each_safe(pos, tmp, &table) {
		struct member *member = container_of(pos, struct member, node);

		ck_assert(!member->seen);
		member->seen = true;
		count++;
		if (member->key % 100 != 0)
			table_remove(&table, pos);
	}
	ck_assert_uint_eq(count, MEMBERS);
	ck_assert_uint_eq(table.count, MEMBERS / 100);
	ck_assert_uint_lt(table.bucket_count, buckets / 8);
	for (uint32_t i = 0; i < MEMBERS; i += 100)
		ck_assert_ptr_eq(find(&table, i), &members[i]);
	table_done(&table);
	free(members);
}
END_TEST

START_TEST(members_of_one_key_are_found_one_after_the_other)
{
	struct member members[3] = { { .key = 9 }, { .key = 9 }, { .key = 9 } };
	uint32_t key = 9;
	struct table_node *node;
	struct table table;
	unsigned count = 0;

	ck_assert_int_eq(table_init(&table), 0);
	for (size_t i = 0; i < 3; i++)
		table_add(&table, &members[i].node, hash_u64(key, 3));
	for (node = table_find(&table, hash_u64(key, 3), has_key, &key); node;
	     node = table_find_next(node, has_key, &key))
		count++;
	ck_assert_uint_eq(count, 3);
	table_done(&table);
}
END_TEST

START_TEST(a_table_that_cannot_grow_still_works)
{
	struct member *members = calloc(MEMBERS, sizeof(*members));
	struct table table;

	failalloc_set(1);
	ck_assert_int_lt(table_init(&table), 0);
	ck_assert(failalloc_done());
	ck_assert_int_eq(table_init(&table), 0);
	for (uint32_t i = 0; i < 100; i++) {
		members[i].key = i;
		failalloc_set(1);
		table_add(&table, &members[i].node, hash_u64(i, 3));
		failalloc_done();
	}
	ck_assert_uint_eq(table.bucket_count, 16);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_ptr_eq(find(&table, i), &members[i]);
	table_done(&table);
	free(members);
}
END_TEST

START_TEST(the_hash_of_bytes_is_keyed_and_sees_each_byte)
{
	uint8_t bytes[20] = { 0 };

	for (size_t len = 0; len < sizeof(bytes); len++) {
		uint64_t before = hash_bytes(bytes, len, 1);

		ck_assert_uint_eq(before, hash_bytes(bytes, len, 1));
		ck_assert_uint_ne(before, hash_bytes(bytes, len, 2));
		ck_assert_uint_ne(before, hash_bytes(bytes, len + 1, 1));
		for (size_t i = 0; i < len; i++) {
			bytes[i] = 1;
			ck_assert_uint_ne(before, hash_bytes(bytes, len, 1));
			bytes[i] = 0;
		}
	}
}
END_TEST

START_TEST(lists_keep_their_order_and_take_removal_in_a_walk)
{
	struct member members[4] = {
		{ .key = 0 }, { .key = 1 }, { .key = 2 }, { .key = 3 }
	};
	struct list head, *pos, *tmp;
	uint32_t next = 0;

	list_init(&head);
	ck_assert(list_is_empty(&head));
	for (size_t i = 1; i < 4; i++)
		list_add_tail(&head, &members[i].link);
	list_add_head(&head, &members[0].link);
	list_for_each(pos, &head) {
		ck_assert_uint_eq(container_of(pos, struct member, link)->key,
				  next++);
	}
	ck_assert_uint_eq(next, 4);
	list_for_each_safe(pos, tmp, &head) {
		list_remove(pos);
		list_remove(pos);
	}
	ck_assert(list_is_empty(&head));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_was_added_is_found_until_it_is_removed,
		a_walk_meets_each_member_once,
		a_walk_that_removes_meets_each_member_once_while_it_shrinks,
		members_of_one_key_are_found_one_after_the_other,
		a_table_that_cannot_grow_still_works,
		the_hash_of_bytes_is_keyed_and_sees_each_byte,
		lists_keep_their_order_and_take_removal_in_a_walk,
		NULL,
	};

	return suite_run("table", tests);
}
