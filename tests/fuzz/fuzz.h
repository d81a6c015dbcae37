/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzz target, as libFuzzer calls it. */
#ifndef VIADUCT_TESTS_FUZZ_FUZZ_H
#define VIADUCT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Ends the process when something is wrong; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when it does not hold. */
void fuzz_require(int holds, const char *what);

#endif
