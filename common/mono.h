/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one place that reads the clock. */
#ifndef VIADUCT_COMMON_MONO_H
#define VIADUCT_COMMON_MONO_H

#include <stdint.h>

/* Since some fixed point; never steps. */
uint64_t mono_ns(void);
uint64_t mono_ms(void);
/* Seconds since 1970, for people and for epochs only. */
uint64_t wall_seconds(void);

#endif
