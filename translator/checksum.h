/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Internet checksum (RFC 1071), whole and incremental (RFC 1624). Pure. */
#ifndef VIADUCT_TRANSLATOR_CHECKSUM_H
#define VIADUCT_TRANSLATOR_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* One's complement sum of the bytes, on top of `sum`; not folded. */
uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len);
/* Folded and complemented: what stands in a header. */
uint16_t checksum_finish(uint32_t sum);

/*
 * A difference collects words that change: it starts at 0, each change is
 * added, and one update takes them all over (RFC 1624, equation 3).
 */
uint32_t checksum_change(uint32_t difference, uint16_t before, uint16_t after);
uint16_t checksum_update(uint16_t checksum, uint32_t difference);

#endif
