/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and proxy neighbours of the kernel (libmnl). */
#ifndef VIADUCT_TRANSLATOR_RTNL_H
#define VIADUCT_TRANSLATOR_RTNL_H

#include <net/if.h>

#include "common/endpoint.h"

struct rtnl; /* one socket; requests are answered one after the other */

int rtnl_new(struct rtnl **ret_rtnl); /* 0 or -Exxx */
void rtnl_free(struct rtnl *rtnl);

/*
 * A descriptor that is readable when a link, an IPv4 address or an IPv4 route
 * has changed; or -Exxx. _drain reads all of it; true: one of a link may have
 * been among them.
 */
int rtnl_watch(void);
bool rtnl_watch_drain(int fd);

struct rtnl_link {
	char name[IF_NAMESIZE];
	unsigned index;
	uint32_t mtu;
};

struct rtnl_addr {      /* an address of an interface, not link-local IPv6 */
	unsigned index; /* of the interface */
	struct ip_addr addr;
	struct ip_prefix network; /* what is on the link */
};

struct rtnl_route {
	struct ip_prefix prefix;
	struct ip_addr gateway; /* family IP_NONE: on the link */
	struct ip_addr source;  /* preferred; family IP_NONE: none */
	unsigned index;         /* of the interface; 0: nowhere */
	uint32_t metric;
	uint32_t table; /* 0: the host's main one */
};

/* What the host has, at one moment. */
struct rtnl_host {
	struct rtnl_link *links; /* owned */
	size_t link_count;
	struct rtnl_addr *addrs; /* owned */
	size_t addr_count;
	struct rtnl_route *routes; /* owned; by rtnl_routes_read */
	size_t route_count;
};

/* 0 or -Exxx; what is read is freed by rtnl_host_done. */
int rtnl_read(struct rtnl *rtnl, struct rtnl_host *ret);
void rtnl_host_done(struct rtnl_host *host);
/* NULL: there is none of that name. */
const struct rtnl_link *rtnl_link_find(const struct rtnl_host *host,
				       const char *name);

/* `queue`: packets that wait to be sent. */
int rtnl_link_up(struct rtnl *rtnl, unsigned index, uint32_t mtu,
		 uint32_t queue);
/* -ENODEV: there is none. */
int rtnl_link_remove(struct rtnl *rtnl, unsigned index);

/* The IPv4 routes of one table (0: main) that have one way, or none. */
int rtnl_routes_read(struct rtnl *rtnl, uint32_t table, struct rtnl_host *ret);
/* Of a route to nowhere that stands behind the one to a TUN. */
uint32_t rtnl_blackhole_metric(const struct ip_prefix *prefix);
bool rtnl_route_equal(const struct rtnl_route *a, const struct rtnl_route *b);
/*
 * Nowhere is a blackhole in the main table, and unreachable in another one.
 * `replace`: one of the same prefix and metric gives way; else -EEXIST. */
int rtnl_route_add(struct rtnl *rtnl, const struct rtnl_route *route,
		   bool replace);
/* -ESRCH: there is none. */
/* Beside others of the same prefix and metric. -EEXIST: it is there. */
int rtnl_route_append(struct rtnl *rtnl, const struct rtnl_route *route);
int rtnl_route_remove(struct rtnl *rtnl, const struct rtnl_route *route);

/*
 * An ip rule: what comes in by this interface, or is to leave by it, looks for
 * its way in a table first. The table's number is the preference as well.
 */
struct rtnl_rule {
	bool out; /* else: in */
	char interface[IF_NAMESIZE];
	uint32_t mark; /* not 0: of packets with it, by whatever interface */
	uint32_t table;
};

/* -EEXIST: there is such a rule. */
int rtnl_rule_add(struct rtnl *rtnl, const struct rtnl_rule *rule);
/* -ENOENT: there is none. */
int rtnl_rule_remove(struct rtnl *rtnl, const struct rtnl_rule *rule);

/* The interface answers ARP for the address. Again is no error. */
int rtnl_proxy_add(struct rtnl *rtnl, const struct ip_addr *addr,
		   unsigned index);
/* -ENOENT: there is none. */
int rtnl_proxy_remove(struct rtnl *rtnl, const struct ip_addr *addr,
		      unsigned index);

#endif
