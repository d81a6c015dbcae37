/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of rules by a hash of 32 bits. Pure.
 *
 * A hash has at most one slot with a reference, the first of its own on the
 * way from its home. A slot that was emptied stays used until the table is
 * made anew, so nobody on the way stops short.
 */
#include "translator/rule_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MIN 6

static const uint64_t emptied = UINT64_C(1) << 32;

static size_t slot_count(const struct rule_index_slots *table)
{
	return (size_t)1 << table->bits;
}

static uint64_t slot_read(const struct rule_index_slots *table, size_t i)
{
	return atomic_load_explicit(&table->slots[i], memory_order_relaxed);
}

static void slot_write(struct rule_index_slots *table, size_t i, uint64_t slot)
{
	atomic_store_explicit(&table->slots[i], slot, memory_order_release);
}

static uint64_t slot_of(uint32_t hash, uint32_t reference)
{
	return (uint64_t)hash << 32 | reference;
}

static void table_free(struct rule_index_slots *table)
{
	if (!table)
		return;
	slab_memory_free(table->slots, slot_count(table) * sizeof(uint64_t));
	free(table);
}

static struct rule_index_slots *table_new(unsigned bits)
{
	struct rule_index_slots *table = malloc(sizeof(*table));

	if (!table)
		return NULL;
	table->bits = bits;
	table->slots = slab_memory(slot_count(table) * sizeof(uint64_t));
	if (table->slots)
		return table;
	free(table);
	return NULL;
}

int rule_index_init(struct rule_index *index)
{
	memset(index, 0, sizeof(*index));
	slab_init(&index->links, sizeof(struct rule_index_link));
	atomic_init(&index->table, table_new(BITS_MIN));
	return index->table ? 0 : -ENOMEM;
}

void rule_index_done(struct rule_index *index)
{
	rule_index_free_former(index);
	table_free(index->table);
	slab_done(&index->links);
}

void rule_index_free_former(struct rule_index *index)
{
	table_free(index->former);
	index->former = NULL;
}

void rule_index_free_link(struct rule_index *index, uint32_t link)
{
	slab_give(&index->links, link);
}

/* The slot of that hash, or the one that it would get. */
static size_t find_slot(const struct rule_index_slots *table, uint32_t hash)
{
	size_t mask = slot_count(table) - 1, gap = SIZE_MAX;

	for (size_t i = rule_index_home(table, hash);; i = (i + 1) & mask) {
		uint64_t slot = slot_read(table, i);

		if (slot == 0)
			return gap != SIZE_MAX ? gap : i;
		if ((uint32_t)slot == 0)
			gap = gap != SIZE_MAX ? gap : i;
		else if (slot >> 32 == hash)
			return i;
	}
}

/* Another table of that size, with all that has a reference. */
static int remake(struct rule_index *index, unsigned bits)
{
	struct rule_index_slots *table = table_new(bits), *old = index->table;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < slot_count(old); i++) {
		uint64_t slot = slot_read(old, i);

		if ((uint32_t)slot != 0)
			slot_write(table,
				   find_slot(table, (uint32_t)(slot >> 32)),
				   slot);
	}
	index->former = old;
	index->used = index->live;
	atomic_store_explicit(&index->table, table, memory_order_release);
	return 0;
}

int rule_index_reserve(struct rule_index *index, size_t count)
{
	unsigned bits = BITS_MIN;

	if (slab_reserve(&index->links, count))
		return -ENOMEM;
	if (index->used + count <= slot_count(index->table) / 4 * 3)
		return 0;
	while ((size_t)1 << bits < 2 * (index->live + count))
		bits++;
	if ((size_t)1 << bits > RULE_INDEX_MAX)
		return -ENOMEM;
	return remake(index, bits);
}

void rule_index_trim(struct rule_index *index)
{
	unsigned bits = ((const struct rule_index_slots *)index->table)->bits;

	if (!index->former && bits > BITS_MIN &&
	    index->live < ((size_t)1 << bits) / 16)
		remake(index, bits - 1);
}

void rule_index_add(struct rule_index *index, uint32_t hash, uint32_t rule)
{
	struct rule_index_slots *table = index->table;
	size_t i = find_slot(table, hash);
	uint64_t slot = slot_read(table, i);
	uint32_t reference = rule;

	if ((uint32_t)slot != 0) {
		uint32_t record = slab_take(&index->links);
		struct rule_index_link *link = slab_at(&index->links, record);

		link->rule = rule;
		atomic_store_explicit(&link->next, (uint32_t)slot,
				      memory_order_relaxed);
		reference = record | RULE_INDEX_LINK;
	} else {
		index->live++;
		index->used += slot == 0;
	}
	slot_write(table, i, slot_of(hash, reference));
}

/* Takes the rule off a chain from `link` on; that link's number, or 0. */
static uint32_t unchain(struct rule_index *index, uint32_t reference,
			uint32_t rule)
{
	for (;;) {
		struct rule_index_link *link =
			slab_at(&index->links, reference & ~RULE_INDEX_LINK);
		uint32_t next = link->next, rest = next;

		if (rule_index_step(index, &rest) != rule) {
			reference = next;
			continue;
		}
		atomic_store_explicit(&link->next, rest, memory_order_release);
		return next & RULE_INDEX_LINK ? next & ~RULE_INDEX_LINK : 0;
	}
}

uint32_t rule_index_remove(struct rule_index *index, uint32_t hash,
			   uint32_t rule)
{
	struct rule_index_slots *table = index->table;
	size_t i = find_slot(table, hash);
	uint32_t first = (uint32_t)slot_read(table, i), rest = first;

	if (rule_index_step(index, &rest) != rule)
		return unchain(index, first, rule);
	if (rest == 0)
		index->live--;
	slot_write(table, i, rest != 0 ? slot_of(hash, rest) : emptied);
	return first & RULE_INDEX_LINK ? first & ~RULE_INDEX_LINK : 0;
}
