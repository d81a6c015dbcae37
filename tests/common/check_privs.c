/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/privs.c. Each runs in a process of its own (libcheck). */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/privs.h"
#include "tests/common/suite.h"

static bool has(capng_type_t type, unsigned capability)
{
	ck_assert_int_eq(capng_get_caps_process(), 0);
	return capng_have_capability(type, capability);
}

START_TEST(no_capability_stays_and_none_comes_back)
{
	ck_assert_int_eq(privs_drop(NULL, false), 0);
	for (unsigned i = 0; i < 38; i++)
		ck_assert(!has(CAPNG_EFFECTIVE, i) && !has(CAPNG_PERMITTED, i));
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
END_TEST

START_TEST(a_user_takes_over_with_net_admin_only)
{
	const struct passwd *nobody = getpwnam("nobody");
	gid_t groups[64];

	if (geteuid() != 0 || !nobody)
		return;
	ck_assert_int_eq(privs_drop("nobody", true), 0);
	ck_assert_uint_eq(getuid(), nobody->pw_uid);
	ck_assert_uint_eq(geteuid(), nobody->pw_uid);
	ck_assert_uint_eq(getegid(), nobody->pw_gid);
	for (int i = getgroups(64, groups); i > 0; i--)
		ck_assert_uint_ne(groups[i - 1], 0);
	for (unsigned i = 0; i < 38; i++) {
		ck_assert_int_eq(has(CAPNG_EFFECTIVE, i), i == CAP_NET_ADMIN);
		ck_assert_int_eq(has(CAPNG_PERMITTED, i), i == CAP_NET_ADMIN);
		ck_assert(!has(CAPNG_BOUNDING_SET, i));
	}
	ck_assert_int_eq(setuid(0), -1);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
END_TEST

START_TEST(a_user_takes_over_without_rights)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(privs_drop("nobody", false), 0);
	ck_assert_uint_ne(geteuid(), 0);
	for (unsigned i = 0; i < 38; i++)
		ck_assert(!has(CAPNG_EFFECTIVE, i) && !has(CAPNG_PERMITTED, i));
}
END_TEST

START_TEST(a_user_that_is_not_there_is_told)
{
	ck_assert_int_eq(privs_drop("no such user", false), -ENOENT);
}
END_TEST

START_TEST(random_bytes_are_not_the_same_twice)
{
	unsigned char a[300] = { 0 }, b[300] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
	ck_assert_int_ne(memcmp(a + 280, b + 280, 20), 0);
	random_bytes(a, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		no_capability_stays_and_none_comes_back,
		a_user_takes_over_with_net_admin_only,
		a_user_takes_over_without_rights,
		a_user_that_is_not_there_is_told,
		random_bytes_are_not_the_same_twice,
		NULL,
	};

	return suite_run("privs", tests);
}
