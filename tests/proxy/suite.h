/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main of a test program. */
#ifndef VIADUCT_TESTS_PROXY_SUITE_H
#define VIADUCT_TESTS_PROXY_SUITE_H

#include <check.h>

/*
 * Runs the tests, each between `setup` and `teardown` (or NULL), prints their
 * summary; the exit status of the program.
 */
static inline int suite_run(const char *name, SFun setup, SFun teardown,
			    const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#define SUITE_RUN_WITH(name, setup, teardown, ...)                \
	suite_run((name), (setup), (teardown),                    \
		  (const TTest *const[]){ __VA_ARGS__ },          \
		  sizeof((const TTest *const[]){ __VA_ARGS__ }) / \
			  sizeof(const TTest *))
#define SUITE_RUN(name, ...) SUITE_RUN_WITH(name, NULL, NULL, __VA_ARGS__)

#endif
