/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the tests of one source file. */
#ifndef VIADUCT_TESTS_COMMON_SUITE_H
#define VIADUCT_TESTS_COMMON_SUITE_H

#include <check.h>

/* `tests` ends with NULL. What main returns: 0 when all passed. */
int suite_run(const char *name, const TTest *const *tests);

#endif
