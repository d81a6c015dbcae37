/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runs of endpoints that are held. */
#include "natctl/run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int run_table_init(struct run_table *table, size_t realm_count, uint64_t seed)
{
	table->realms = calloc(realm_count + 1, sizeof(*table->realms));
	if (table->realms == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < realm_count; i++)
		list_init(&table->realms[i]);
	table->realm_count = realm_count;
	table->seed = seed;
	return table_init(&table->table);
}

void run_table_done(struct run_table *table)
{
	struct table_node *node;
	struct table_node *next;

	free(table->realms);
	if (table->table.buckets == NULL)
		return;
	table_for_each_safe(node, next, &table->table)
		free(container_of(node, struct pool_run, node));
	table_done(&table->table);
}

void run_hold(struct run_table *table, struct pool_run *run, uint64_t until_ms)
{
	run->held_until_ms = until_ms;
	run->held_ports = UINT64_MAX >> (64 - run->ports);
	table_add(&table->table, &run->node,
		  endpoint_hash(&run->outer, table->seed));
	list_add_tail(&table->realms[run->outer.realm], &run->in_realm);
}

static bool is_equal(const struct table_node *node, const void *key)
{
	const struct pool_run *run = container_of_const(node, struct pool_run,
							node);

	return endpoint_equal(&run->outer, key);
}

struct pool_run *run_find(const struct run_table *table,
			  const struct endpoint *endpoint, uint64_t owner)
{
	struct endpoint base = *endpoint;

	for (unsigned i = 0; i < RULE_PORTS_MAX && base.port > 0; i++) {
		struct table_node *node = table_find(&table->table,
						     endpoint_hash(&base,
								   table->seed),
						     is_equal, &base);

		for (; node != NULL;
		     node = table_find_next(node, is_equal, &base)) {
			struct pool_run *run =
				container_of(node, struct pool_run, node);

			if (run->owner == owner && (run->held_ports >> i & 1))
				return run;
		}
		base.port--;
	}
	return NULL;
}

void run_end_port(struct run_table *table, struct pool_run *run, unsigned i)
{
	assert(run->held_ports >> i & 1);
	run->held_ports &= ~(UINT64_C(1) << i);
	portmap_clear(&run->address->map, (uint16_t)(run->outer.port + i), 1);
	if (run->held_ports != 0)
		return;
	table_remove(&table->table, &run->node);
	list_remove(&run->in_realm);
	free(run);
}

struct pool_run *run_oldest(const struct run_table *table)
{
	struct pool_run *oldest = NULL;

	for (size_t i = 0; i < table->realm_count; i++) {
		struct pool_run *run;

		if (list_is_empty(&table->realms[i]))
			continue;
		run = container_of(table->realms[i].next, struct pool_run,
				   in_realm);
		if (oldest == NULL ||
		    run->held_until_ms < oldest->held_until_ms)
			oldest = run;
	}
	return oldest;
}
