/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outer addresses of which a port is leased or held. Pure. */
#ifndef VIADUCT_NATCTL_ADDRESS_H
#define VIADUCT_NATCTL_ADDRESS_H

#include "common/portmap.h"
#include "common/table.h"

struct address {
	struct table_node node; /* on address_table.table */
	struct endpoint key;    /* port 0 */
	struct portmap map;     /* leased or held */
};

struct address_table {
	struct table table;
	uint64_t seed;
};

int address_table_init(struct address_table *table, uint64_t seed);
/* Frees the members. Also for one that is all zero. */
void address_table_done(struct address_table *table);
/* `key` has port 0. NULL: no port of it is taken. */
struct address *address_find(const struct address_table *table,
			     const struct endpoint *key);
/* Makes it where it is missing; NULL: no memory. */
struct address *address_get(struct address_table *table,
			    const struct endpoint *key);
/* Frees it when no port of it is taken. */
void address_put(struct address_table *table, struct address *address);

#endif
