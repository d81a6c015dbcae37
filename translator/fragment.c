/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a first fragment, for those that follow it. Pure. */
#include "translator/fragment.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/list.h"
#include "common/table.h"

struct fragment {
	struct table_node node; /* on fragments.by_key */
	struct list age;        /* on fragments.ages, oldest first */
	struct fragment_key key;
	struct fragment_path path;
	uint64_t until_ms;
};

struct fragments {
	pthread_mutex_t lock; /* of all but the seed */
	struct table by_key;
	struct list ages;
	uint64_t seed;
};

struct fragments *fragments_new(uint64_t seed)
{
	struct fragments *fragments;

	fragments = calloc(1, sizeof(*fragments));
	if (!fragments)
		return NULL;
	if (table_init(&fragments->by_key)) {
		free(fragments);
		return NULL;
	}
	list_init(&fragments->ages);
	pthread_mutex_init(&fragments->lock, NULL);
	fragments->seed = seed;
	return fragments;
}

static void fragment_remove(struct fragments *fragments,
			    struct fragment *fragment)
{
	table_remove(&fragments->by_key, &fragment->node);
	list_remove(&fragment->age);
	free(fragment);
}

static struct fragment *oldest(const struct fragments *fragments)
{
	return container_of(fragments->ages.next, struct fragment, age);
}

void fragments_free(struct fragments *fragments)
{
	if (!fragments)
		return;
	while (!list_is_empty(&fragments->ages))
		fragment_remove(fragments, oldest(fragments));
	table_done(&fragments->by_key);
	pthread_mutex_destroy(&fragments->lock);
	free(fragments);
}

size_t fragments_count(struct fragments *fragments)
{
	size_t count;

	pthread_mutex_lock(&fragments->lock);
	count = fragments->by_key.count;
	pthread_mutex_unlock(&fragments->lock);
	return count;
}

static uint64_t key_hash(const struct fragments *fragments,
			 const struct fragment_key *key)
{
	struct endpoint src = { key->src, (uint16_t)key->id, key->from };
	struct endpoint dst = { key->dst, key->protocol, key->from };

	return endpoint_hash(&dst, endpoint_hash(&src, fragments->seed ^
							       key->id >> 16));
}

static bool fragment_equal(const struct table_node *node, const void *arg)
{
	const struct fragment *fragment = (const void *)node;
	const struct fragment_key *key = arg;

	return fragment->key.id == key->id && fragment->key.from == key->from &&
	       fragment->key.protocol == key->protocol &&
	       ip_addr_equal(&fragment->key.src, &key->src) &&
	       ip_addr_equal(&fragment->key.dst, &key->dst);
}

static struct fragment *fragment_find(const struct fragments *fragments,
				      const struct fragment_key *key)
{
	struct table_node *node;

	node = table_find(&fragments->by_key, key_hash(fragments, key),
			  fragment_equal, key);
	return node ? container_of(node, struct fragment, node) : NULL;
}

bool fragments_find(struct fragments *fragments, const struct fragment_key *key,
		    uint64_t now_ms, struct fragment_path *ret)
{
	const struct fragment *fragment;
	bool is_known;

	pthread_mutex_lock(&fragments->lock);
	fragment = fragment_find(fragments, key);
	is_known = fragment && fragment->until_ms > now_ms;
	if (is_known)
		*ret = fragment->path;
	pthread_mutex_unlock(&fragments->lock);
	return is_known;
}

/* NULL: no memory; those that follow are discarded. */
static struct fragment *fragment_add(struct fragments *fragments,
				     const struct fragment_key *key)
{
	struct fragment *fragment;

	if (fragments->by_key.count >= FRAGMENTS_MAX)
		fragment_remove(fragments, oldest(fragments));
	fragment = calloc(1, sizeof(*fragment));
	if (!fragment)
		return NULL;
	fragment->key = *key;
	list_init(&fragment->age);
	table_add(&fragments->by_key, &fragment->node,
		  key_hash(fragments, key));
	return fragment;
}

void fragments_remember(struct fragments *fragments,
			const struct fragment_key *key,
			const struct fragment_path *path, uint64_t now_ms)
{
	struct fragment *fragment;

	pthread_mutex_lock(&fragments->lock);
	fragment = fragment_find(fragments, key);
	if (!fragment)
		fragment = fragment_add(fragments, key);
	if (fragment) {
		fragment->path = *path;
		fragment->until_ms = now_ms + FRAGMENT_TIMEOUT_MS;
		list_remove(&fragment->age);
		list_add_tail(&fragments->ages, &fragment->age);
	}
	pthread_mutex_unlock(&fragments->lock);
}

void fragments_forget(struct fragments *fragments,
		      const struct fragment_key *key)
{
	struct fragment *fragment;

	pthread_mutex_lock(&fragments->lock);
	fragment = fragment_find(fragments, key);
	if (fragment)
		fragment_remove(fragments, fragment);
	pthread_mutex_unlock(&fragments->lock);
}

size_t fragments_expire(struct fragments *fragments, uint64_t now_ms)
{
	size_t removed = 0;

	pthread_mutex_lock(&fragments->lock);
	while (!list_is_empty(&fragments->ages) &&
	       oldest(fragments)->until_ms <= now_ms) {
		fragment_remove(fragments, oldest(fragments));
		removed++;
	}
	pthread_mutex_unlock(&fragments->lock);
	return removed;
}
