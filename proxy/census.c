/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many connections each address has with each port of ours. */
#include "config.h"

#include "proxy/census.h"

#include <limits.h>
#include <stdlib.h>

#include "common/list.h"

struct source {
	struct table_node node; /* in census.sources */
	const void *port;       /* not owned */
	struct ip_addr addr;
	unsigned count;
};

static struct source *source_of(const struct table_node *node)
{
	return (struct source *)((uintptr_t)node -
				 offsetof(struct source, node));
}

static bool source_equal(const struct table_node *node, const void *key)
{
	const struct source *source = source_of(node), *wanted = key;

	return source->port == wanted->port &&
	       ip_addr_equal(&source->addr, &wanted->addr);
}

static uint64_t source_hash(const struct census *census,
			    const struct ip_addr *addr)
{
	return hash_bytes(addr->bytes, sizeof(addr->bytes), census->seed);
}

static struct source *source_find(const struct census *census, const void *port,
				  const struct ip_addr *addr)
{
	struct source wanted = { .port = port, .addr = *addr };
	struct table_node *node = table_find(&census->sources,
					     source_hash(census, addr),
					     source_equal, &wanted);

	return node != NULL ? source_of(node) : NULL;
}

int census_init(struct census *census, uint64_t seed)
{
	census->seed = seed;
	return table_init(&census->sources);
}

void census_done(struct census *census)
{
	struct table_node *pos, *tmp;

	table_for_each_safe(pos, tmp, &census->sources) {
		table_remove(&census->sources, pos);
		free(source_of(pos));
	}
	table_done(&census->sources);
}

unsigned census_enter(struct census *census, const void *port,
		      const struct ip_addr *addr)
{
	struct source *source = source_find(census, port, addr);

	if (source == NULL) {
		source = calloc(1, sizeof(*source));
		if (source == NULL)
			return UINT_MAX;
		source->port = port;
		source->addr = *addr;
		table_add(&census->sources, &source->node,
			  source_hash(census, addr));
	}
	return ++source->count;
}

void census_leave(struct census *census, const void *port,
		  const struct ip_addr *addr)
{
	struct source *source = source_find(census, port, addr);

	if (source == NULL || --source->count > 0)
		return;
	table_remove(&census->sources, &source->node);
	free(source);
}
