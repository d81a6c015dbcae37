/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers by id, in the order of ids. Pure. */
#include "translator/ids.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_ITEMS 256

struct ids_chunk {
	size_t count;
	uint64_t ids[CHUNK_ITEMS];
	uint32_t numbers[CHUNK_ITEMS];
};

void ids_done(struct ids *ids)
{
	for (size_t i = 0; i < ids->chunk_count; i++)
		free(ids->chunks[i]);
	free(ids->chunks);
	*ids = (struct ids){ 0 };
}

/* The last chunk that starts at or before the id, else the first one. */
static size_t chunk_of(const struct ids *ids, uint64_t id)
{
	size_t first = 0, last = ids->chunk_count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (ids->chunks[middle]->ids[0] <= id)
			first = middle + 1;
		else
			last = middle;
	}
	return first > 0 ? first - 1 : 0;
}

/* The first item of the chunk whose id is not below this one. */
static size_t item_of(const struct ids_chunk *chunk, uint64_t id)
{
	size_t first = 0, last = chunk->count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (chunk->ids[middle] < id)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static uint32_t *number_find(const struct ids *ids, uint64_t id)
{
	struct ids_chunk *chunk;
	size_t item;

	if (ids->chunk_count == 0)
		return NULL;
	chunk = ids->chunks[chunk_of(ids, id)];
	item = item_of(chunk, id);
	if (item == chunk->count || chunk->ids[item] != id)
		return NULL;
	return &chunk->numbers[item];
}

/* An empty chunk at `place`. */
static struct ids_chunk *chunk_insert(struct ids *ids, size_t place)
{
	struct ids_chunk *chunk, **chunks;

	if (ids->chunk_count == ids->chunk_space) {
		size_t space = ids->chunk_space ? ids->chunk_space * 2 : 4;

		chunks = realloc(ids->chunks,
				 space * sizeof(struct ids_chunk *));
		if (!chunks)
			return NULL;
		ids->chunks = chunks;
		ids->chunk_space = space;
	}
	chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->count = 0;
	memmove(&ids->chunks[place + 1], &ids->chunks[place],
		(ids->chunk_count - place) * sizeof(struct ids_chunk *));
	ids->chunks[place] = chunk;
	ids->chunk_count++;
	return chunk;
}

/* Makes room in the full chunk at `place`; moves *item along. */
static struct ids_chunk *chunk_split(struct ids *ids, size_t place,
				     size_t *item)
{
	struct ids_chunk *chunk = ids->chunks[place], *next;
	size_t keep = CHUNK_ITEMS / 2;

	if (*item == CHUNK_ITEMS)
		keep = CHUNK_ITEMS; /* ids that grow: leave it full */
	next = chunk_insert(ids, place + 1);
	if (!next)
		return NULL;
	next->count = CHUNK_ITEMS - keep;
	memcpy(next->ids, &chunk->ids[keep],
	       next->count * sizeof(next->ids[0]));
	memcpy(next->numbers, &chunk->numbers[keep],
	       next->count * sizeof(next->numbers[0]));
	chunk->count = keep;
	if (*item < keep)
		return chunk;
	*item -= keep;
	return next;
}

/* Those from `from` on go to `to`. */
static void move_items(struct ids_chunk *chunk, size_t to, size_t from)
{
	memmove(&chunk->ids[to], &chunk->ids[from],
		(chunk->count - from) * sizeof(chunk->ids[0]));
	memmove(&chunk->numbers[to], &chunk->numbers[from],
		(chunk->count - from) * sizeof(chunk->numbers[0]));
}

int ids_put(struct ids *ids, uint64_t id, uint32_t number)
{
	uint32_t *there = number_find(ids, id);
	struct ids_chunk *chunk;
	size_t place, item;

	if (there) {
		*there = number;
		return 0;
	}
	if (ids->chunk_count == 0 && !chunk_insert(ids, 0))
		return -ENOMEM;
	place = ids->count > 0 ? chunk_of(ids, id) : 0;
	chunk = ids->chunks[place];
	item = item_of(chunk, id);
	if (chunk->count == CHUNK_ITEMS) {
		chunk = chunk_split(ids, place, &item);
		if (!chunk)
			return -ENOMEM;
	}
	move_items(chunk, item + 1, item);
	chunk->ids[item] = id;
	chunk->numbers[item] = number;
	chunk->count++;
	ids->count++;
	return 0;
}

uint32_t ids_find(const struct ids *ids, uint64_t id)
{
	const uint32_t *number = number_find(ids, id);

	return number ? *number : 0;
}

uint32_t ids_next(const struct ids *ids, uint64_t after)
{
	size_t place, item;

	if (ids->count == 0 || after == UINT64_MAX)
		return 0;
	place = chunk_of(ids, after + 1);
	item = item_of(ids->chunks[place], after + 1);
	if (item == ids->chunks[place]->count) {
		place++;
		item = 0;
	}
	if (place == ids->chunk_count)
		return 0;
	return ids->chunks[place]->numbers[item];
}

void ids_remove(struct ids *ids, uint64_t id)
{
	struct ids_chunk *chunk;
	size_t place, item;

	if (!number_find(ids, id))
		return;
	place = chunk_of(ids, id);
	chunk = ids->chunks[place];
	item = item_of(chunk, id);
	move_items(chunk, item, item + 1);
	chunk->count--;
	ids->count--;
	if (chunk->count > 0)
		return;
	free(chunk);
	ids->chunk_count--;
	memmove(&ids->chunks[place], &ids->chunks[place + 1],
		(ids->chunk_count - place) * sizeof(struct ids_chunk *));
}
