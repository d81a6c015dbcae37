/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/verdict.c. */
#include "translator/verdict.h"

#include <ctype.h>
#include <string.h>

#include "tests/translator/suite.h"

START_TEST(every_verdict_has_a_name_of_its_own)
{
	for (int i = 0; i < VERDICT_COUNT; i++) {
		const char *name = verdict_name((enum verdict)i);

		ck_assert_uint_gt(strlen(name), 1);
		for (const char *c = name; *c; c++)
			ck_assert(islower((unsigned char)*c) || *c == '_');
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(name, verdict_name((enum verdict)j));
	}
}
END_TEST

START_TEST(seven_verdicts_forward)
{
	int forwarded = 0;

	for (int i = 0; i < VERDICT_COUNT; i++)
		forwarded += verdict_is_forwarded((enum verdict)i);
	ck_assert_int_eq(forwarded, 7);
	ck_assert(verdict_is_forwarded(VERDICT_IN));
	ck_assert(verdict_is_forwarded(VERDICT_ICMP_ERROR));
	ck_assert(!verdict_is_forwarded(VERDICT_MALFORMED));
	ck_assert(!verdict_is_forwarded(VERDICT_ICMP_NO_RULE));
}
END_TEST

int main(void)
{
	const TTest *tests[] = { every_verdict_has_a_name_of_its_own,
				 seven_verdicts_forward };

	return SUITE_RUN("verdict", tests, NULL, NULL);
}
