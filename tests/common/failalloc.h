/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the n-th allocation of the code under test fail. Programs that use it
 * are linked with failalloc_flags; libraries' own allocations never fail.
 */
#ifndef VIADUCT_TESTS_COMMON_FAILALLOC_H
#define VIADUCT_TESTS_COMMON_FAILALLOC_H

#include <stdbool.h>

/* From now on the n-th fails (1: the next); 0: none. */
void failalloc_set(unsigned n);
/* Has it failed since the last failalloc_set? Switches failing off. */
bool failalloc_done(void);

#endif
