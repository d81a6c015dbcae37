/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Realms that have a routing table of their own. Pure. */
#include "translator/plan_table.h"

#include <errno.h>
#include <stdlib.h>

#define LAST_METRIC UINT32_MAX

static bool is_interface_of(const struct rtnl_host *host,
			    const struct conf_realm *realm, unsigned index)
{
	for (size_t i = 0; i < realm->interfaces.count; i++) {
		const struct rtnl_link *link =
			rtnl_link_find(host, realm->interfaces.items[i]);

		if (link != NULL && link->index == index)
			return true;
	}
	return false;
}

/* The interface on whose link the gateway is; 0: there is none. */
static unsigned gateway_index(const struct rtnl_host *host,
			      const struct conf_realm *realm)
{
	for (size_t i = 0; i < host->addr_count; i++)
		if (is_interface_of(host, realm, host->addrs[i].index) &&
		    ip_prefix_contains(&host->addrs[i].network,
				       &realm->gateway))
			return host->addrs[i].index;
	return 0;
}

bool plan_table_needed(const struct conf *conf, realm_id realm)
{
	return conf->realms[realm].gateway.family != IP_NONE ||
	       conf_overlaps(conf, realm);
}

uint16_t plan_zone(const struct conf *conf, realm_id realm)
{
	return conf_overlaps(conf, realm) ?
		       (uint16_t)(conf->routing_table + realm) :
		       0;
}

int plan_table_make(const struct conf *conf, realm_id id,
		    const struct rtnl_host *host, struct plan_table *ret)
{
	const struct conf_realm *realm = &conf->realms[id];
	struct plan_table table = { .realm = id,
				    .number = conf->routing_table + id };
	struct rtnl_route last = { .prefix.addr = ip_addr_v4(0),
				   .metric = LAST_METRIC,
				   .table = table.number };
	struct rtnl_route by_gateway = { .prefix.addr = ip_addr_v4(0),
					 .gateway = realm->gateway,
					 .table = table.number };
	bool has_gateway = realm->gateway.family != IP_NONE;

	if (has_gateway) {
		by_gateway.index = gateway_index(host, realm);
		if (by_gateway.index == 0)
			return -EINVAL;
	}
	table.routes = calloc(host->route_count + 2, sizeof(*table.routes));
	if (table.routes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < host->route_count; i++) {
		struct rtnl_route route = host->routes[i];

		if (!is_interface_of(host, realm, route.index) ||
		    (has_gateway && route.prefix.bits == 0))
			continue;
		route.table = table.number;
		table.routes[table.route_count++] = route;
	}
	if (has_gateway)
		table.routes[table.route_count++] = by_gateway;
	table.routes[table.route_count++] = last;
	*ret = table;
	return 0;
}

void plan_table_done(struct plan_table *table)
{
	free(table->routes);
	*table = (struct plan_table){ 0 };
}
