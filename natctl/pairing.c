/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which outer address the leases of one inner address have in a realm. */
#include "natctl/pairing.h"

#include <stdlib.h>

#include "common/list.h"

struct pairing_key {
	struct endpoint inner; /* port 0 */
	realm_id realm;
};

int pairing_table_init(struct pairing_table *table, uint64_t seed)
{
	table->seed = seed;
	return table_init(&table->table);
}

void pairing_table_done(struct pairing_table *table)
{
	struct table_node *node;
	struct table_node *next;

	if (table->table.buckets == NULL)
		return;
	table_for_each_safe(node, next, &table->table)
		free(container_of(node, struct pairing, node));
	table_done(&table->table);
}

static bool is_equal(const struct table_node *node, const void *key)
{
	const struct pairing *pairing = container_of_const(node, struct pairing,
							   node);
	const struct pairing_key *wanted = key;

	return pairing->realm == wanted->realm &&
	       endpoint_equal(&pairing->inner, &wanted->inner);
}

static uint64_t hash_key(const struct pairing_table *table,
			 const struct pairing_key *key)
{
	return endpoint_hash(&key->inner, table->seed ^ key->realm);
}

static struct pairing *find(const struct pairing_table *table,
			    const struct pairing_key *key)
{
	struct table_node *node =
		table_find(&table->table, hash_key(table, key), is_equal, key);

	return node == NULL ? NULL : container_of(node, struct pairing, node);
}

const struct pairing *pairing_find(const struct pairing_table *table,
				   const struct endpoint *inner, realm_id realm)
{
	struct pairing_key key = { .inner = *inner, .realm = realm };

	key.inner.port = 0;
	return find(table, &key);
}

struct pairing *pairing_get(struct pairing_table *table,
			    const struct endpoint *inner, realm_id realm,
			    const struct ip_addr *outer)
{
	struct pairing_key key = { .inner = *inner, .realm = realm };
	struct pairing *pairing;

	key.inner.port = 0;
	pairing = find(table, &key);
	if (pairing == NULL) {
		pairing = calloc(1, sizeof(*pairing));
		if (pairing == NULL)
			return NULL;
		pairing->inner = key.inner;
		pairing->realm = realm;
		pairing->outer = *outer;
		table_add(&table->table, &pairing->node, hash_key(table, &key));
	}
	pairing->leases++;
	return pairing;
}

void pairing_put(struct pairing_table *table, struct pairing *pairing)
{
	if (--pairing->leases > 0)
		return;
	table_remove(&table->table, &pairing->node);
	free(pairing);
}
