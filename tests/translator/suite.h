/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A suite of one case, run. */
#ifndef VIADUCT_TESTS_TRANSLATOR_SUITE_H
#define VIADUCT_TESTS_TRANSLATOR_SUITE_H

#include <check.h>

/*
 * What main returns: 0 when every test passed. `begin` and `end` run around
 * each test, or NULL.
 */
static inline int suite_run(const char *name, const TTest *const *tests,
			    size_t count, SFun begin, SFun end)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

#define SUITE_RUN(name, tests, begin, end)                             \
	suite_run((name), (tests), sizeof(tests) / sizeof((tests)[0]), \
		  (begin), (end))

#endif
