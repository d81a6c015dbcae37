/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has spoken with whom through a one-way rule. Pure. */
#include "translator/permit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/list.h"
#include "common/table.h"
#include "translator/packet.h"
#include "translator/tcp.h"

#define SHARDS 16 /* packets of different rules seldom meet in one */

struct permit {
	struct table_node node; /* on shard.by_key */
	struct list age;        /* on shard.ages, longest ago first */
	struct list sibling;    /* on quota.permits, longest ago first */
	struct quota *quota;    /* parent, not owned */
	struct permit_key key;
	struct tcp_session session;
	bool is_tcp;
	uint64_t refreshed_ms;
	uint64_t until_ms;
};

struct quota {                  /* the permits of one rule */
	struct table_node node; /* on shard.quotas */
	struct list permits;    /* struct permit.sibling, owned; none: on */
				/* shard.gone */
	size_t count;
	uint64_t rule;
};

/* The permits of some of the rules. */
struct shard {
	pthread_mutex_t lock; /* of all of it */
	struct table by_key;
	struct table quotas;
	struct list ages;
	struct list gone;       /* quotas without permits, to be told of */
	struct permits *parent; /* not owned */
};

struct permits {
	struct shard shards[SHARDS];
	size_t made;               /* of the shards */
	_Atomic size_t count;      /* of permits */
	_Atomic size_t gone_count; /* on the shards' lists, more or less */
	_Atomic bool is_watched;
	permits_last_fn on_last;
	void *arg;
	uint64_t seed;
};

static int shard_init(struct shard *shard, struct permits *permits)
{
	int err = table_init(&shard->by_key);

	if (err)
		return err;
	err = table_init(&shard->quotas);
	if (err) {
		table_done(&shard->by_key);
		return err;
	}
	list_init(&shard->ages);
	list_init(&shard->gone);
	pthread_mutex_init(&shard->lock, NULL);
	shard->parent = permits;
	return 0;
}

struct permits *permits_new(uint64_t seed)
{
	struct permits *permits;

	permits = calloc(1, sizeof(*permits));
	if (!permits)
		return NULL;
	permits->seed = seed;
	for (; permits->made < SHARDS; permits->made++)
		if (shard_init(&permits->shards[permits->made], permits)) {
			permits_free(permits);
			return NULL;
		}
	return permits;
}

/* That of the rule, locked. */
static struct shard *lock_shard(const struct permits *permits, uint64_t rule)
{
	uint64_t hash = hash_u64(rule, permits->seed);
	const struct shard *shard = &permits->shards[hash % SHARDS];
	struct shard *locked = (struct shard *)(uintptr_t)shard;

	pthread_mutex_lock(&locked->lock);
	return locked;
}

static void unlock(struct shard *shard)
{
	pthread_mutex_unlock(&shard->lock);
}

static void permit_remove(struct shard *shard, struct permit *permit)
{
	struct permits *permits = shard->parent;
	struct quota *quota = permit->quota;

	table_remove(&shard->by_key, &permit->node);
	list_remove(&permit->age);
	list_remove(&permit->sibling);
	free(permit);
	atomic_fetch_sub(&permits->count, 1);
	if (--quota->count > 0)
		return;
	table_remove(&shard->quotas, &quota->node);
	if (!atomic_load(&permits->is_watched)) {
		free(quota);
		return;
	}
	list_add_tail(&shard->gone, &quota->permits);
	atomic_fetch_add(&permits->gone_count, 1);
}

void permits_watch(struct permits *permits, permits_last_fn on_last, void *arg)
{
	permits->on_last = on_last;
	permits->arg = arg;
	atomic_store(&permits->is_watched, on_last != NULL);
}

static struct permit *oldest(const struct shard *shard)
{
	return container_of(shard->ages.next, struct permit, age);
}

static struct quota *take_gone(struct shard *shard)
{
	struct quota *quota;

	if (list_is_empty(&shard->gone))
		return NULL;
	quota = container_of(shard->gone.next, struct quota, permits);
	list_remove(&quota->permits);
	atomic_fetch_sub(&shard->parent->gone_count, 1);
	return quota;
}

static void shard_done(struct shard *shard)
{
	struct quota *quota;

	while (!list_is_empty(&shard->ages))
		permit_remove(shard, oldest(shard));
	while ((quota = take_gone(shard)))
		free(quota);
	table_done(&shard->quotas);
	table_done(&shard->by_key);
	pthread_mutex_destroy(&shard->lock);
}

void permits_free(struct permits *permits)
{
	if (!permits)
		return;
	for (size_t i = 0; i < permits->made; i++)
		shard_done(&permits->shards[i]);
	free(permits);
}

size_t permits_count(const struct permits *permits)
{
	return atomic_load(&permits->count);
}

static uint64_t key_hash(const struct shard *shard,
			 const struct permit_key *key)
{
	return endpoint_hash(&key->remote,
			     hash_u64(key->rule, shard->parent->seed));
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

static struct permit *permit_find(const struct shard *shard,
				  const struct permit_key *key)
{
	struct table_node *node;

	node = table_find(&shard->by_key, key_hash(shard, key), permit_equal,
			  key);
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
	struct shard *shard = lock_shard(permits, key->rule);
	const struct permit *permit = permit_find(shard, key);
	bool has = permit &&
		   now_ms - permit->refreshed_ms < span_ms(permit, timer);

	unlock(shard);
	return has;
}

static struct quota *quota_find(const struct shard *shard, uint64_t rule)
{
	struct table_node *node;

	node = table_find(&shard->quotas, hash_u64(rule, shard->parent->seed),
			  quota_equal, &rule);
	return node ? container_of(node, struct quota, node) : NULL;
}

static bool has_address(const struct quota *quota, const struct permit_key *key,
			uint32_t timer, uint64_t now_ms)
{
	const struct list *pos;

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

bool permits_has_address(const struct permits *permits,
			 const struct permit_key *key, uint32_t timer,
			 uint64_t now_ms)
{
	struct shard *shard = lock_shard(permits, key->rule);
	const struct quota *quota = quota_find(shard, key->rule);
	bool has = quota && has_address(quota, key, timer, now_ms);

	unlock(shard);
	return has;
}

static struct quota *quota_get(struct shard *shard, uint64_t rule)
{
	uint64_t hash = hash_u64(rule, shard->parent->seed);
	struct quota *quota = quota_find(shard, rule);

	if (quota)
		return quota;
	quota = calloc(1, sizeof(*quota));
	if (!quota)
		return NULL;
	quota->rule = rule;
	list_init(&quota->permits);
	table_add(&shard->quotas, &quota->node, hash);
	return quota;
}

/* A new one, on no list of age yet. NULL: no memory. */
static struct permit *permit_add(struct shard *shard,
				 const struct permit_key *key)
{
	_Atomic size_t *count = &shard->parent->count;
	struct permit *permit;
	struct quota *quota;

	permit = calloc(1, sizeof(*permit));
	if (!permit)
		return NULL;
	quota = quota_get(shard, key->rule);
	if (!quota) {
		free(permit);
		return NULL;
	}
	permit->key = *key;
	permit->quota = quota;
	list_init(&permit->age);
	list_init(&permit->sibling);
	quota->count++;
	table_add(&shard->by_key, &permit->node, key_hash(shard, key));
	atomic_fetch_add(count, 1);
	if (quota->count > PERMITS_PER_RULE_MAX)
		permit_remove(shard, container_of(quota->permits.next,
						  struct permit, sibling));
	else if (atomic_load(count) > PERMITS_MAX &&
		 !list_is_empty(&shard->ages))
		permit_remove(shard, oldest(shard));
	return permit;
}

static void renew(struct shard *shard, struct permit *permit, uint32_t timer,
		  uint64_t now_ms)
{
	permit->refreshed_ms = now_ms;
	permit->until_ms = now_ms + span_ms(permit, timer);
	list_remove(&permit->age);
	list_add_tail(&shard->ages, &permit->age);
	list_remove(&permit->sibling);
	list_add_tail(&permit->quota->permits, &permit->sibling);
}

void permits_refresh(struct permits *permits, const struct permit_key *key,
		     uint32_t timer, uint64_t now_ms)
{
	struct shard *shard = lock_shard(permits, key->rule);
	struct permit *permit = permit_find(shard, key);

	if (!permit)
		permit = permit_add(shard, key);
	if (permit)
		renew(shard, permit, timer, now_ms);
	unlock(shard);
}

static void follow(struct shard *shard, const struct permit_key *key,
		   uint32_t timer, const struct permit_segment *segment,
		   uint64_t now_ms)
{
	struct permit *permit = permit_find(shard, key);

	if (!permit && segment->add && !(segment->flags & PACKET_RST))
		permit = permit_add(shard, key);
	if (!permit)
		return;
	/* What has run out is not taken up where it ended. */
	if (permit->is_tcp && permit->until_ms <= now_ms)
		permit->session = (struct tcp_session){ 0 };
	permit->is_tcp = true;
	tcp_session_follow(&permit->session, segment->outbound, segment->flags);
	renew(shard, permit, timer, now_ms);
}

void permits_follow(struct permits *permits, const struct permit_key *key,
		    uint32_t timer, const struct permit_segment *segment,
		    uint64_t now_ms)
{
	struct shard *shard = lock_shard(permits, key->rule);

	follow(shard, key, timer, segment, now_ms);
	unlock(shard);
}

static size_t shard_expire(struct shard *shard, uint64_t now_ms)
{
	struct list *pos, *tmp;
	size_t removed = 0;

	list_for_each_safe(pos, tmp, &shard->ages) {
		struct permit *permit = container_of(pos, struct permit, age);

		if (permit->until_ms > now_ms)
			continue;
		permit_remove(shard, permit);
		removed++;
	}
	return removed;
}

size_t permits_expire(struct permits *permits, uint64_t now_ms)
{
	size_t removed = 0;

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &permits->shards[i];

		pthread_mutex_lock(&shard->lock);
		removed += shard_expire(shard, now_ms);
		unlock(shard);
	}
	return removed;
}

/* One that has gone, and has not come again meanwhile. */
static bool reap_one(struct shard *shard, uint64_t *ret_rule)
{
	struct quota *quota;
	bool is_gone = false;

	pthread_mutex_lock(&shard->lock);
	while (!is_gone && (quota = take_gone(shard))) {
		*ret_rule = quota->rule;
		is_gone = !quota_find(shard, quota->rule);
		free(quota);
	}
	unlock(shard);
	return is_gone;
}

void permits_reap(struct permits *permits)
{
	uint64_t rule;

	if (atomic_load(&permits->gone_count) == 0)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		while (reap_one(&permits->shards[i], &rule))
			permits->on_last(rule, permits->arg);
}
