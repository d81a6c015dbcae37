/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Realms that have the same addresses. */
#include "config.h"

#include "common/conf_parts.h"

static bool in_networks(const struct conf_realm *realm,
			const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < realm->network_count; i++)
		if (ip_prefix_overlaps(&realm->networks[i], prefix))
			return true;
	return false;
}

static bool in_pools(const struct conf *conf, realm_id realm,
		     const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		for (size_t k = 0;
		     pool->realm == realm && k < pool->range_count; k++)
			if (ip_prefix_overlaps(&pool->ranges[k].prefix, prefix))
				return true;
	}
	return false;
}

static bool overlap(const struct conf *conf, const struct conf_realm *a,
		    const struct conf_realm *b)
{
	/* One that has none is what the others are not, but two are the same. */
	if (a->network_count == 0 && b->network_count == 0)
		return true;
	for (size_t i = 0; i < a->network_count; i++)
		if (in_networks(b, &a->networks[i]) ||
		    in_pools(conf, b->id, &a->networks[i]))
			return true;
	for (size_t i = 0; i < b->network_count; i++)
		if (in_pools(conf, a->id, &b->networks[i]))
			return true;
	return false;
}

bool conf_overlaps(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->realm_count; i++)
		if (!conf_seen_together(conf, realm, (realm_id)i) &&
		    overlap(conf, &conf->realms[realm], &conf->realms[i]))
			return true;
	return false;
}
