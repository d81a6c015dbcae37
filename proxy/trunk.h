/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers: who is speaking from an address, and where a trunk is reached. */
#ifndef VIADUCT_PROXY_TRUNK_H
#define VIADUCT_PROXY_TRUNK_H

#include "common/conf.h"

struct carrier;

#define TRUNK_HOPS_MAX 16
#define TRUNK_NONE     SIZE_MAX

/* Where something is sent to. */
struct trunk_hop {
	struct endpoint at;
	enum conf_transport transport;
	unsigned rank;     /* of the transport: the lowest first */
	uint16_t priority; /* then of this: the lowest first */
	uint16_t weight;   /* share among the servers of one priority */
	size_t server;     /* which: it may have several addresses */
};

struct trunk {
	const struct conf_trunk *conf; /* not owned */
	/* Those of its hops, each once: from where it speaks. */
	struct ip_addr addresses[TRUNK_HOPS_MAX];
	size_t count;
	struct trunk_hop hops[TRUNK_HOPS_MAX]; /* those of a server together */
	size_t hop_count;
	struct carrier *carrier; /* not owned; NULL before there is one */
};

/* trunks[i] is conf->trunks[i]. */
struct trunk_list {
	struct trunk *trunks; /* owned */
	size_t count;
};

/* A host that is an address is there at once; a name has none. 0, -ENOMEM */
int trunk_list_init(struct trunk_list *list, const struct conf *conf);
void trunk_list_done(struct trunk_list *list);
/* These and no others, at most TRUNK_HOPS_MAX. */
void trunk_set(struct trunk *trunk, const struct trunk_hop *hops, size_t count);
/* The trunk that speaks from this address of this realm, or TRUNK_NONE. */
size_t trunk_find(const struct trunk_list *list, realm_id realm,
		  const struct ip_addr *addr);
/* The trunk whose host or address this text is, or TRUNK_NONE. */
size_t trunk_find_host(const struct trunk_list *list, const char *host,
		       size_t len, uint16_t port);
/* The i-th hop as they stand, from 0; false: there are fewer. */
bool trunk_next_hop(const struct trunk *trunk, size_t i, struct trunk_hop *ret);
/*
 * The hops in the order in which they are to be tried: by rank and priority,
 * the servers of one priority by chance and weight (RFC 2782), the addresses of
 * a server from any of them on. How many.
 */
size_t trunk_order(const struct trunk *trunk, uint64_t random,
		   struct trunk_hop ret[TRUNK_HOPS_MAX]);

#endif
