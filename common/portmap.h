/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports of one address are taken. Pure. */
#ifndef VIADUCT_COMMON_PORTMAP_H
#define VIADUCT_COMMON_PORTMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/endpoint.h"

#define PORTMAP_WORDS (65536 / 64)

struct portmap {
	unsigned used_count;
	uint64_t used[PORTMAP_WORDS]; /* a bit a port, lowest first */
};

enum portmap_parity { PORTMAP_EVEN, PORTMAP_ODD, PORTMAP_ANY };

/* `count` 1..64; port + count - 1 <= 65535. */
bool portmap_is_free(const struct portmap *map, uint16_t port, unsigned count);
void portmap_set(struct portmap *map, uint16_t port, unsigned count);
void portmap_clear(struct portmap *map, uint16_t port, unsigned count);
/*
 * The first of `count` (1..64) free consecutive ports, all in `range`, of the
 * parity: the next such at or after `start`, else the lowest one. 0: none.
 */
uint16_t portmap_find(const struct portmap *map, struct port_range range,
		      unsigned count, enum portmap_parity parity,
		      uint16_t start);

#endif
