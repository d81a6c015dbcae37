/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of rules by a hash of 32 bits: an open table of one word an entry,
 * so that a look-up costs one cache line. Rules of one hash hang on a chain.
 * One thread changes it, any number read meanwhile. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_RULE_INDEX_H
#define VIADUCT_TRANSLATOR_RULE_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "translator/slab.h"

#define RULE_INDEX_MAX ((size_t)1 << 28) /* slots */

/* A reference: a rule's number, or with this bit that of a link; 0: none. */
#define RULE_INDEX_LINK (UINT32_C(1) << 31)

struct rule_index_slots {
	unsigned bits; /* 2^bits slots */
	/* The hash above, a reference below; 0: never used. */
	_Atomic uint64_t *slots; /* owned */
};

struct rule_index_link {
	uint32_t rule;
	_Atomic uint32_t next; /* a reference */
};

struct rule_index {
	struct rule_index_slots *_Atomic table; /* owned */
	struct rule_index_slots *former;        /* owned; may still be read */
	struct slab links;                      /* struct rule_index_link */
	size_t used;                            /* slots that are not 0 */
	size_t live;                            /* of them, with a reference */
};

int rule_index_init(struct rule_index *index); /* 0 or -ENOMEM */
void rule_index_done(struct rule_index *index);

/*
 * The next `count` adds do not fail. 0 or -ENOMEM. Where it leaves a former
 * table, that is to be freed before the next time.
 */
int rule_index_reserve(struct rule_index *index, size_t count);
/* Smaller, if it is nearly empty and there is memory; likewise. */
void rule_index_trim(struct rule_index *index);
/* Nobody may be reading what was before. */
void rule_index_free_former(struct rule_index *index);
void rule_index_free_link(struct rule_index *index, uint32_t link);

void rule_index_add(struct rule_index *index, uint32_t hash, uint32_t rule);
/* It must be there. A link to be freed when nobody reads it; 0: none. */
uint32_t rule_index_remove(struct rule_index *index, uint32_t hash,
			   uint32_t rule);

static inline const struct rule_index_link *
rule_index_link_at(const struct rule_index *index, uint32_t reference)
{
	return slab_at(&index->links, reference & ~RULE_INDEX_LINK);
}

/* The rule of a reference; *reference becomes the next one. */
static inline uint32_t rule_index_step(const struct rule_index *index,
				       uint32_t *reference)
{
	const struct rule_index_link *link;
	uint32_t rule = *reference;

	*reference = 0;
	if (!(rule & RULE_INDEX_LINK))
		return rule;
	link = rule_index_link_at(index, rule);
	*reference = atomic_load_explicit(&link->next, memory_order_acquire);
	return link->rule;
}

static inline size_t rule_index_home(const struct rule_index_slots *table,
				     uint32_t hash)
{
	return hash >> (32 - table->bits);
}

/* The first reference of that hash, or 0. */
static inline uint32_t rule_index_find(const struct rule_index *index,
				       uint32_t hash)
{
	const struct rule_index_slots *table =
		atomic_load_explicit(&index->table, memory_order_acquire);
	size_t mask = ((size_t)1 << table->bits) - 1;

	for (size_t i = rule_index_home(table, hash);; i = (i + 1) & mask) {
		uint64_t slot = atomic_load_explicit(&table->slots[i],
						     memory_order_acquire);

		if (slot == 0)
			return 0;
		if (slot >> 32 == hash && (uint32_t)slot != 0)
			return (uint32_t)slot;
	}
}

static inline unsigned rule_index_bits(const struct rule_index *index)
{
	const struct rule_index_slots *table =
		atomic_load_explicit(&index->table, memory_order_acquire);

	return table->bits;
}

/* That hash will be looked for. */
static inline void rule_index_prefetch(const struct rule_index *index,
				       uint32_t hash)
{
	const struct rule_index_slots *table =
		atomic_load_explicit(&index->table, memory_order_acquire);

	__builtin_prefetch(&table->slots[rule_index_home(table, hash)]);
}

#endif
