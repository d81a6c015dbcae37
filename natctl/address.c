/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outer addresses of which a port is leased or held. */
#include "natctl/address.h"

#include <stdlib.h>

#include "common/list.h"

int address_table_init(struct address_table *table, uint64_t seed)
{
	table->seed = seed;
	return table_init(&table->table);
}

void address_table_done(struct address_table *table)
{
	struct table_node *node;
	struct table_node *next;

	if (table->table.buckets == NULL)
		return;
	table_for_each_safe(node, next, &table->table)
		free(container_of(node, struct address, node));
	table_done(&table->table);
}

static bool is_equal(const struct table_node *node, const void *key)
{
	const struct address *address = container_of_const(node, struct address,
							   node);

	return endpoint_equal(&address->key, key);
}

struct address *address_find(const struct address_table *table,
			     const struct endpoint *key)
{
	struct table_node *node = table_find(&table->table,
					     endpoint_hash(key, table->seed),
					     is_equal, key);

	return node == NULL ? NULL : container_of(node, struct address, node);
}

struct address *address_get(struct address_table *table,
			    const struct endpoint *key)
{
	struct address *address = address_find(table, key);

	if (address != NULL)
		return address;
	address = calloc(1, sizeof(*address));
	if (address == NULL)
		return NULL;
	address->key = *key;
	table_add(&table->table, &address->node,
		  endpoint_hash(key, table->seed));
	return address;
}

void address_put(struct address_table *table, struct address *address)
{
	if (address->map.used_count > 0)
		return;
	table_remove(&table->table, &address->node);
	free(address);
}
