/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the pools out of which a wish can be met. */
#include "natctl/candidate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool intersect(const struct conf_range *a, const struct conf_range *b,
		      struct conf_range *ret)
{
	uint16_t first = a->ports.first > b->ports.first ? a->ports.first :
							   b->ports.first;
	uint16_t last = a->ports.last < b->ports.last ? a->ports.last :
							b->ports.last;

	if (first > last || !ip_prefix_overlaps(&a->prefix, &b->prefix))
		return false;
	ret->prefix = a->prefix.bits > b->prefix.bits ? a->prefix : b->prefix;
	ret->ports.first = first;
	ret->ports.last = last;
	return true;
}

/* The wish as a range; everything where it names none. */
static struct conf_range wished_range(const struct pool_want *want,
				      bool free_choice)
{
	struct conf_range range = { .ports = { 1, UINT16_MAX } };

	if (free_choice || want->wish.prefix.addr.family == IP_NONE) {
		range.prefix.addr.family = want->family != IP_NONE ?
						   want->family :
						   want->inner.addr.family;
		return range;
	}
	range.prefix = want->wish.prefix;
	if (want->wish.ports.first == 0)
		return range;
	range.ports = want->wish.ports;
	if (range.ports.first == range.ports.last) {
		unsigned last = range.ports.first + want->ports - 1u;

		range.ports.last = last > UINT16_MAX ? UINT16_MAX :
						       (uint16_t)last;
	}
	return range;
}

static bool pool_is_meant(const struct conf_pool *pool,
			  const struct pool_want *want, bool free_choice)
{
	if (pool->realm != want->realm || pool->dynamic)
		return false;
	if (free_choice)
		return !pool->named;
	if (want->wish.name != NULL)
		return strcmp(pool->name, want->wish.name) == 0;
	return want->wish.prefix.addr.family != IP_NONE || !pool->named;
}

uint8_t candidate_family(const struct conf *conf, const struct pool_want *want)
{
	uint8_t found = IP_NONE;

	if (want->family != IP_NONE)
		return want->family;
	if (want->wish.prefix.addr.family != IP_NONE)
		return want->wish.prefix.addr.family;
	for (size_t p = 0; p < conf->pool_count; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		if (!pool_is_meant(pool, want, false))
			continue;
		for (size_t r = 0; r < pool->range_count; r++)
			if (found != want->inner.addr.family)
				found = pool->ranges[r].prefix.addr.family;
	}
	return found != IP_NONE ? found : want->inner.addr.family;
}

static int append(struct candidate_list *list, const struct conf_range *range)
{
	uint64_t addresses = ip_prefix_count(&range->prefix);
	struct candidate *items;

	items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	list->items = items;
	items[list->count].prefix = range->prefix;
	items[list->count].ports = range->ports;
	list->count++;
	list->addresses += addresses < CANDIDATE_ADDRESSES ?
				   addresses :
				   CANDIDATE_ADDRESSES;
	return 0;
}

static int append_within(struct candidate_list *list,
			 const struct pool_want *want,
			 const struct conf_range *range)
{
	struct conf_range allowed;
	int rc = 0;

	if (want->within_count == 0)
		return append(list, range);
	for (size_t i = 0; i < want->within_count && rc == 0; i++) {
		if (intersect(range, &want->within[i], &allowed))
			rc = append(list, &allowed);
	}
	return rc;
}

int candidate_list_init(struct candidate_list *list, const struct conf *conf,
			const struct pool_want *want, bool free_choice)
{
	struct conf_range wished = wished_range(want, free_choice);
	bool found_pool = false;
	bool found_range = false;
	int rc = 0;

	memset(list, 0, sizeof(*list));
	for (size_t p = 0; p < conf->pool_count && rc == 0; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		if (!pool_is_meant(pool, want, free_choice))
			continue;
		found_pool = true;
		for (size_t r = 0; r < pool->range_count && rc == 0; r++) {
			struct conf_range range;

			if (!intersect(&pool->ranges[r], &wished, &range))
				continue;
			found_range = true;
			rc = append_within(list, want, &range);
		}
	}
	if (rc == 0 && list->count == 0) {
		bool by_name = !free_choice && want->wish.name != NULL;
		bool by_address = !free_choice && !by_name &&
				  want->wish.prefix.addr.family != IP_NONE;

		if (found_range)
			rc = -EPERM;
		else if (by_name && !found_pool)
			rc = -ENOENT;
		else
			rc = by_address ? -EADDRNOTAVAIL : -ENOSPC;
	}
	if (rc != 0)
		candidate_list_done(list);
	return rc;
}

void candidate_list_done(struct candidate_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

bool candidate_fits(const struct candidate *candidate, unsigned count,
		    enum portmap_parity parity)
{
	unsigned first = candidate->ports.first;

	if ((parity == PORTMAP_EVEN && first % 2 == 1) ||
	    (parity == PORTMAP_ODD && first % 2 == 0))
		first++;
	return first + count - 1 <= candidate->ports.last;
}

static struct ip_addr addr_plus(struct ip_addr addr, uint64_t n)
{
	unsigned len = addr.family == IP_V4 ? 4 : 16;

	for (unsigned i = len; i > 0 && n > 0; i--) {
		n += addr.bytes[i - 1];
		addr.bytes[i - 1] = (uint8_t)n;
		n >>= 8;
	}
	return addr;
}

struct ip_addr candidate_address(const struct candidate_list *list,
				 uint64_t index, size_t *ret_candidate)
{
	assert(index < list->addresses);
	for (size_t i = 0;; i++) {
		uint64_t count = ip_prefix_count(&list->items[i].prefix);

		if (count > CANDIDATE_ADDRESSES)
			count = CANDIDATE_ADDRESSES;
		if (index < count) {
			*ret_candidate = i;
			return addr_plus(list->items[i].prefix.addr, index);
		}
		index -= count;
	}
}
