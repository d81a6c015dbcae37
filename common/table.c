/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive chained hash table. Pure.
 *
 * A bucket is chosen by the high bits of the mixed hash, so halving joins
 * neighbours: the order of a walk outlives a shrink in its middle.
 */
#include "common/table.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 16

static size_t bucket_of(uint64_t hash, size_t bucket_count)
{
	unsigned bits = (unsigned)__builtin_ctzl(bucket_count);

	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
}

int table_init(struct table *table)
{
	table->buckets = calloc(BUCKETS_MIN, sizeof(struct table_node *));
	if (!table->buckets)
		return -ENOMEM;
	table->bucket_count = BUCKETS_MIN;
	table->count = 0;
	return 0;
}

void table_done(struct table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->bucket_count = 0;
	table->count = 0;
}

/* Where there is no memory all stays as it is. */
static void table_double(struct table *table)
{
	size_t bucket_count = table->bucket_count * 2;
	struct table_node **buckets, *node, *next;

	buckets = calloc(bucket_count, sizeof(struct table_node *));
	if (!buckets)
		return;
	for (size_t i = 0; i < table->bucket_count; i++) {
		for (node = table->buckets[i]; node; node = next) {
			size_t bucket = bucket_of(node->hash, bucket_count);

			next = node->next;
			node->next = buckets[bucket];
			buckets[bucket] = node;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = bucket_count;
}

/* Keeps the order of members; where there is no memory all stays. */
static void table_halve(struct table *table)
{
	size_t bucket_count = table->bucket_count / 2;
	struct table_node **buckets, **end;

	buckets = calloc(bucket_count, sizeof(struct table_node *));
	if (!buckets)
		return;
	for (size_t i = 0; i < bucket_count; i++) {
		buckets[i] = table->buckets[2 * i];
		for (end = &buckets[i]; *end; end = &(*end)->next)
			;
		*end = table->buckets[2 * i + 1];
	}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = bucket_count;
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	struct table_node **bucket;

	if (table->count >= table->bucket_count)
		table_double(table);
	bucket = &table->buckets[bucket_of(hash, table->bucket_count)];
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
	table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **pos;

	pos = &table->buckets[bucket_of(node->hash, table->bucket_count)];
	while (*pos != node)
		pos = &(*pos)->next;
	*pos = node->next;
	node->next = NULL;
	table->count--;
	if (table->bucket_count > BUCKETS_MIN &&
	    table->count < table->bucket_count / 8)
		table_halve(table);
}

static struct table_node *find_from(struct table_node *node, uint64_t hash,
				    table_equal_fn equal, const void *key)
{
	for (; node; node = node->next)
		if (node->hash == hash && equal(node, key))
			return node;
	return NULL;
}

struct table_node *table_find(const struct table *table, uint64_t hash,
			      table_equal_fn equal, const void *key)
{
	size_t bucket = bucket_of(hash, table->bucket_count);

	return find_from(table->buckets[bucket], hash, equal, key);
}

struct table_node *table_find_next(const struct table_node *node,
				   table_equal_fn equal, const void *key)
{
	return find_from(node->next, node->hash, equal, key);
}

struct table_node *table_next(const struct table *table,
			      const struct table_node *node)
{
	size_t bucket = 0;

	if (node) {
		if (node->next)
			return node->next;
		bucket = bucket_of(node->hash, table->bucket_count) + 1;
	}
	for (; bucket < table->bucket_count; bucket++)
		if (table->buckets[bucket])
			return table->buckets[bucket];
	return NULL;
}

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

struct siphash {
	uint64_t v0, v1, v2, v3;
};

static inline void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static void siphash_init(struct siphash *s, uint64_t seed)
{
	/* The second half of the key; only has to differ from the first. */
	uint64_t seed2 = rotate(seed, 32) * UINT64_C(0xd6e8feb86659fd93) +
			 UINT64_C(0xa0761d6478bd642f);

	s->v0 = seed ^ UINT64_C(0x736f6d6570736575);
	s->v1 = seed2 ^ UINT64_C(0x646f72616e646f6d);
	s->v2 = seed ^ UINT64_C(0x6c7967656e657261);
	s->v3 = seed2 ^ UINT64_C(0x7465646279746573);
}

static inline void siphash_word(struct siphash *s, uint64_t word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

static uint64_t siphash_end(struct siphash *s)
{
	s->v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *bytes = data;
	uint64_t word = 0;
	struct siphash s;

	siphash_init(&s, seed);
	for (size_t i = 0; i < len; i++) {
		word |= (uint64_t)bytes[i] << 8 * (i % 8);
		if (i % 8 == 7) {
			siphash_word(&s, word);
			word = 0;
		}
	}
	siphash_word(&s, word | (uint64_t)len << 56);
	return siphash_end(&s);
}

uint64_t hash_u64(uint64_t value, uint64_t seed)
{
	struct siphash s;

	siphash_init(&s, seed);
	siphash_word(&s, value);
	siphash_word(&s, (uint64_t)8 << 56);
	return siphash_end(&s);
}
