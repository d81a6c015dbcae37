/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dynamic mappings: rules that packets make. Pure. */
#include "translator/dynamic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/portmap.h"
#include "common/table.h"
#include "translator/packet.h"

/* An outer address of which a port is mapped. */
struct outer {
	struct table_node node; /* on dynamics.outers */
	struct endpoint key;    /* its port: the protocol's number */
	struct portmap map;
};

/* An inner address, as far as it has mappings into one realm. */
struct host {
	struct table_node node; /* on dynamics.hosts */
	struct endpoint key;    /* its port: the realm that it is mapped into */
	struct ip_addr outer;   /* where its next mapping is tried first */
	size_t count;           /* of mappings */
};

struct dynamics {
	const struct conf *conf;  /* not owned */
	struct ruleset *ruleset;  /* not owned */
	struct permits *sessions; /* owned */
	struct table outers;      /* owned */
	struct table hosts;       /* owned */
	dynamics_change_fn on_change;
	void *arg;
	uint64_t seed;
	uint64_t choices; /* made so far: the next random number */
	uint64_t last_id;
	size_t count;
};

/* One search for an outer endpoint. */
struct search {
	struct dynamics *dynamics;
	const struct dynamic_want *want;
	enum portmap_parity parity;
	struct outer *outer; /* found: where */
	uint16_t port;       /* found */
};

static bool outer_equal(const struct table_node *node, const void *key)
{
	const struct outer *outer = container_of_const(node, struct outer,
						       node);

	return endpoint_equal(&outer->key, key);
}

static bool host_equal(const struct table_node *node, const void *key)
{
	const struct host *host = container_of_const(node, struct host, node);

	return endpoint_equal(&host->key, key);
}

static uint64_t random_below(struct dynamics *dynamics, uint64_t n)
{
	return hash_u64(dynamics->choices++, dynamics->seed) % n;
}

static struct outer *outer_find(const struct dynamics *dynamics,
				const struct endpoint *key)
{
	struct table_node *node = table_find(&dynamics->outers,
					     endpoint_hash(key, dynamics->seed),
					     outer_equal, key);

	return node ? container_of(node, struct outer, node) : NULL;
}

/* Frees it when no port of it is mapped. */
static void outer_put(struct dynamics *dynamics, struct outer *outer)
{
	if (outer->map.used_count > 0)
		return;
	table_remove(&dynamics->outers, &outer->node);
	free(outer);
}

static struct outer *outer_get(struct dynamics *dynamics,
			       const struct endpoint *key)
{
	struct outer *outer = outer_find(dynamics, key);

	if (outer)
		return outer;
	outer = calloc(1, sizeof(*outer));
	if (!outer)
		return NULL;
	outer->key = *key;
	table_add(&dynamics->outers, &outer->node,
		  endpoint_hash(key, dynamics->seed));
	return outer;
}

static struct endpoint host_key(const struct endpoint *inner, realm_id into)
{
	return (struct endpoint){ inner->addr, into, inner->realm };
}

static struct host *host_find(const struct dynamics *dynamics,
			      const struct endpoint *key)
{
	struct table_node *node = table_find(&dynamics->hosts,
					     endpoint_hash(key, dynamics->seed),
					     host_equal, key);

	return node ? container_of(node, struct host, node) : NULL;
}

static struct host *host_get(struct dynamics *dynamics,
			     const struct dynamic_want *want)
{
	struct endpoint key = host_key(&want->inner, want->into);
	struct host *host = host_find(dynamics, &key);

	if (host)
		return host;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->key = key;
	table_add(&dynamics->hosts, &host->node,
		  endpoint_hash(&key, dynamics->seed));
	return host;
}

/* Frees it when it has no mapping. */
static void host_put(struct dynamics *dynamics, struct host *host)
{
	if (host->count > 0)
		return;
	table_remove(&dynamics->hosts, &host->node);
	free(host);
}

static struct endpoint outer_key(const struct endpoint *endpoint,
				 uint8_t protocol)
{
	return (struct endpoint){ endpoint->addr, protocol, endpoint->realm };
}

/* The last session of a mapping has gone. */
static void on_last(uint64_t id, void *arg)
{
	struct dynamics *dynamics = arg;
	const struct ruleset_rule *rule = ruleset_find(dynamics->ruleset, id);
	struct endpoint key;
	struct outer *outer;
	struct host *host;

	if (!rule)
		return;
	if (dynamics->on_change)
		dynamics->on_change(rule, false, dynamics->arg);
	key = outer_key(&rule->outer, rule->protocol);
	outer = outer_find(dynamics, &key);
	portmap_clear(&outer->map, rule->outer.port, 1);
	outer_put(dynamics, outer);
	key = host_key(&rule->inner, rule->outer.realm);
	host = host_find(dynamics, &key);
	host->count--;
	host_put(dynamics, host);
	dynamics->count--;
	ruleset_delete(dynamics->ruleset, &id, 1);
}

struct dynamics *dynamics_new(const struct conf *conf, struct ruleset *ruleset,
			      uint64_t seed)
{
	struct dynamics *dynamics = calloc(1, sizeof(*dynamics));

	if (!dynamics)
		return NULL;
	dynamics->conf = conf;
	dynamics->ruleset = ruleset;
	dynamics->seed = seed;
	dynamics->last_id = RULE_ID_DYNAMIC;
	dynamics->sessions = permits_new(seed);
	if (!dynamics->sessions)
		goto fail;
	permits_watch(dynamics->sessions, on_last, dynamics);
	if (table_init(&dynamics->outers))
		goto fail_sessions;
	if (table_init(&dynamics->hosts))
		goto fail_outers;
	return dynamics;
fail_outers:
	table_done(&dynamics->outers);
fail_sessions:
	permits_free(dynamics->sessions);
fail:
	free(dynamics);
	return NULL;
}

void dynamics_free(struct dynamics *dynamics)
{
	struct table_node *node, *next;

	if (!dynamics)
		return;
	permits_watch(dynamics->sessions, NULL, NULL);
	permits_free(dynamics->sessions);
	table_for_each_safe(node, next, &dynamics->outers)
		free(container_of(node, struct outer, node));
	table_for_each_safe(node, next, &dynamics->hosts)
		free(container_of(node, struct host, node));
	table_done(&dynamics->outers);
	table_done(&dynamics->hosts);
	free(dynamics);
}

void dynamics_watch(struct dynamics *dynamics, dynamics_change_fn on_change,
		    void *arg)
{
	dynamics->on_change = on_change;
	dynamics->arg = arg;
}

size_t dynamics_count(const struct dynamics *dynamics)
{
	return dynamics->count;
}

struct permits *dynamics_sessions(struct dynamics *dynamics)
{
	return dynamics->sessions;
}

/* 0: found; -ENOSPC: not here; -ENOMEM. */
static int try_address(struct search *search, const struct conf_range *range,
		       const struct ip_addr *addr)
{
	struct dynamics *dynamics = search->dynamics;
	unsigned width = range->ports.last - range->ports.first + 1u;
	struct endpoint at = { .addr = *addr, .realm = search->want->into };
	struct endpoint key = outer_key(&at, (uint8_t)search->want->protocol);
	struct outer *outer = outer_get(dynamics, &key);
	uint16_t start;

	if (!outer)
		return -ENOMEM;
	start = (uint16_t)(range->ports.first + random_below(dynamics, width));
	search->port = portmap_find(&outer->map, range->ports, 1,
				    search->parity, start);
	if (search->port == 0) {
		outer_put(dynamics, outer);
		return -ENOSPC;
	}
	search->outer = outer;
	return 0;
}

/* The i-th dynamic range for the search; NULL: no more. */
static const struct conf_range *range_at(const struct search *search, size_t i)
{
	const struct conf *conf = search->dynamics->conf;

	for (size_t p = 0; p < conf->pool_count; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		if (!pool->dynamic || pool->realm != search->want->into)
			continue;
		for (size_t r = 0; r < pool->range_count; r++)
			if (pool->ranges[r].prefix.addr.family ==
				    search->want->remote.addr.family &&
			    i-- == 0)
				return &pool->ranges[r];
	}
	return NULL;
}

static int try_paired(struct search *search, const struct ip_addr *addr)
{
	const struct conf_range *range;
	int rc = -ENOSPC;

	for (size_t i = 0; rc == -ENOSPC && (range = range_at(search, i)); i++)
		if (ip_prefix_contains(&range->prefix, addr))
			rc = try_address(search, range, addr);
	return rc;
}

static struct ip_addr addr_plus(struct ip_addr addr, uint64_t n)
{
	for (size_t i = addr.family == IP_V4 ? 4 : 16; i > 0 && n > 0; i--) {
		n += addr.bytes[i - 1];
		addr.bytes[i - 1] = (uint8_t)n;
		n >>= 8;
	}
	return addr;
}

/* From a random address of each range on. */
static int try_all(struct search *search)
{
	const struct conf_range *range;
	int rc = -ENOSPC;

	for (size_t i = 0; rc == -ENOSPC && (range = range_at(search, i));
	     i++) {
		uint64_t count = ip_prefix_count(&range->prefix);
		uint64_t start = random_below(search->dynamics, count);

		for (uint64_t k = 0;
		     rc == -ENOSPC && k < count && k < DYNAMIC_ADDRESSES_MAX;
		     k++) {
			struct ip_addr addr = addr_plus(range->prefix.addr,
							(start + k) % count);

			rc = try_address(search, range, &addr);
		}
	}
	return rc;
}

/* Of that address (NULL: of any); with the parity that is kept first. */
static int try_parities(struct search *search, const struct ip_addr *addr)
{
	const struct dynamic_want *want = search->want;
	int rc = -ENOSPC;

	if (want->protocol == RULE_UDP) {
		search->parity = want->inner.port % 2 == 0 ? PORTMAP_EVEN :
							     PORTMAP_ODD;
		rc = addr ? try_paired(search, addr) : try_all(search);
	}
	if (rc != -ENOSPC)
		return rc;
	search->parity = PORTMAP_ANY;
	return addr ? try_paired(search, addr) : try_all(search);
}

static int find_outer(struct search *search, const struct host *host)
{
	int rc = -ENOSPC;

	if (host->count > 0)
		rc = try_parities(search, &host->outer);
	return rc == -ENOSPC ? try_parities(search, NULL) : rc;
}

static uint32_t timer_of(const struct conf_realm *realm,
			 enum rule_protocol protocol)
{
	switch (protocol) {
	case RULE_UDP:
		return realm->dynamic_timer;
	case RULE_TCP:
		return DYNAMIC_TIMER_TCP;
	case RULE_ICMP:
		break;
	}
	return DYNAMIC_TIMER_ICMP;
}

static int put_rule(struct dynamics *dynamics, const struct search *search)
{
	const struct dynamic_want *want = search->want;
	const struct conf_realm *realm =
		&dynamics->conf->realms[want->inner.realm];
	struct rule rule = { .id = dynamics->last_id + 1,
			     .group = DYNAMIC_GROUP,
			     .inner = want->inner,
			     .outer = { .addr = search->outer->key.addr,
					.port = search->port,
					.realm = want->into },
			     .timer = timer_of(realm, want->protocol),
			     .ports = 1,
			     .protocol = (uint8_t)want->protocol };
	int err;

	rule.kind = realm->filter == CONF_FILTER_ANY ? RULE_BOTH :
						       RULE_ORIGINATING;
	err = ruleset_put(dynamics->ruleset, &rule, 1);
	if (!err)
		dynamics->last_id++;
	return err;
}

/* The session of the packet that the mapping is for. 0 or -ENOMEM. */
static int open_session(struct dynamics *dynamics, const struct search *search,
			uint64_t now_ms)
{
	const struct ruleset_rule *rule = ruleset_find(dynamics->ruleset,
						       dynamics->last_id);
	struct permit_key key = { .rule = rule->id,
				  .remote = search->want->remote,
				  .kind = rule->kind };
	struct permit_segment segment = { .outbound = true,
					  .add = true,
					  .flags = PACKET_SYN };

	if (rule->protocol == RULE_TCP)
		permits_follow(dynamics->sessions, &key, rule->timer, &segment,
			       now_ms);
	else
		permits_refresh(dynamics->sessions, &key, rule->timer, now_ms);
	if (!permits_has(dynamics->sessions, &key, rule->timer, now_ms))
		return -ENOMEM;
	if (dynamics->on_change)
		dynamics->on_change(rule, true, dynamics->arg);
	return 0;
}

/*
 * What was found becomes a mapping, or nothing changes. It is complete before
 * its session begins: that may end another mapping of the same host.
 */
static int begin(struct search *search, struct host *host, uint64_t now_ms)
{
	struct dynamics *dynamics = search->dynamics;
	int err = put_rule(dynamics, search);

	if (err)
		return err == -EEXIST ? -ENOSPC : err;
	portmap_set(&search->outer->map, search->port, 1);
	if (host->count++ == 0)
		host->outer = search->outer->key.addr;
	dynamics->count++;
	err = open_session(dynamics, search, now_ms);
	if (!err)
		return 0;
	portmap_clear(&search->outer->map, search->port, 1);
	host->count--;
	dynamics->count--;
	ruleset_delete(dynamics->ruleset, &dynamics->last_id, 1);
	return err;
}

/* For a host that is found: the endpoint of its next mapping. */
static int search_for(struct search *search, const struct host *host)
{
	const struct conf *conf = search->dynamics->conf;
	const struct conf_realm *realm =
		&conf->realms[search->want->inner.realm];

	if (host->count >= realm->dynamic_max)
		return -EDQUOT;
	return find_outer(search, host);
}

int dynamics_add(struct dynamics *dynamics, const struct dynamic_want *want,
		 uint64_t now_ms)
{
	struct search search = { .dynamics = dynamics, .want = want };
	struct host *host = host_get(dynamics, want);
	int err;

	if (!host)
		return -ENOMEM;
	err = search_for(&search, host);
	if (!err) {
		err = begin(&search, host, now_ms);
		outer_put(dynamics, search.outer);
	}
	host_put(dynamics, host);
	dynamics_reap(dynamics);
	return err;
}

void dynamics_reap(struct dynamics *dynamics)
{
	permits_reap(dynamics->sessions);
}

int dynamics_try(struct dynamics *dynamics, const struct dynamic_want *want)
{
	struct search search = { .dynamics = dynamics, .want = want };
	struct host *host = host_get(dynamics, want);
	uint64_t choices = dynamics->choices;
	int err;

	if (!host)
		return -ENOMEM;
	err = search_for(&search, host);
	if (!err)
		outer_put(dynamics, search.outer);
	host_put(dynamics, host);
	dynamics->choices = choices;
	return err;
}

size_t dynamics_expire(struct dynamics *dynamics, uint64_t now_ms)
{
	size_t before = dynamics->count;

	permits_expire(dynamics->sessions, now_ms);
	dynamics_reap(dynamics);
	return before - dynamics->count;
}
