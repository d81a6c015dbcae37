/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Consecutive endpoints that were taken together, and those held. Pure. */
#ifndef VIADUCT_NATCTL_RUN_H
#define VIADUCT_NATCTL_RUN_H

#include "common/list.h"
#include "common/rule.h"
#include "common/table.h"
#include "natctl/address.h"
#include "natctl/pairing.h"

_Static_assert(RULE_PORTS_MAX <= 64, "held_ports has a bit for each port");

struct pool_run {
	struct table_node node;  /* on run_table.table, while it is held */
	struct list in_realm;    /* on a list of run_table.realms, likewise */
	struct endpoint outer;   /* the first */
	struct address *address; /* not owned */
	struct pairing *pairing; /* not owned; NULL while it is held */
	size_t pool;             /* index, for the account */
	uint64_t held_until_ms;
	uint64_t held_ports; /* bit i: outer.port + i is held */
	uint64_t owner;
	uint16_t ports;
	uint8_t side;  /* of the pool: which of its tables */
	bool was_held; /* some of it, when it was taken */
};

/* The runs that are held, by endpoint and by age. */
struct run_table {
	struct table table;
	struct list *realms; /* owned array; oldest first */
	size_t realm_count;
	uint64_t seed;
};

int run_table_init(struct run_table *table, size_t realm_count, uint64_t seed);
/* Frees the members. Also for one that is all zero. */
void run_table_done(struct run_table *table);
/* Takes it over. Within a realm `until_ms` never goes back. */
void run_hold(struct run_table *table, struct pool_run *run, uint64_t until_ms);
/* The run in which the endpoint is held for the owner; NULL: none. */
struct pool_run *run_find(const struct run_table *table,
			  const struct endpoint *endpoint, uint64_t owner);
/* Port outer.port + i is not held any more; the last one frees the run. */
void run_end_port(struct run_table *table, struct pool_run *run, unsigned i);
/* The one whose hold ends first; NULL: none. */
struct pool_run *run_oldest(const struct run_table *table);

#endif
