/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers: who is speaking from an address, and where a trunk is reached. */
#ifndef VIADUCT_PROXY_TRUNK_H
#define VIADUCT_PROXY_TRUNK_H

#include "common/conf.h"

struct carrier;

#define TRUNK_ADDRESSES_MAX 8
#define TRUNK_NONE          SIZE_MAX

struct trunk {
	const struct conf_trunk *conf; /* not owned */
	struct ip_addr addresses[TRUNK_ADDRESSES_MAX];
	size_t count;
	struct carrier *carrier; /* not owned; NULL before there is one */
};

/* Where something is sent to. */
struct trunk_hop {
	struct endpoint at;
	enum conf_transport transport;
};

/* trunks[i] is conf->trunks[i]. */
struct trunk_list {
	struct trunk *trunks; /* owned */
	size_t count;
};

/* A host that is an address is there at once; a name has none. 0, -ENOMEM */
int trunk_list_init(struct trunk_list *list, const struct conf *conf);
void trunk_list_done(struct trunk_list *list);
/* 0, -EEXIST, -ENOSPC: TRUNK_ADDRESSES_MAX. */
int trunk_add(struct trunk *trunk, const struct ip_addr *addr);
/* The trunk that speaks from this address of this realm, or TRUNK_NONE. */
size_t trunk_find(const struct trunk_list *list, realm_id realm,
		  const struct ip_addr *addr);
/* The trunk whose host or address this text is, or TRUNK_NONE. */
size_t trunk_find_host(const struct trunk_list *list, const char *host,
		       size_t len, uint16_t port);
/* Where to send, for the attempt-th time from 0; false: nowhere left. */
bool trunk_next_hop(const struct trunk *trunk, size_t attempt,
		    struct trunk_hop *ret);

#endif
