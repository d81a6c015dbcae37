/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/options.c. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "tests/common/suite.h"

static const struct command_option table[] = {
	{ "group", OPTION_TEXT },
	{ "ports", OPTION_NUMBER },
	{ "source", OPTION_LIST },
	{ NULL, OPTION_TEXT },
};

/* Splits at blanks; the words live as long as `line`. */
static int parse(char *line, struct options *ret, char error[100])
{
	char *words[20];
	int count = 0;

	for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
		words[count++] = w;
	return options_parse(count, words, table, ret, error, 100);
}

START_TEST(options_and_words_come_in_any_order)
{
	char line[] = "one --group g1 --ports=2 --source a two --json "
		      "--source=b=c";
	struct options options;
	char error[100], *text;

	ck_assert_int_eq(parse(line, &options, error), 0);
	text = json_dumps(options.by_name, JSON_SORT_KEYS | JSON_COMPACT);
	ck_assert_str_eq(text, "{\"group\":\"g1\",\"ports\":2,"
			       "\"source\":[\"a\",\"b=c\"]}");
	ck_assert_int_eq(options.word_count, 2);
	ck_assert_str_eq(options.words[0], "one");
	ck_assert_str_eq(options.words[1], "two");
	ck_assert(options.json);
	free(text);
	json_decref(options.by_name);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	static const char *const cases[][2] = {
		{ "--color x", "--color is no option of this command" },
		{ "--grou x", "--grou is no option of this command" },
		{ "--group", "--group wants a value" },
		{ "--group a --group b", "--group is given twice" },
		{ "--ports x", "--ports is no number" },
		{ "--ports -1", "--ports is no number" },
		{ "--ports 1x", "--ports is no number" },
		{ "--ports=", "--ports= is no number" },
		{ "--ports 99999999999999999999", "--ports is no number" },
		{ "--group \xff", "--group is no UTF-8" },
		{ "--source \xff", "--source is no UTF-8" },
		{ "a b c d e f g h i", "i is one word too many" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		char line[100], error[100] = "";

		strcpy(line, cases[i][0]);
		ck_assert_int_eq(parse(line, &options, error), -EINVAL);
		ck_assert_str_eq(error, cases[i][1]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		options_and_words_come_in_any_order,
		what_is_wrong_is_said,
		NULL,
	};

	return suite_run("options", tests);
}
