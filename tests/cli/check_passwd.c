/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/passwd.c. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/passwd.h"
#include "tests/common/suite.h"

static char folder[40], path[60], text[4000];

static void set_up(void)
{
	strcpy(folder, "/tmp/viaduct-passwd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/users", folder);
}

/* Nothing but the file itself is left. */
static void tear_down(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static const char *content(void)
{
	FILE *file = fopen(path, "r");
	size_t len;

	ck_assert_ptr_nonnull(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

START_TEST(a_new_file_holds_the_hash_and_is_not_for_others)
{
	struct stat st;

	set_up();
	umask(0);
	/* RFC 2617, 3.5: HA1 of that example. */
	ck_assert_int_eq(passwd_set(path, "Mufasa", "testrealm@host.com",
				    "Circle Of Life", false),
			 0);
	ck_assert_str_eq(content(), "Mufasa:testrealm@host.com:"
				    "939e7578ed9e3c518a452acee763bce9\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	/* RFC 7616, 3.9.1. */
	ck_assert_int_eq(passwd_set(path, "Mufasa", "http-auth@example.org",
				    "Circle of Life", true),
			 0);
	ck_assert_ptr_nonnull(
		strstr(content(),
		       "Mufasa:http-auth@example.org:"
		       "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262"
		       "392d7b4794232\n"));
	tear_down();
}
END_TEST

START_TEST(only_the_account_s_own_line_changes)
{
	FILE *file;

	set_up();
	file = fopen(path, "w");
	fputs("# users\nal:a.example:1\nalice:a.example:2\n"
	      "alice:b.example:3\nbob:a.example:4",
	      file);
	fclose(file);
	ck_assert_int_eq(passwd_set(path, "alice", "A.Example", "x", false), 0);
	ck_assert_str_eq(content(), "# users\nal:a.example:1\n"
				    "alice:a.example:"
				    "825ca88b032855c71943b7e752c2a532\n"
				    "alice:b.example:3\nbob:a.example:4\n");
	tear_down();
}
END_TEST

START_TEST(the_rights_of_a_file_are_not_widened)
{
	struct stat st;

	set_up();
	ck_assert_int_eq(passwd_set(path, "a", "b", "c", false), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(passwd_set(path, "d", "b", "c", false), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_int_eq(passwd_set(path, "e", "b", "c", false), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	tear_down();
}
END_TEST

START_TEST(names_that_would_break_the_file_are_refused)
{
	static const char *const bad[] = { "",     "a:b",  "a b",     "a\nb",
					   "a\"b", "\x7f", "\xc3\xa9" };
	char longer[300];

	set_up();
	memset(longer, 'a', sizeof(longer));
	longer[256] = '\0';
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert(!passwd_name_is_valid(bad[i]));
		ck_assert_int_eq(passwd_set(path, bad[i], "b", "c", false),
				 -EINVAL);
		ck_assert_int_eq(passwd_set(path, "a", bad[i], "c", false),
				 -EINVAL);
	}
	ck_assert(!passwd_name_is_valid(longer));
	longer[255] = '\0';
	ck_assert(passwd_name_is_valid(longer));
	tear_down();
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
	ck_assert_int_eq(passwd_set("/nonexistent/users", "a", "b", "c", false),
			 -ENOENT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_new_file_holds_the_hash_and_is_not_for_others,
		only_the_account_s_own_line_changes,
		the_rights_of_a_file_are_not_widened,
		names_that_would_break_the_file_are_refused,
		a_folder_that_is_not_there_is_told,
		NULL,
	};

	return suite_run("passwd", tests);
}
