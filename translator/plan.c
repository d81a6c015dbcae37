/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be set up on this host for a configuration. Pure. */
#include "translator/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MAX  65535
#define MTU_MIN6 1280

struct making {
	const struct rtnl_host *host;
	FILE *errors;
	struct plan plan;
	bool mistaken;
	bool no_memory;
};

const char *plan_tun_name(const struct conf *conf, realm_id realm,
			  char buf[PLAN_TUN_NAME])
{
	snprintf(buf, PLAN_TUN_NAME, "%.16s%u", conf->tun, (unsigned)realm);
	return buf;
}

/* 100::100, 100::101 ...: of the discard prefix (RFC 6666). */
bool plan_is_others(const struct plan *plan, realm_id realm,
		    const struct plan_local *local)
{
	realm_id of = conf_realm_of(plan->conf, realm, &local->addr);

	return local->realm != REALM_NONE && of != REALM_NONE &&
	       plan_table_of(plan, of) != NULL &&
	       !plan_is_local(plan, of, &local->addr);
}

struct ip_addr plan_gateway6(realm_id realm)
{
	struct ip_addr addr = { .bytes = { 0x01 }, .family = IP_V6 };

	addr.bytes[14] = (uint8_t)(1 + realm / 256);
	addr.bytes[15] = (uint8_t)realm;
	return addr;
}

static void mistake(struct making *making, unsigned line, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));

static void mistake(struct making *making, unsigned line, const char *format,
		    ...)
{
	va_list args;

	making->mistaken = true;
	fprintf(making->errors, "%s:%u: ", making->plan.conf->path, line);
	va_start(args, format);
	vfprintf(making->errors, format, args);
	va_end(args);
	fputc('\n', making->errors);
}

static void add_interface(struct making *making,
			  const struct plan_interface *interface)
{
	struct plan *plan = &making->plan;
	struct plan_interface *more = reallocarray(plan->interfaces,
						   plan->interface_count + 1,
						   sizeof(*more));

	if (more == NULL) {
		making->no_memory = true;
		return;
	}
	plan->interfaces = more;
	more[plan->interface_count++] = *interface;
}

static void add_own(struct making *making, const struct plan_own *own)
{
	struct plan *plan = &making->plan;
	struct plan_own *more = reallocarray(plan->owns, plan->own_count + 1,
					     sizeof(*more));

	if (more == NULL) {
		making->no_memory = true;
		return;
	}
	plan->owns = more;
	more[plan->own_count++] = *own;
}

static void add_route(struct making *making, const struct plan_route *route)
{
	struct plan *plan = &making->plan;
	struct plan_route *more;

	for (size_t i = 0; i < plan->route_count; i++)
		if (ip_prefix_equal(&plan->routes[i].prefix, &route->prefix))
			return;
	more = reallocarray(plan->routes, plan->route_count + 1, sizeof(*more));
	if (more == NULL) {
		making->no_memory = true;
		return;
	}
	plan->routes = more;
	more[plan->route_count++] = *route;
}

static void add_proxy(struct making *making, const struct plan_proxy *proxy)
{
	struct plan *plan = &making->plan;
	struct plan_proxy *more;

	for (size_t i = 0; i < plan->proxy_count; i++)
		if (ip_addr_equal(&plan->proxies[i].addr, &proxy->addr))
			return;
	more = reallocarray(plan->proxies, plan->proxy_count + 1,
			    sizeof(*more));
	if (more == NULL) {
		making->no_memory = true;
		return;
	}
	plan->proxies = more;
	more[plan->proxy_count++] = *proxy;
}

static bool is_own(const struct rtnl_host *host, const struct ip_addr *addr)
{
	for (size_t i = 0; i < host->addr_count; i++)
		if (ip_addr_equal(&host->addrs[i].addr, addr))
			return true;
	return false;
}

/* The name that the realm knows the link by, or NULL: not one of its links. */
static const char *realm_interface(const struct making *making,
				   const struct conf_realm *realm,
				   unsigned index)
{
	const struct rtnl_link *link;

	for (size_t i = 0; i < realm->interfaces.count; i++) {
		link = rtnl_link_find(making->host, realm->interfaces.items[i]);
		if (link != NULL && link->index == index)
			return realm->interfaces.items[i];
	}
	return NULL;
}

/* Adds the host's own addresses of the range; returns how many. */
static uint64_t make_owns(struct making *making, const struct conf_pool *pool,
			  const struct conf_range *range)
{
	const struct rtnl_host *host = making->host;
	struct plan_own own = { .ports = range->ports,
				.realm = pool->realm,
				.dynamic = pool->dynamic };
	uint64_t count = 0;

	for (size_t i = 0; i < host->addr_count; i++) {
		struct rtnl_host before = { .addrs = host->addrs,
					    .addr_count = i };

		own.addr = host->addrs[i].addr;
		if (!ip_prefix_contains(&range->prefix, &own.addr) ||
		    is_own(&before, &own.addr))
			continue;
		add_own(making, &own);
		count++;
	}
	return count;
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

/* The network's own address, or IPv4's for broadcasts in it. */
static bool is_of_network(const struct ip_prefix *network,
			  const struct ip_addr *addr)
{
	uint8_t width = addr->family == IP_V4 ? 32 : 128;
	struct ip_addr last;

	if (network->bits >= width - 1)
		return false;
	last = addr_plus(network->addr, ip_prefix_count(network) - 1);
	return ip_addr_equal(&network->addr, addr) ||
	       (addr->family == IP_V4 && ip_addr_equal(&last, addr));
}

static void make_proxies(struct making *making, const struct conf_pool *pool,
			 const struct ip_prefix *prefix,
			 const struct rtnl_addr *link, const char *interface)
{
	uint64_t count = ip_prefix_count(prefix);
	char text[IP_ADDR_TEXT];

	if (count > PLAN_PROXIES_MAX - making->plan.proxy_count) {
		mistake(making, pool->line,
			"pool \"%s\": more than %d addresses to answer %s for "
			"on \"%s\": have the pool routed to this host",
			pool->name, PLAN_PROXIES_MAX,
			prefix->addr.family == IP_V4 ? "ARP" :
						       "neighbour discovery",
			interface);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		struct plan_proxy proxy = { .interface = interface };

		proxy.addr = addr_plus(prefix->addr, i);
		if (is_of_network(&link->network, &proxy.addr))
			mistake(making, pool->line,
				"pool \"%s\": %s is the network or broadcast "
				"address of \"%s\"",
				pool->name, ip_addr_format(&proxy.addr, text),
				interface);
		else if (!is_own(making->host, &proxy.addr))
			add_proxy(making, &proxy);
	}
}

/* The addresses of a range that are not the host's own. */
static void make_foreign(struct making *making, const struct conf_pool *pool,
			 const struct conf_range *range)
{
	const struct conf_realm *realm =
		&making->plan.conf->realms[pool->realm];
	struct plan_route route = { .prefix = range->prefix,
				    .realm = pool->realm };
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < making->host->addr_count; i++) {
		const struct rtnl_addr *addr = &making->host->addrs[i];
		const char *interface = realm_interface(making, realm,
							addr->index);

		if (interface == NULL ||
		    addr->network.bits ==
			    (addr->addr.family == IP_V4 ? 32 : 128) ||
		    !ip_prefix_overlaps(&addr->network, &range->prefix))
			continue;
		if (addr->network.bits >= range->prefix.bits)
			mistake(making, pool->line,
				"pool \"%s\" takes all of %s, the network on "
				"\"%s\"",
				pool->name,
				ip_prefix_format(&addr->network, text),
				interface);
		else
			make_proxies(making, pool, &range->prefix, addr,
				     interface);
	}
	add_route(making, &route);
}

static void make_pool(struct making *making, const struct conf_pool *pool)
{
	for (size_t i = 0; i < pool->range_count; i++) {
		const struct conf_range *range = &pool->ranges[i];

		if (make_owns(making, pool, range) <
		    ip_prefix_count(&range->prefix))
			make_foreign(making, pool, range);
	}
}

static void make_realm(struct making *making, const struct conf_realm *realm)
{
	const struct rtnl_link *link;

	for (size_t i = 0; i < realm->interfaces.count; i++) {
		const char *name = realm->interfaces.items[i];
		struct plan_interface interface = { .name = name,
						    .realm = realm->id };

		link = rtnl_link_find(making->host, name);
		interface.index = link != NULL ? link->index : 0;
		add_interface(making, &interface);
		if (link == NULL)
			mistake(making, realm->line,
				"realm \"%s\": there is no interface \"%s\"",
				realm->name, name);
		else if (link->mtu < making->plan.mtu)
			making->plan.mtu = link->mtu;
	}
}

static realm_id realm_of_link(const struct making *making, unsigned index)
{
	const struct conf *conf = making->plan.conf;

	for (size_t i = 0; i < conf->realm_count; i++)
		if (realm_interface(making, &conf->realms[i], index) != NULL)
			return (realm_id)i;
	return REALM_NONE;
}

static void make_locals(struct making *making)
{
	const struct rtnl_host *host = making->host;
	struct plan *plan = &making->plan;

	plan->locals = calloc(host->addr_count + 1, sizeof(*plan->locals));
	if (plan->locals == NULL) {
		making->no_memory = true;
		return;
	}
	plan->local_count = host->addr_count;
	for (size_t i = 0; i < host->addr_count; i++)
		plan->locals[i] = (struct plan_local){
			.addr = host->addrs[i].addr,
			.realm = realm_of_link(making, host->addrs[i].index)
		};
}

static void make_tables(struct making *making)
{
	const struct conf *conf = making->plan.conf;
	struct plan *plan = &making->plan;

	plan->tables = calloc(conf->realm_count + 1, sizeof(*plan->tables));
	if (plan->tables == NULL) {
		making->no_memory = true;
		return;
	}
	for (size_t i = 0; i < conf->realm_count; i++) {
		const struct conf_realm *realm = &conf->realms[i];
		char text[IP_ADDR_TEXT];
		int err;

		if (!plan_table_needed(conf, realm->id))
			continue;
		err = plan_table_make(conf, realm->id, making->host,
				      &plan->tables[plan->table_count]);
		if (err == 0)
			plan->table_count++;
		else if (err == -ENOMEM)
			making->no_memory = true;
		else
			mistake(making, realm->line,
				"realm \"%s\": its gateway %s is on none of "
				"the networks of its interfaces",
				realm->name,
				ip_addr_format(&realm->gateway, text));
	}
}

bool plan_has_ipv6(const struct conf *conf, realm_id realm)
{
	if (conf_has_family(conf, realm, IP_V6))
		return true;
	if (conf->realms[realm].network_count > 0)
		return false;
	for (size_t i = 0; i < conf->realm_count; i++)
		if (conf_has_family(conf, (realm_id)i, IP_V6))
			return true;
	return false;
}

const struct plan_table *plan_table_of(const struct plan *plan, realm_id realm)
{
	for (size_t i = 0; i < plan->table_count; i++)
		if (plan->tables[i].realm == realm)
			return &plan->tables[i];
	return NULL;
}

bool plan_is_local(const struct plan *plan, realm_id realm,
		   const struct ip_addr *addr)
{
	for (size_t i = 0; i < plan->local_count; i++)
		if ((plan->locals[i].realm == realm ||
		     plan->locals[i].realm == REALM_NONE) &&
		    ip_addr_equal(&plan->locals[i].addr, addr))
			return true;
	return false;
}

int plan_make(const struct conf *conf, const struct rtnl_host *host,
	      FILE *errors, struct plan *ret)
{
	struct making making = { .host = host,
				 .errors = errors,
				 .plan = { .conf = conf,
					   .mtu = MTU_MAX,
					   .conntrack = true,
					   .fastpath = conf->fastpath } };

	for (size_t i = 0; i < conf->realm_count; i++)
		make_realm(&making, &conf->realms[i]);
	if (making.plan.interface_count == 0 && !making.no_memory)
		mistake(&making, 1, "no realm has an interface");
	for (size_t i = 0; i < conf->realm_count; i++)
		if (plan_has_ipv6(conf, (realm_id)i))
			making.plan.ipv6 = true;
	if (making.plan.ipv6 && making.plan.mtu < MTU_MIN6)
		mistake(&making, 1,
			"an interface has an MTU of %u: IPv6 needs %d",
			(unsigned)making.plan.mtu, MTU_MIN6);
	for (size_t i = 0; i < conf->pool_count; i++)
		make_pool(&making, &conf->pools[i]);
	make_locals(&making);
	make_tables(&making);
	if (!making.mistaken && !making.no_memory) {
		*ret = making.plan;
		return 0;
	}
	plan_done(&making.plan);
	return making.no_memory ? -ENOMEM : -EINVAL;
}

void plan_done(struct plan *plan)
{
	free(plan->interfaces);
	free(plan->owns);
	free(plan->locals);
	free(plan->routes);
	free(plan->proxies);
	for (size_t i = 0; i < plan->table_count; i++)
		plan_table_done(&plan->tables[i]);
	free(plan->tables);
	*plan = (struct plan){ 0 };
}
