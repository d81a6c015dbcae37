/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzzing engine, or the replay in its place, calls. */
#ifndef VIADUCT_TESTS_TRANSLATOR_FUZZ_H
#define VIADUCT_TESTS_TRANSLATOR_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
