/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers by id, in the order of ids: sorted chunks, so that ids which only
 * ever grow fill them densely and one removed from the middle costs little.
 * Pure. An initialiser of { 0 } is an empty one.
 */
#ifndef VIADUCT_TRANSLATOR_IDS_H
#define VIADUCT_TRANSLATOR_IDS_H

#include <stddef.h>
#include <stdint.h>

struct ids_chunk;

struct ids {
	struct ids_chunk **chunks; /* owned; by id, none empty */
	size_t chunk_count;
	size_t chunk_space;
	size_t count;
};

void ids_done(struct ids *ids);
/* Adds or replaces; `number` is not 0. 0, or -ENOMEM (never when the id is there). */
int ids_put(struct ids *ids, uint64_t id, uint32_t number);
/* 0: not there. */
uint32_t ids_find(const struct ids *ids, uint64_t id);
/* The one with the lowest id > `after`, or 0. */
uint32_t ids_next(const struct ids *ids, uint64_t after);
/* An id that is not there is passed over. */
void ids_remove(struct ids *ids, uint64_t id);

#endif
