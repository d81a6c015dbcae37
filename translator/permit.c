/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has spoken with whom through a one-way rule. Pure. */
#include "translator/permit.h"

#include <stdlib.h>

#include "common/list.h"
#include "common/table.h"
#include "translator/packet.h"
#include "translator/tcp.h"

struct permit {
	struct table_node node; /* on permits.by_key */
	struct list age;        /* on permits.ages, longest ago first */
	struct list sibling;    /* on quota.permits, longest ago first */
	struct quota *quota;    /* parent, not owned */
	struct permit_key key;
	struct tcp_session session;
	bool is_tcp;
	uint64_t refreshed_ms;
	uint64_t until_ms;
};

struct quota {                  /* the permits of one rule */
	struct table_node node; /* on permits.quotas */
	struct list permits;    /* struct permit.sibling, owned */
	size_t count;
	uint64_t rule;
};

struct permits {
	struct table by_key;
	struct table quotas;
	struct list ages;
	permits_last_fn on_last;
	void *arg;
	uint64_t seed;
};

struct permits *permits_new(uint64_t seed)
{
	struct permits *permits;

	permits = calloc(1, sizeof(*permits));
	if (!permits)
		return NULL;
	if (table_init(&permits->by_key))
		goto fail;
	if (table_init(&permits->quotas))
		goto fail_quotas;
	list_init(&permits->ages);
	permits->seed = seed;
	return permits;
fail_quotas:
	table_done(&permits->by_key);
fail:
	free(permits);
	return NULL;
}

static void permit_remove(struct permits *permits, struct permit *permit)
{
	struct quota *quota = permit->quota;
	uint64_t rule = quota->rule;

	table_remove(&permits->by_key, &permit->node);
	list_remove(&permit->age);
	list_remove(&permit->sibling);
	free(permit);
	if (--quota->count > 0)
		return;
	table_remove(&permits->quotas, &quota->node);
	free(quota);
	if (permits->on_last)
		permits->on_last(rule, permits->arg);
}

void permits_watch(struct permits *permits, permits_last_fn on_last, void *arg)
{
	permits->on_last = on_last;
	permits->arg = arg;
}

static struct permit *oldest(const struct permits *permits)
{
	return container_of(permits->ages.next, struct permit, age);
}

void permits_free(struct permits *permits)
{
	if (!permits)
		return;
	while (!list_is_empty(&permits->ages))
		permit_remove(permits, oldest(permits));
	table_done(&permits->quotas);
	table_done(&permits->by_key);
	free(permits);
}

size_t permits_count(const struct permits *permits)
{
	return permits->by_key.count;
}

static uint64_t key_hash(const struct permits *permits,
			 const struct permit_key *key)
{
	return endpoint_hash(&key->remote, hash_u64(key->rule, permits->seed));
}

static bool permit_equal(const struct table_node *node, const void *arg)
{
	const struct permit *permit = (const void *)node;
	const struct permit_key *key = arg;

	return permit->key.rule == key->rule &&
	       permit->key.offset == key->offset &&
	       permit->key.kind == key->kind &&
	       endpoint_equal(&permit->key.remote, &key->remote);
}

static bool quota_equal(const struct table_node *node, const void *arg)
{
	const struct quota *quota = (const void *)node;
	const uint64_t *rule = arg;

	return quota->rule == *rule;
}

static struct permit *permit_find(const struct permits *permits,
				  const struct permit_key *key)
{
	struct table_node *node;

	node = table_find(&permits->by_key, key_hash(permits, key),
			  permit_equal, key);
	return node ? container_of(node, struct permit, node) : NULL;
}

/* How long it lasts, of that timer. */
static uint64_t span_ms(const struct permit *permit, uint32_t timer)
{
	if (permit->is_tcp && timer > TCP_TRANSITORY &&
	    !tcp_session_is_established(&permit->session))
		timer = TCP_TRANSITORY;
	return timer * UINT64_C(1000);
}

bool permits_has(const struct permits *permits, const struct permit_key *key,
		 uint32_t timer, uint64_t now_ms)
{
	const struct permit *permit = permit_find(permits, key);

	return permit && now_ms - permit->refreshed_ms < span_ms(permit, timer);
}

static struct quota *quota_find(const struct permits *permits, uint64_t rule)
{
	struct table_node *node;

	node = table_find(&permits->quotas, hash_u64(rule, permits->seed),
			  quota_equal, &rule);
	return node ? container_of(node, struct quota, node) : NULL;
}

bool permits_has_address(const struct permits *permits,
			 const struct permit_key *key, uint32_t timer,
			 uint64_t now_ms)
{
	const struct quota *quota = quota_find(permits, key->rule);
	const struct list *pos;

	if (!quota)
		return false;
	list_for_each(pos, &quota->permits) {
		const struct permit *permit =
			container_of_const(pos, struct permit, sibling);

		if (permit->key.offset == key->offset &&
		    permit->key.kind == key->kind &&
		    permit->key.remote.realm == key->remote.realm &&
		    ip_addr_equal(&permit->key.remote.addr,
				  &key->remote.addr) &&
		    now_ms - permit->refreshed_ms < span_ms(permit, timer))
			return true;
	}
	return false;
}

static struct quota *quota_get(struct permits *permits, uint64_t rule)
{
	uint64_t hash = hash_u64(rule, permits->seed);
	struct quota *quota = quota_find(permits, rule);

	if (quota)
		return quota;
	quota = calloc(1, sizeof(*quota));
	if (!quota)
		return NULL;
	quota->rule = rule;
	list_init(&quota->permits);
	table_add(&permits->quotas, &quota->node, hash);
	return quota;
}

/* A new one, on no list of age yet. NULL: no memory. */
static struct permit *permit_add(struct permits *permits,
				 const struct permit_key *key)
{
	struct permit *permit;
	struct quota *quota;

	permit = calloc(1, sizeof(*permit));
	if (!permit)
		return NULL;
	quota = quota_get(permits, key->rule);
	if (!quota) {
		free(permit);
		return NULL;
	}
	permit->key = *key;
	permit->quota = quota;
	list_init(&permit->age);
	list_init(&permit->sibling);
	quota->count++;
	table_add(&permits->by_key, &permit->node, key_hash(permits, key));
	if (quota->count > PERMITS_PER_RULE_MAX)
		permit_remove(permits, container_of(quota->permits.next,
						    struct permit, sibling));
	else if (permits->by_key.count > PERMITS_MAX)
		permit_remove(permits, oldest(permits));
	return permit;
}

static void renew(struct permits *permits, struct permit *permit,
		  uint32_t timer, uint64_t now_ms)
{
	permit->refreshed_ms = now_ms;
	permit->until_ms = now_ms + span_ms(permit, timer);
	list_remove(&permit->age);
	list_add_tail(&permits->ages, &permit->age);
	list_remove(&permit->sibling);
	list_add_tail(&permit->quota->permits, &permit->sibling);
}

void permits_refresh(struct permits *permits, const struct permit_key *key,
		     uint32_t timer, uint64_t now_ms)
{
	struct permit *permit = permit_find(permits, key);

	if (!permit)
		permit = permit_add(permits, key);
	if (permit)
		renew(permits, permit, timer, now_ms);
}

void permits_follow(struct permits *permits, const struct permit_key *key,
		    uint32_t timer, const struct permit_segment *segment,
		    uint64_t now_ms)
{
	struct permit *permit = permit_find(permits, key);

	if (!permit && segment->add && !(segment->flags & PACKET_RST))
		permit = permit_add(permits, key);
	if (!permit)
		return;
	/* What has run out is not taken up where it ended. */
	if (permit->is_tcp && permit->until_ms <= now_ms)
		permit->session = (struct tcp_session){ 0 };
	permit->is_tcp = true;
	tcp_session_follow(&permit->session, segment->outbound, segment->flags);
	renew(permits, permit, timer, now_ms);
}

size_t permits_expire(struct permits *permits, uint64_t now_ms)
{
	struct list *pos, *tmp;
	size_t removed = 0;

	list_for_each_safe(pos, tmp, &permits->ages) {
		struct permit *permit = container_of(pos, struct permit, age);

		if (permit->until_ms > now_ms)
			continue;
		permit_remove(permits, permit);
		removed++;
	}
	return removed;
}
