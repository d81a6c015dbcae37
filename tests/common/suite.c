/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the tests of one source file. */
#include "tests/common/suite.h"

int suite_run(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	for (; *tests; tests++)
		tcase_add_test(tcase, *tests);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
