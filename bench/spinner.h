/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Idle-priority threads, one a core, that count the time nobody else wants. */
#ifndef VIADUCT_BENCH_SPINNER_H
#define VIADUCT_BENCH_SPINNER_H

#include <stdint.h>

struct spinner;

/* NULL: out of memory or threads. */
struct spinner *spinner_new(void);
void spinner_free(struct spinner *spinner);

unsigned spinner_cores(const struct spinner *spinner);

/* Nanoseconds that were left over so far, over all cores. Also the work of
 * interrupts is taken out of it. */
uint64_t spinner_idle_ns(const struct spinner *spinner);

#endif
