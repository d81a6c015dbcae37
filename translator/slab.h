/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of one size, each named by a number of 32 bits and never moved: one
 * thread takes and gives back, others may read what they were told of. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_SLAB_H
#define VIADUCT_TRANSLATOR_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_FIRST  64    /* records of the first chunk; each doubles all */
#define SLAB_CHUNK  16384 /* until there are so many; then chunks of these */
#define SLAB_SMALL  9     /* chunks until then */
#define SLAB_CHUNKS 1024  /* in all */

struct slab {
	char *chunks[SLAB_CHUNKS]; /* owned */
	size_t size;               /* of a record: a power of 2, <= 128 */
	size_t chunk_count;
	uint32_t end;   /* records that the chunks have */
	uint32_t fresh; /* the first that was never taken */
	uint32_t free; /* given back; a record's first word: the next; 0: none */
	uint32_t free_count;
};

/*
 * Memory that starts with zeros, on a boundary of 128 bytes; where it is large
 * on huge pages. NULL: none.
 */
void *slab_memory(size_t size);
void slab_memory_free(void *memory, size_t size);

void slab_init(struct slab *slab, size_t size);
void slab_done(struct slab *slab);
/* The next `count` takes do not fail. 0 or -ENOMEM. */
int slab_reserve(struct slab *slab, size_t count);
/* Never 0. The record's content is anything. */
uint32_t slab_take(struct slab *slab);
/* Nobody may be reading it. */
void slab_give(struct slab *slab, uint32_t record);

static inline void *slab_at(const struct slab *slab, uint32_t record)
{
	size_t chunk = SLAB_SMALL - 1, first = SLAB_CHUNK;

	if (record >= SLAB_CHUNK) {
		chunk += record / SLAB_CHUNK;
		first *= record / SLAB_CHUNK;
	} else if (record < SLAB_FIRST) {
		chunk = first = 0;
	} else {
		chunk = 26u - (unsigned)__builtin_clz(record);
		first = (size_t)1 << (chunk + 5);
	}
	return slab->chunks[chunk] + (record - first) * slab->size;
}

#endif
