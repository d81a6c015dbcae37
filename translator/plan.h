/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be set up on this host for a configuration: decided from the
 * configuration and the host's links and addresses. Pure.
 *
 * The addresses of a pool are of three kinds. *Own*: an address of one of the
 * host's interfaces; only the pool's ports are taken from the host. *On-link*:
 * inside a network on a link of the pool's realm; answered for by proxy ARP, or
 * proxy neighbour discovery.
 * *Routed*: everything else. One range may hold several kinds.
 */
#ifndef VIADUCT_TRANSLATOR_PLAN_H
#define VIADUCT_TRANSLATOR_PLAN_H

#include "common/conf.h"
#include "translator/plan_table.h"
#include "translator/rtnl.h"

#define PLAN_PROXIES_MAX 4096 /* on-link addresses, one entry each */

/* As net.ipv4.conf.*.rp_filter has it. */
enum plan_rp_filter { PLAN_RP_OFF, PLAN_RP_STRICT, PLAN_RP_LOOSE };

struct plan_interface {
	const char *name; /* of the configuration; not owned */
	realm_id realm;
	unsigned index;
	/*
	 * Packets are drawn before the kernel checks their source: the ruleset
	 * does it. PLAN_RP_OFF until netsetup has looked.
	 */
	enum plan_rp_filter rp_filter;
};

struct plan_own {
	struct ip_addr addr;
	struct port_range ports;
	realm_id realm; /* of the pool */
	bool dynamic;   /* identifiers of ICMP queries too */
};

struct plan_local { /* an address of the host */
	struct ip_addr addr;
	realm_id realm; /* of its interface; REALM_NONE: of no realm */
};

struct plan_route { /* to the realm's TUN, with a blackhole behind it */
	struct ip_prefix prefix;
	realm_id realm;
};

struct plan_proxy {
	struct ip_addr addr;
	const char *interface; /* of the configuration; not owned */
};

struct plan {
	const struct conf *conf; /* not owned */
	uint32_t mtu;            /* of the TUNs */
	bool conntrack; /* the kernel has it: true until netsetup has looked */
	bool fastpath;  /* the kernel translates settled flows */
	bool ipv6;      /* a realm has addresses of it */
	struct plan_interface *interfaces; /* owned */
	size_t interface_count;
	struct plan_own *owns; /* owned */
	size_t own_count;
	struct plan_local *locals; /* owned */
	size_t local_count;
	struct plan_route *routes; /* owned */
	size_t route_count;
	struct plan_proxy *proxies; /* owned */
	size_t proxy_count;
	struct plan_table *tables; /* owned */
	size_t table_count;
};

#define PLAN_TUN_NAME 24 /* bytes, with the final NUL */

/* Are there IPv6 packets that may be of the realm? */
bool plan_has_ipv6(const struct conf *conf, realm_id realm);
/* The routing table of the realm's own, or NULL: it has none. */
const struct plan_table *plan_table_of(const struct plan *plan, realm_id realm);
/* Is it the host's, by an interface of the realm or by one of no realm? */
bool plan_is_local(const struct plan *plan, realm_id realm,
		   const struct ip_addr *addr);
/*
 * Is it the host's in a realm that has the same addresses as that which it is
 * addressed in from `realm`: does it belong to somebody else there?
 */
bool plan_is_others(const struct plan *plan, realm_id realm,
		    const struct plan_local *local);
/* The gateway of what is drawn into the realm's TUN, routed there: IPv6. */
struct ip_addr plan_gateway6(realm_id realm);
/* Name of the realm's TUN; conf_read has seen to it that it fits a device. */
const char *plan_tun_name(const struct conf *conf, realm_id realm,
			  char buf[PLAN_TUN_NAME]);

/*
 * Mistakes go to `errors` as "file:line: text\n" each, and make -EINVAL;
 * -ENOMEM. On failure *ret is untouched.
 */
int plan_make(const struct conf *conf, const struct rtnl_host *host,
	      FILE *errors, struct plan *ret);
void plan_done(struct plan *plan);

#endif
