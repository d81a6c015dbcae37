/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive chained hash table that grows and shrinks by itself. The caller
 * hashes (keyed, when a peer chooses the key) and compares.
 */
#ifndef VIADUCT_COMMON_TABLE_H
#define VIADUCT_COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next; /* in its bucket */
	uint64_t hash;
};

struct table {
	struct table_node **buckets; /* owned */
	size_t bucket_count;         /* power of 2 */
	size_t count;
};

/* Is the member that holds `node` the one with this key? */
typedef bool (*table_equal_fn)(const struct table_node *node, const void *key);

int table_init(struct table *table); /* 0 or -ENOMEM */
/* The members stay the caller's. */
void table_done(struct table *table);
/* Never fails: growing is given up where there is no memory. */
void table_add(struct table *table, struct table_node *node, uint64_t hash);
/* The node must be in the table. */
void table_remove(struct table *table, struct table_node *node);
/* NULL: not there. */
struct table_node *table_find(const struct table *table, uint64_t hash,
			      table_equal_fn equal, const void *key);
/* The next of the same key after `node`, in no special order. */
struct table_node *table_find_next(const struct table_node *node,
				   table_equal_fn equal, const void *key);
/* For walks: NULL to start, NULL at the end. Only the last returned node may
 * be removed during a walk, and only by way of table_for_each_safe. */
struct table_node *table_next(const struct table *table,
			      const struct table_node *node);

#define table_for_each(pos, table)                             \
	for ((pos) = table_next((table), NULL); (pos) != NULL; \
	     (pos) = table_next((table), (pos)))

#define table_for_each_safe(pos, tmp, table)                              \
	for ((pos) = table_next((table), NULL);                           \
	     (pos) != NULL && ((tmp) = table_next((table), (pos)), true); \
	     (pos) = (tmp))

/* Keyed hash of bytes (SipHash-2-4 with a 64-bit seed stretched to 128). */
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);
uint64_t hash_u64(uint64_t value, uint64_t seed);

#endif
