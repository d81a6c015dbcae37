/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/mark.c. */
#include "translator/mark.h"

#include "tests/translator/suite.h"

START_TEST(a_mark_tells_the_realms_and_the_edge)
{
	uint32_t tag = mark_tag("viaduct");
	uint32_t mark = mark_of(tag, 3, 255);

	ck_assert_uint_eq(tag & ~MARK_TAG, 0);
	ck_assert_uint_ne(tag, 0);
	ck_assert_uint_eq(mark & MARK_TAG, tag);
	ck_assert_uint_eq(mark_from(mark), 3);
	ck_assert_uint_eq(mark_to(mark), 255);
}
END_TEST

START_TEST(edges_with_tables_of_their_own_have_tags_of_their_own)
{
	ck_assert_uint_eq(mark_tag("viaduct"), mark_tag("viaduct"));
	ck_assert_uint_ne(mark_tag("viaduct"), mark_tag("viaduct2"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_mark_tells_the_realms_and_the_edge,
		edges_with_tables_of_their_own_have_tags_of_their_own,
	};

	return SUITE_RUN("mark", tests, NULL, NULL);
}
