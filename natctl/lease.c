/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases by id, group and expiry. */
#include "natctl/lease.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOT_ON_HEAP SIZE_MAX

int lease_table_init(struct lease_table *table, uint64_t seed)
{
	memset(table, 0, sizeof(*table));
	list_init(&table->all);
	table->fixed = &table->all;
	table->last_fixed = LEASE_ID_FIXED - 1;
	table->seed = seed;
	if (table_init(&table->by_id) != 0)
		return -ENOMEM;
	if (table_init(&table->groups) != 0)
		goto no_groups;
	if (table_init(&table->owners) != 0)
		goto no_owners;
	return 0;
no_owners:
	table_done(&table->groups);
no_groups:
	table_done(&table->by_id);
	return -ENOMEM;
}

void lease_table_done(struct lease_table *table)
{
	assert(table->by_id.count == 0);
	table_done(&table->owners);
	table_done(&table->groups);
	table_done(&table->by_id);
	free(table->heap);
}

size_t lease_count(const struct lease_table *table)
{
	return table->by_id.count;
}

size_t lease_group_count(const struct lease_table *table)
{
	return table->groups.count;
}

static bool owner_equal(const struct table_node *node, const void *key)
{
	const struct lease_owner *owner =
		container_of_const(node, struct lease_owner, node);

	return owner->id == *(const uint64_t *)key;
}

static struct lease_owner *find_owner(const struct lease_table *table,
				      uint64_t id)
{
	struct table_node *node = table_find(&table->owners,
					     hash_u64(id, table->seed),
					     owner_equal, &id);

	return node == NULL ? NULL :
			      container_of(node, struct lease_owner, node);
}

size_t lease_count_of(const struct lease_table *table, uint64_t id)
{
	const struct lease_owner *owner = find_owner(table, id);

	return owner == NULL ? 0 : owner->leases;
}

static struct lease_owner *get_owner(struct lease_table *table, uint64_t id)
{
	struct lease_owner *owner = find_owner(table, id);

	if (owner != NULL)
		return owner;
	owner = calloc(1, sizeof(*owner));
	if (owner == NULL)
		return NULL;
	owner->id = id;
	table_add(&table->owners, &owner->node, hash_u64(id, table->seed));
	return owner;
}

static void put_owner(struct lease_table *table, struct lease_owner *owner)
{
	if (owner->leases > 0)
		return;
	table_remove(&table->owners, &owner->node);
	free(owner);
}

static bool group_equal(const struct table_node *node, const void *key)
{
	const struct lease_group *group =
		container_of_const(node, struct lease_group, node);

	return strcmp(group->name, key) == 0;
}

static uint64_t group_hash(const struct lease_table *table, const char *name)
{
	return hash_bytes(name, strlen(name), table->seed);
}

struct lease_group *lease_next_group(const struct lease_table *table,
				     const char *name,
				     const struct lease_group *prev)
{
	struct table_node *node =
		prev == NULL ?
			table_find(&table->groups, group_hash(table, name),
				   group_equal, name) :
			table_find_next(&prev->node, group_equal, name);

	return node == NULL ? NULL :
			      container_of(node, struct lease_group, node);
}

struct lease_group *lease_find_group(const struct lease_table *table,
				     uint64_t id, const char *name)
{
	struct lease_group *group = lease_next_group(table, name, NULL);

	while (group != NULL && group->owner->id != id)
		group = lease_next_group(table, name, group);
	return group;
}

static struct lease_group *get_group(struct lease_table *table,
				     struct lease_owner *owner,
				     const char *name)
{
	struct lease_group *group = lease_find_group(table, owner->id, name);

	if (group != NULL)
		return group;
	group = calloc(1, sizeof(*group));
	if (group == NULL)
		return NULL;
	assert(strlen(name) < sizeof(group->name));
	strcpy(group->name, name);
	group->owner = owner;
	list_init(&group->leases);
	table_add(&table->groups, &group->node, group_hash(table, name));
	return group;
}

static void put_group(struct lease_table *table, struct lease_group *group)
{
	if (group->count > 0)
		return;
	table_remove(&table->groups, &group->node);
	free(group);
}

/* So that a lease in the table can always go onto the heap. */
static int reserve_heap(struct lease_table *table)
{
	size_t size = table->heap_size == 0 ? 64 : table->heap_size * 2;
	struct lease **heap;

	if (table->by_id.count < table->heap_size)
		return 0;
	heap = realloc(table->heap, size * sizeof(struct lease *));
	if (heap == NULL)
		return -ENOMEM;
	table->heap = heap;
	table->heap_size = size;
	return 0;
}

/* Its number: those of the configuration come after all others. */
static void place_by_id(struct lease_table *table, struct lease *lease)
{
	if (lease->group->owner->id != LEASE_OWNER_CONFIG) {
		lease->rule.id = ++table->last_id;
		list_add_tail(table->fixed, &lease->in_all);
		return;
	}
	lease->rule.id = ++table->last_fixed;
	list_add_tail(&table->all, &lease->in_all);
	if (table->fixed == &table->all)
		table->fixed = &lease->in_all;
}

int lease_add(struct lease_table *table, uint64_t id, const char *name,
	      struct lease **ret_lease)
{
	struct lease_owner *owner;
	struct lease_group *group;
	struct lease *lease;
	int rc = -ENOMEM;

	if (table->by_id.count >= LEASE_MAX)
		return -ENOSPC;
	if (reserve_heap(table) != 0)
		return -ENOMEM;
	owner = get_owner(table, id);
	if (owner == NULL)
		return -ENOMEM;
	group = get_group(table, owner, name);
	if (group == NULL)
		goto no_group;
	if (group->count >= LEASE_GROUP_MAX) {
		rc = -EDQUOT;
		goto no_lease;
	}
	lease = calloc(1, sizeof(*lease));
	if (lease == NULL)
		goto no_lease;
	lease->state = LEASE_PENDING;
	lease->group = group;
	lease->heap_index = NOT_ON_HEAP;
	place_by_id(table, lease);
	strcpy(lease->rule.group, group->name);
	table_add(&table->by_id, &lease->node,
		  hash_u64(lease->rule.id, table->seed));
	list_add_tail(&group->leases, &lease->in_group);
	group->count++;
	owner->leases++;
	*ret_lease = lease;
	return 0;
no_lease:
	put_group(table, group);
no_group:
	put_owner(table, owner);
	return rc;
}

void lease_remove(struct lease_table *table, struct lease *lease)
{
	struct lease_group *group = lease->group;
	struct lease_owner *owner = group->owner;

	assert(lease->run == NULL);
	lease_clear_expiry(table, lease);
	table_remove(&table->by_id, &lease->node);
	if (table->fixed == &lease->in_all)
		table->fixed = lease->in_all.next;
	list_remove(&lease->in_all);
	list_remove(&lease->in_group);
	free(lease->conditions);
	free(lease);
	group->count--;
	owner->leases--;
	put_group(table, group);
	put_owner(table, owner);
}

void lease_set_conditions(struct lease *lease,
			  struct rule_condition *conditions, uint16_t count)
{
	free(lease->conditions);
	lease->conditions = conditions;
	lease->rule.conditions = conditions;
	lease->rule.condition_count = count;
}

static bool id_equal(const struct table_node *node, const void *key)
{
	const struct lease *lease = container_of_const(node, struct lease,
						       node);

	return lease->rule.id == *(const uint64_t *)key;
}

struct lease *lease_find(const struct lease_table *table, uint64_t id)
{
	struct table_node *node = table_find(&table->by_id,
					     hash_u64(id, table->seed),
					     id_equal, &id);

	return node == NULL ? NULL : container_of(node, struct lease, node);
}

struct lease *lease_after(const struct lease_table *table, uint64_t id)
{
	struct lease *lease = id == 0 ? NULL : lease_find(table, id);
	struct list *pos = lease == NULL ? table->all.next : lease->in_all.next;

	for (; pos != &table->all; pos = pos->next) {
		lease = container_of(pos, struct lease, in_all);
		if (lease->rule.id > id)
			return lease;
	}
	return NULL;
}

static void place(struct lease_table *table, struct lease *lease, size_t i)
{
	table->heap[i] = lease;
	lease->heap_index = i;
}

static void sift_up(struct lease_table *table, struct lease *lease, size_t i)
{
	while (i > 0 &&
	       table->heap[(i - 1) / 2]->expires_ms > lease->expires_ms) {
		place(table, table->heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	place(table, lease, i);
}

static void sift_down(struct lease_table *table, struct lease *lease, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= table->heap_count)
			break;
		if (child + 1 < table->heap_count &&
		    table->heap[child + 1]->expires_ms <
			    table->heap[child]->expires_ms)
			child++;
		if (table->heap[child]->expires_ms >= lease->expires_ms)
			break;
		place(table, table->heap[child], i);
		i = child;
	}
	place(table, lease, i);
}

void lease_set_expiry(struct lease_table *table, struct lease *lease,
		      uint64_t expires_ms)
{
	lease_clear_expiry(table, lease);
	lease->expires_ms = expires_ms;
	assert(table->heap_count < table->heap_size);
	sift_up(table, lease, table->heap_count++);
}

void lease_clear_expiry(struct lease_table *table, struct lease *lease)
{
	size_t i = lease->heap_index;
	struct lease *last;

	if (i == NOT_ON_HEAP)
		return;
	lease->heap_index = NOT_ON_HEAP;
	last = table->heap[--table->heap_count];
	if (last == lease)
		return;
	if (i > 0 && table->heap[(i - 1) / 2]->expires_ms > last->expires_ms)
		sift_up(table, last, i);
	else
		sift_down(table, last, i);
}

struct lease *lease_first_expiry(const struct lease_table *table)
{
	return table->heap_count == 0 ? NULL : table->heap[0];
}
