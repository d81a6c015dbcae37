/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/fragment.c. */
#include "translator/fragment.h"

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

static struct fragments *fragments; /* of the test */
static const struct fragment_path path = { .to = 5, .rule_count = 1 };

static struct fragment_path found;

static void begin(void)
{
	faults_begin();
	fragments = fragments_new(1);
	ck_assert_ptr_nonnull(fragments);
}

static void end(void)
{
	fragments_free(fragments);
	faults_end();
}

static struct fragment_key key_of(uint32_t n)
{
	return (struct fragment_key){ .src = ip_addr_v4(n >> 16),
				      .dst = ip_addr_v4(2),
				      .from = 3,
				      .id = (uint16_t)n,
				      .protocol = 17 };
}

START_TEST(a_path_is_kept_for_its_time)
{
	struct fragment_key key = key_of(1);

	ck_assert(!fragments_find(fragments, &key, 0, &found));
	fragments_remember(fragments, &key, &path, 0);
	ck_assert(fragments_find(fragments, &key, 1999, &found));
	ck_assert_uint_eq(found.to, 5);
	ck_assert(!fragments_find(fragments, &key, 2000, &found));
	fragments_remember(fragments, &key, &path, 1000);
	ck_assert(fragments_find(fragments, &key, 2000, &found));
	ck_assert_uint_eq(fragments_count(fragments), 1);
	fragments_forget(fragments, &key);
	fragments_forget(fragments, &key);
	ck_assert(!fragments_find(fragments, &key, 2000, &found));
}
END_TEST

START_TEST(it_is_known_by_all_of_its_key)
{
	struct fragment_key key = key_of(1), other[5];

	fragments_remember(fragments, &key, &path, 0);
	for (size_t i = 0; i < 5; i++)
		other[i] = key;
	other[0].src = ip_addr_v4(9);
	other[1].dst = ip_addr_v4(9);
	other[2].from = 9;
	other[3].id = 9;
	other[4].protocol = 9;
	for (size_t i = 0; i < 5; i++)
		ck_assert(!fragments_find(fragments, &other[i], 0, &found));
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	struct fragment_key first = key_of(0), second = key_of(1);

	for (uint32_t n = 0; n < FRAGMENTS_MAX; n++) {
		struct fragment_key key = key_of(n);

		fragments_remember(fragments, &key, &path, 0);
	}
	fragments_remember(fragments, &first, &path, 1); /* young again */
	for (uint32_t n = 1; n <= 10; n++) {
		struct fragment_key key = key_of(FRAGMENTS_MAX + n);

		fragments_remember(fragments, &key, &path, 1);
	}
	ck_assert_uint_eq(fragments_count(fragments), FRAGMENTS_MAX);
	ck_assert(fragments_find(fragments, &first, 1, &found));
	ck_assert(!fragments_find(fragments, &second, 1, &found));
	ck_assert_uint_eq(fragments_expire(fragments, 2000),
			  FRAGMENTS_MAX - 11);
	ck_assert_uint_eq(fragments_expire(fragments, 2001), 11);
	ck_assert_uint_eq(fragments_count(fragments), 0);
}
END_TEST

START_TEST(without_memory_nothing_is_remembered)
{
	struct fragment_key key = key_of(1);

	for (unsigned i = 1; i <= 2; i++) {
		faults_arm(i);
		ck_assert_ptr_null(fragments_new(1));
		ck_assert(faults_disarm());
	}
	faults_arm(1);
	fragments_remember(fragments, &key, &path, 0);
	ck_assert(faults_disarm());
	ck_assert(!fragments_find(fragments, &key, 0, &found));
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		a_path_is_kept_for_its_time,
		it_is_known_by_all_of_its_key,
		the_oldest_makes_room,
		without_memory_nothing_is_remembered,
	};

	return SUITE_RUN("fragment", tests, begin, end);
}
