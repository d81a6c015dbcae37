/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which realm an address belongs to, as the packet path asks it. Pure. */
#include "translator/realms.h"

#include <stdlib.h>
#include <string.h>

struct region {
	struct ip_prefix prefix;
	realm_id realm;
	size_t order; /* of two equal ones the first named wins */
};

/* Regions, longest prefix first, then by address. */
struct atlas {
	struct region *regions; /* owned */
	size_t count;
};

struct view { /* what one realm sees */
	struct atlas own;
	struct atlas pools;
	struct atlas reached;
	realm_id fallback; /* for what is in none of the regions */
	bool reaches[REALM_MAX];
	bool dynamic;
	bool dynamic_pool;
	enum conf_filter filter;
};

struct realms {
	struct view *views; /* owned */
	size_t count;
};

static int region_compare(const void *a, const void *b)
{
	const struct region *x = a, *y = b;
	int order;

	if (x->prefix.bits != y->prefix.bits)
		return x->prefix.bits > y->prefix.bits ? -1 : 1;
	order = ip_addr_compare(&x->prefix.addr, &y->prefix.addr);
	if (order)
		return order;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool atlas_add(struct atlas *atlas, const struct ip_prefix *prefix,
		      realm_id realm)
{
	struct region *regions;

	regions = realloc(atlas->regions,
			  (atlas->count + 1) * sizeof(*regions));
	if (!regions)
		return false;
	atlas->regions = regions;
	regions[atlas->count].prefix = *prefix;
	regions[atlas->count].realm = realm;
	regions[atlas->count].order = atlas->count;
	atlas->count++;
	return true;
}

static void atlas_sort(struct atlas *atlas)
{
	if (atlas->count > 0)
		qsort(atlas->regions, atlas->count, sizeof(*atlas->regions),
		      region_compare);
}

static struct ip_addr masked(const struct ip_addr *addr, uint8_t bits)
{
	struct ip_addr ret = *addr;
	size_t whole = bits / 8;

	if (bits % 8) {
		ret.bytes[whole] &= (uint8_t)(0xff << (8 - bits % 8));
		whole++;
	}
	memset(ret.bytes + whole, 0, sizeof(ret.bytes) - whole);
	return ret;
}

/* The place of the first region from `first` on that is not before `key`. */
static size_t lower_bound(const struct atlas *atlas, size_t first,
			  const struct region *key)
{
	size_t last = atlas->count;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (region_compare(&atlas->regions[middle], key) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

/* The longest prefix that contains it, or NULL. */
static const struct region *atlas_find(const struct atlas *atlas,
				       const struct ip_addr *addr)
{
	uint8_t width = addr->family == IP_V6 ? 128 : 32;
	size_t place = 0;

	while (place < atlas->count) {
		uint8_t bits = atlas->regions[place].prefix.bits;
		struct region key = { .prefix.bits = bits };

		if (bits <= width) {
			key.prefix.addr = masked(addr, bits);
			place = lower_bound(atlas, place, &key);
			if (place < atlas->count &&
			    ip_prefix_contains(&atlas->regions[place].prefix,
					       addr))
				return &atlas->regions[place];
		}
		if (bits == 0)
			break;
		key.prefix.bits = (uint8_t)(bits - 1);
		key.prefix.addr = (struct ip_addr){ 0 };
		place = lower_bound(atlas, place, &key);
	}
	return NULL;
}

static bool add_pools(struct atlas *atlas, const struct conf *conf,
		      realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		if (pool->realm != realm)
			continue;
		for (size_t j = 0; j < pool->range_count; j++)
			if (!atlas_add(atlas, &pool->ranges[j].prefix, realm))
				return false;
	}
	return true;
}

static bool add_realm(struct atlas *atlas, const struct conf *conf, realm_id id)
{
	const struct conf_realm *realm = &conf->realms[id];

	for (size_t i = 0; i < realm->network_count; i++)
		if (!atlas_add(atlas, &realm->networks[i], id))
			return false;
	return add_pools(atlas, conf, id);
}

static bool view_build(struct view *view, const struct conf *conf, realm_id id)
{
	const struct conf_realm *realm = &conf->realms[id];

	view->fallback = realm->network_count == 0 ? id : REALM_NONE;
	view->reaches[id] = true;
	view->dynamic = realm->dynamic;
	view->filter = realm->filter;
	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].dynamic && conf->pools[i].realm == id)
			view->dynamic_pool = true;
	if (!add_realm(&view->own, conf, id) ||
	    !add_pools(&view->pools, conf, id))
		return false;
	for (size_t i = realm->reach_count; i-- > 0;) {
		realm_id to = realm->reaches[i];

		view->reaches[to] = true;
		if (conf->realms[to].network_count == 0 && to != id)
			view->fallback = to; /* the first named stays */
	}
	for (size_t i = 0; i < realm->reach_count; i++)
		if (!add_realm(&view->reached, conf, realm->reaches[i]))
			return false;
	atlas_sort(&view->own);
	atlas_sort(&view->pools);
	atlas_sort(&view->reached);
	return true;
}

struct realms *realms_new(const struct conf *conf)
{
	struct realms *realms;

	realms = calloc(1, sizeof(*realms));
	if (!realms)
		return NULL;
	realms->views = calloc(conf->realm_count, sizeof(*realms->views));
	if (!realms->views)
		goto fail;
	for (; realms->count < conf->realm_count; realms->count++)
		if (!view_build(&realms->views[realms->count], conf,
				(realm_id)realms->count))
			goto fail_view;
	return realms;
fail_view:
	realms->count++; /* the half-built one */
fail:
	realms_free(realms);
	return NULL;
}

void realms_free(struct realms *realms)
{
	if (!realms)
		return;
	for (size_t i = 0; i < realms->count; i++) {
		free(realms->views[i].own.regions);
		free(realms->views[i].pools.regions);
		free(realms->views[i].reached.regions);
	}
	free(realms->views);
	free(realms);
}

size_t realms_count(const struct realms *realms)
{
	return realms->count;
}

realm_id realms_of(const struct realms *realms, realm_id from,
		   const struct ip_addr *addr)
{
	const struct view *view = &realms->views[from];
	const struct region *region;

	if (atlas_find(&view->own, addr))
		return from;
	region = atlas_find(&view->reached, addr);
	return region ? region->realm : view->fallback;
}

bool realms_reach(const struct realms *realms, realm_id from, realm_id to)
{
	return realms->views[from].reaches[to];
}

bool realms_in_pool(const struct realms *realms, realm_id realm,
		    const struct ip_addr *addr)
{
	return atlas_find(&realms->views[realm].pools, addr);
}

bool realms_is_dynamic(const struct realms *realms, realm_id realm)
{
	return realms->views[realm].dynamic;
}

enum conf_filter realms_filter(const struct realms *realms, realm_id realm)
{
	return realms->views[realm].filter;
}

bool realms_has_dynamic_pool(const struct realms *realms, realm_id realm)
{
	return realms->views[realm].dynamic_pool;
}
