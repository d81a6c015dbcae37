/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/proxy/suite.h"

#define HA1 "0123456789abcdef0123456789ABCDEF"

static int read_text(struct users *users, const char *text, char **ret_errors)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	size_t size;
	FILE *errors = open_memstream(ret_errors, &size);
	int r;

	ck_assert(in && errors);
	r = users_read_stream(users, in, "users", errors);
	fclose(in);
	fclose(errors);
	return r;
}

START_TEST(accounts_are_read_and_found)
{
	struct users users = { 0 };
	const struct users_account *account;
	char *errors = NULL;

	ck_assert_int_eq(read_text(&users,
				   "# comment\n\nbob:Example.com:" HA1 "\r\n"
				   "alice:example.com:" HA1 "\n"
				   "bob:example.net:" HA1,
				   &errors),
			 0);
	ck_assert_str_eq(errors, "");
	ck_assert_uint_eq(users.count, 3);
	account = users_find(&users, "bob", "EXAMPLE.com");
	ck_assert_ptr_nonnull(account);
	ck_assert_str_eq(account->user, "bob");
	ck_assert_str_eq(account->domain, "example.com");
	ck_assert_str_eq(account->ha1, "0123456789abcdef0123456789abcdef");
	ck_assert_ptr_null(users_find(&users, "Bob", "example.com"));
	ck_assert_ptr_null(users_find(&users, "bob", "example.org"));
	users_done(&users);
	ck_assert_ptr_null(users_find(&users, "bob", "example.com"));
	free(errors);
}
END_TEST

START_TEST(all_mistakes_are_told_with_their_line)
{
	struct users users = { 0 };
	char *errors = NULL;

	ck_assert_int_eq(read_text(&users,
				   "bob\nbob:example.com\n:example.com:" HA1
				   "\nbob::" HA1 "\nbob:example.com:secret\n"
				   "bob:example.com:" HA1 "0\n"
				   "b b:example.com:" HA1 "\n"
				   "carol:example.com:" HA1 "\n"
				   "carol:EXAMPLE.com:" HA1 "\n",
				   &errors),
			 -EINVAL);
	ck_assert_str_eq(
		errors,
		"users:1: not of the form user:domain:HA1\n"
		"users:2: not of the form user:domain:HA1\n"
		"users:3: malformed user\n"
		"users:4: malformed domain\n"
		"users:5: HA1 is not 32 (MD5) or 64 (SHA-256) hex digits\n"
		"users:6: HA1 is not 32 (MD5) or 64 (SHA-256) hex digits\n"
		"users:7: malformed user\n"
		"users:9: account is there already\n");
	users_done(&users);
	free(errors);
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
	struct users users = { 0 };

	ck_assert_int_eq(users_read(&users, "/nonexistent/users", stderr),
			 -ENOENT);
	ck_assert_uint_eq(users.count, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/users", accounts_are_read_and_found,
			 all_mistakes_are_told_with_their_line,
			 a_missing_file_is_an_error);
}
