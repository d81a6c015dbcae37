/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/portset.c. */
#include "translator/portset.h"

#include <errno.h>

#include "tests/translator/suite.h"

static const char *again(const char *text)
{
	static char buf[256];
	struct portset set;

	ck_assert_int_eq(portset_parse(text, &set), 0);
	ck_assert_int_eq(portset_format(&set, buf, sizeof(buf)), 0);
	return buf;
}

START_TEST(text_comes_back_ascending_and_joined)
{
	ck_assert_str_eq(again(""), "");
	ck_assert_str_eq(again("8080"), "8080");
	ck_assert_str_eq(again("8080,1-3,4,65535"), "1-4,8080,65535");
	ck_assert_str_eq(again("1-65535"), "1-65535");
}
END_TEST

START_TEST(what_is_no_set_is_refused)
{
	static const char *const texts[] = { ",",   "1,",    "1,,2", "0",
					     "2-1", "65536", "x",    "1-" };
	struct portset set = { 0 };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		ck_assert_int_eq(portset_parse(texts[i], &set), -EINVAL);
}
END_TEST

START_TEST(what_is_added_can_be_taken_back)
{
	struct portset others, ours, added;
	char buf[64];

	ck_assert_int_eq(portset_parse("8080,45000-45001", &others), 0);
	ck_assert_int_eq(portset_parse("40000-49999", &ours), 0);
	added = ours;
	portset_subtract(&added, &others);
	portset_union(&others, &ours);
	ck_assert_int_eq(portset_format(&others, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "8080,40000-49999");
	portset_subtract(&others, &added);
	ck_assert_int_eq(portset_format(&others, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "8080,45000-45001");
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_an_error)
{
	struct portset set = { 0 };
	char buf[10];

	portset_add(&set, (struct port_range){ 1000, 2000 });
	ck_assert_int_eq(portset_format(&set, buf, sizeof(buf)), 0);
	ck_assert_int_eq(portset_format(&set, buf, sizeof(buf) - 1), -ENOSPC);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		text_comes_back_ascending_and_joined,
		what_is_no_set_is_refused,
		what_is_added_can_be_taken_back,
		a_text_that_does_not_fit_is_an_error,
	};

	return SUITE_RUN("portset", tests, NULL, NULL);
}
