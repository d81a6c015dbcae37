/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers: who is speaking, and where a trunk is reached. Pure. */
#include "config.h"

#include "proxy/trunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "proxy/text.h"

int trunk_list_init(struct trunk_list *list, const struct conf *conf)
{
	struct trunk *trunks = calloc(conf->trunk_count + 1, sizeof(*trunks));

	if (!trunks)
		return -ENOMEM;
	for (size_t i = 0; i < conf->trunk_count; i++) {
		const struct conf_trunk *own = &conf->trunks[i];
		struct trunk_hop hop = {
			.at = { .port = own->port, .realm = own->realm },
			.transport = own->transport == CONF_TRANSPORT_AUTO ?
					     CONF_UDP :
					     own->transport,
		};

		trunks[i].conf = own;
		if (ip_addr_parse(own->host, strlen(own->host), &hop.at.addr) ==
		    0)
			trunk_set(&trunks[i], &hop, 1);
	}
	list->trunks = trunks;
	list->count = conf->trunk_count;
	return 0;
}

void trunk_list_done(struct trunk_list *list)
{
	free(list->trunks);
	list->trunks = NULL;
	list->count = 0;
}

static bool has_address(const struct trunk *trunk, const struct ip_addr *addr)
{
	for (size_t i = 0; i < trunk->count; i++) {
		if (ip_addr_equal(&trunk->addresses[i], addr))
			return true;
	}
	return false;
}

void trunk_set(struct trunk *trunk, const struct trunk_hop *hops, size_t count)
{
	if (count > TRUNK_HOPS_MAX)
		count = TRUNK_HOPS_MAX;
	memcpy(trunk->hops, hops, count * sizeof(*hops));
	trunk->hop_count = count;
	trunk->count = 0;
	for (size_t i = 0; i < count; i++)
		if (!has_address(trunk, &hops[i].at.addr))
			trunk->addresses[trunk->count++] = hops[i].at.addr;
}

size_t trunk_find(const struct trunk_list *list, realm_id realm,
		  const struct ip_addr *addr)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->trunks[i].conf->realm == realm &&
		    has_address(&list->trunks[i], addr))
			return i;
	}
	return TRUNK_NONE;
}

size_t trunk_find_host(const struct trunk_list *list, const char *host,
		       size_t len, uint16_t port)
{
	struct text_word word = { host, len };
	struct ip_addr addr = { .family = IP_NONE };

	if (len > 2 && host[0] == '[')
		(void)ip_addr_parse(host + 1, len - 2, &addr);
	else
		(void)ip_addr_parse(host, len, &addr);
	for (size_t i = 0; i < list->count; i++) {
		const struct trunk *trunk = &list->trunks[i];

		if (port && port != trunk->conf->port)
			continue;
		if (text_word_is_case(word, trunk->conf->host) ||
		    (addr.family != IP_NONE && has_address(trunk, &addr)))
			return i;
	}
	return TRUNK_NONE;
}

/* Is `a` to be tried before all of the priority of `b`? */
static bool is_before(const struct trunk_hop *a, const struct trunk_hop *b)
{
	return a->rank != b->rank ? a->rank < b->rank :
				    a->priority < b->priority;
}

static bool is_peer(const struct trunk_hop *a, const struct trunk_hop *b)
{
	return !is_before(a, b) && !is_before(b, a);
}

/* What is to be chosen from: the first hop of each server of the group. */
static size_t group_of(const struct trunk *trunk, const bool *is_used,
		       size_t ret[TRUNK_HOPS_MAX])
{
	const struct trunk_hop *best = NULL, *last = NULL;
	size_t count = 0;

	for (size_t i = 0; i < trunk->hop_count; i++)
		if (!is_used[i] &&
		    (best == NULL || is_before(&trunk->hops[i], best)))
			best = &trunk->hops[i];
	/* Those without weight come first: they have a small chance. */
	for (int has_weight = 0; has_weight < 2; has_weight++)
		for (size_t i = 0; best != NULL && i < trunk->hop_count; i++) {
			const struct trunk_hop *hop = &trunk->hops[i];

			if (is_used[i] || !is_peer(hop, best) ||
			    (hop->weight > 0) != has_weight ||
			    (last != NULL && last->server == hop->server &&
			     last->rank == hop->rank))
				continue;
			last = hop;
			ret[count++] = i;
		}
	return count;
}

/* RFC 2782: by running sums. */
static size_t choose(const struct trunk *trunk, const size_t *group,
		     size_t count, uint64_t random)
{
	uint64_t sum = 0, chosen;

	for (size_t i = 0; i < count; i++)
		sum += trunk->hops[group[i]].weight;
	if (sum == 0)
		return group[random % count];
	chosen = random % (sum + 1);
	sum = 0;
	for (size_t i = 0; i < count; i++) {
		sum += trunk->hops[group[i]].weight;
		if (sum >= chosen)
			return group[i];
	}
	return group[count - 1];
}

size_t trunk_order(const struct trunk *trunk, uint64_t random,
		   struct trunk_hop ret[TRUNK_HOPS_MAX])
{
	bool is_used[TRUNK_HOPS_MAX] = { false };
	size_t group[TRUNK_HOPS_MAX], count = 0, size;

	while ((size = group_of(trunk, is_used, group)) > 0) {
		const struct trunk_hop *first;
		size_t at, len = 0;

		random = hash_u64(random, count);
		at = choose(trunk, group, size, random);
		first = &trunk->hops[at];
		while (at + len < trunk->hop_count &&
		       first[len].server == first->server &&
		       first[len].rank == first->rank)
			is_used[at + len++] = true;
		for (size_t i = 0; i < len; i++)
			ret[count++] = first[(random % len + i) % len];
	}
	return count;
}

bool trunk_next_hop(const struct trunk *trunk, size_t i, struct trunk_hop *ret)
{
	if (i >= trunk->hop_count)
		return false;
	*ret = trunk->hops[i];
	return true;
}
