/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of one size, each named by a number. Pure. */
#include "translator/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE  128
#define LARGE ((size_t)2 << 20) /* a huge page; from here on mapped */

/* On a boundary of LARGE; what is mapped too much goes back at once. */
static void *map_large(size_t size)
{
	size_t mapped = size + LARGE, before, after;
	char *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	before = (LARGE - (uintptr_t)memory % LARGE) % LARGE;
	after = LARGE - before;
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + size, after);
	madvise(memory + before, size, MADV_HUGEPAGE);
	return memory + before;
}

void *slab_memory(size_t size)
{
	char *memory, *aligned;

	if (size >= LARGE)
		return map_large(size);
	memory = calloc(1, size + LINE);
	if (!memory)
		return NULL;
	/* Behind at least one byte, which says how far. */
	aligned = memory + LINE - (uintptr_t)memory % LINE;
	aligned[-1] = (char)(aligned - memory - 1);
	return aligned;
}

void slab_memory_free(void *memory, size_t size)
{
	char *aligned = memory;

	if (!memory)
		return;
	if (size >= LARGE)
		munmap(memory, size);
	else
		free(aligned - 1 - (unsigned char)aligned[-1]);
}

static size_t chunk_records(size_t chunk)
{
	if (chunk == 0)
		return SLAB_FIRST;
	return chunk < SLAB_SMALL ? (size_t)SLAB_FIRST << (chunk - 1) :
				    SLAB_CHUNK;
}

void slab_init(struct slab *slab, size_t size)
{
	*slab = (struct slab){ .size = size, .fresh = 1 };
}

void slab_done(struct slab *slab)
{
	for (size_t i = 0; i < slab->chunk_count; i++)
		slab_memory_free(slab->chunks[i],
				 chunk_records(i) * slab->size);
	slab_init(slab, slab->size);
}

static size_t available(const struct slab *slab)
{
	if (slab->chunk_count == 0)
		return 0;
	return (size_t)slab->free_count + slab->end - slab->fresh;
}

int slab_reserve(struct slab *slab, size_t count)
{
	while (available(slab) < count) {
		size_t records = chunk_records(slab->chunk_count);
		char *chunk = NULL;

		if (slab->chunk_count < SLAB_CHUNKS)
			chunk = slab_memory(records * slab->size);
		if (!chunk)
			return -ENOMEM;
		slab->chunks[slab->chunk_count++] = chunk;
		slab->end += (uint32_t)records;
	}
	return 0;
}

uint32_t slab_take(struct slab *slab)
{
	uint32_t record = slab->free;

	if (record == 0)
		return slab->fresh++;
	memcpy(&slab->free, slab_at(slab, record), sizeof(slab->free));
	slab->free_count--;
	return record;
}

void slab_give(struct slab *slab, uint32_t record)
{
	memcpy(slab_at(slab, record), &slab->free, sizeof(slab->free));
	slab->free = record;
	slab->free_count++;
}
