/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/columns.c. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "tests/common/suite.h"

static json_t *load(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	ck_assert_ptr_nonnull(value);
	return value;
}

START_TEST(each_kind_of_value_has_a_text)
{
	static const char *const cases[][2] = {
		{ "\"a b\"", "a b" },
		{ "\"\\u001b[1m\\u00e9\"", "\\x1b[1m\\xc3\\xa9" },
		{ "17", "17" },
		{ "-1", "-1" },
		{ "1.5", "1.5" },
		{ "true", "yes" },
		{ "false", "no" },
		{ "null", "-" },
		{ "[]", "-" },
		{ "{}", "-" },
		{ "[\"a\",1]", "a; 1" },
		{ "{\"a\":1,\"b\":\"c\"}", "a=1 b=c" },
		{ "[{\"a\":1},{\"b\":[2]}]", "a=1; b=2" },
		{ "[[[[[[1]]]]]]", "-" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value = load(cases[i][0]);
		char *text = columns_cell(value);

		ck_assert_str_eq(text, cases[i][1]);
		free(text);
		json_decref(value);
	}
}
END_TEST

static void printed(const char *rows, const char *const *columns,
		    const char *expected)
{
	json_t *value = load(rows);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	columns_print(out, value, columns);
	fclose(out);
	ck_assert_str_eq(text, expected);
	free(text);
	json_decref(value);
}

START_TEST(tables_are_aligned)
{
	static const char *const columns[] = { "id", "expires_in", "x", NULL };

	printed("[{\"id\":1,\"expires_in\":60,\"x\":\"a\",\"y\":2},"
		"{\"id\":123456,\"x\":\"longer\"}]",
		columns,
		"ID      EXPIRES-IN  X\n"
		"1       60          a\n"
		"123456  -           longer\n");
	printed("[]", columns, "ID  EXPIRES-IN  X\n");
	printed("[{\"b\":1,\"a\":2}]", NULL, "B  A\n1  2\n");
	printed("[]", NULL, "");
	printed("{}", columns, "ID  EXPIRES-IN  X\n");
}
END_TEST

START_TEST(members_stand_one_a_line)
{
	json_t *value = load("{\"epoch\":7,\"translator\":\"up\"}");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	columns_print_members(out, value);
	fclose(out);
	ck_assert_str_eq(text, "epoch       7\ntranslator  up\n");
	free(text);
	json_decref(value);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_kind_of_value_has_a_text,
		tables_are_aligned,
		members_stand_one_a_line,
		NULL,
	};

	return suite_run("columns", tests);
}
