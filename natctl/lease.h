/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases by id, group and expiry; groups by owner and name. Pure.
 *
 * A group exists while it has leases. Two owners may use the same name for
 * groups of their own.
 */
#ifndef VIADUCT_NATCTL_LEASE_H
#define VIADUCT_NATCTL_LEASE_H

#include "common/conf.h"
#include "common/list.h"
#include "common/rule.h"
#include "common/table.h"

#define LEASE_MAX          (256 * 1024) /* leases */
#define LEASE_GROUP_MAX    (128 * 1024) /* leases of a group */
#define LEASE_OWNER_CONFIG UINT32_MAX   /* no client: the configuration */
/* Its leases are numbered from here on, in its order: at every start anew. */
#define LEASE_ID_FIXED (RULE_ID_DYNAMIC - CONF_STATICS_MAX)

struct change;
struct pool_run;

enum lease_state {
	LEASE_PENDING, /* the translator has not acknowledged its rule */
	LEASE_ACTIVE,  /* in force */
	LEASE_LEAVING, /* the translator has not acknowledged its removal */
};

struct lease_owner {
	struct table_node node; /* on lease_table.owners */
	uint64_t id;            /* a uid, or a conf_client.identity */
	size_t leases;
};

struct lease_group {
	struct table_node node; /* on lease_table.groups */
	char name[RULE_GROUP_MAX];
	struct lease_owner *owner; /* not owned */
	struct list leases;        /* not owned; lease.in_group, by id */
	size_t count;
};

/* By which an ask that is repeated is known; hashes, the same for ever. */
struct lease_key {
	uint64_t name;   /* 0: the ask had none */
	uint64_t digest; /* of the whole ask */
	uint8_t count;   /* leases of the ask */
};

struct lease {
	struct table_node node;            /* on lease_table.by_id */
	struct list in_all;                /* on lease_table.all, by id */
	struct list in_group;              /* on lease_group.leases, by id */
	struct lease_group *group;         /* not owned */
	struct pool_run *run;              /* owned; NULL when leaving */
	struct rule rule;                  /* rule.id is the lease's id */
	struct rule_condition *conditions; /* owned; rule.conditions */
	enum lease_state state;
	uint32_t lifetime;            /* seconds */
	unsigned changing;            /* changes that are not acknowledged */
	struct rule_latch latch_sent; /* while changing: as in the last one */
	bool preferred;               /* what was requested was given */
	struct lease_key key;
	struct change *asking; /* not owned; while pending: its ask */
	uint64_t expires_ms;   /* while on the heap */
	size_t heap_index;     /* on lease_table.heap; SIZE_MAX: not on it */
};

struct lease_table {
	struct table by_id;
	struct table groups;
	struct table owners;
	struct list all;
	struct lease **heap; /* owned; has room for `heap_size` */
	size_t heap_count;
	size_t heap_size;
	struct list *fixed; /* the first one of the configuration, on `all` */
	uint64_t last_fixed;
	uint64_t last_id; /* of the others */
	uint64_t seed;
};

int lease_table_init(struct lease_table *table, uint64_t seed);
/* All leases must have been removed. */
void lease_table_done(struct lease_table *table);
size_t lease_count(const struct lease_table *table);
size_t lease_group_count(const struct lease_table *table);
/* Leases of an owner. */
size_t lease_count_of(const struct lease_table *table, uint64_t owner);

/*
 * A new lease, LEASE_PENDING, with its owner's next id, a member of the group that is
 * made if need be. The rest of `rule` is the caller's to fill. 0, or -ENOMEM,
 * -EDQUOT (the group is full), -ENOSPC (the table is).
 */
int lease_add(struct lease_table *table, uint64_t owner, const char *group,
	      struct lease **ret_lease);
/* Removes it and, after its last lease, the group. */
void lease_remove(struct lease_table *table, struct lease *lease);
/* Takes `conditions` over. */
void lease_set_conditions(struct lease *lease,
			  struct rule_condition *conditions, uint16_t count);

/* NULL: not there. */
struct lease *lease_find(const struct lease_table *table, uint64_t id);
struct lease_group *lease_find_group(const struct lease_table *table,
				     uint64_t owner, const char *name);
/* The groups of that name, of all owners; `prev` NULL: the first. */
struct lease_group *lease_next_group(const struct lease_table *table,
				     const char *name,
				     const struct lease_group *prev);
/* The lease with the next greater id; NULL: none. */
struct lease *lease_after(const struct lease_table *table, uint64_t id);

/* From now on it expires then; also for one that does already. */
void lease_set_expiry(struct lease_table *table, struct lease *lease,
		      uint64_t expires_ms);
void lease_clear_expiry(struct lease_table *table, struct lease *lease);
/* The one that expires first; NULL: none. */
struct lease *lease_first_expiry(const struct lease_table *table);

#endif
