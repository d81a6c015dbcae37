/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parties behind NATs of their own, which name an address that they cannot be
 * reached at. Pure.
 */
#ifndef VIADUCT_PROXY_FARNAT_H
#define VIADUCT_PROXY_FARNAT_H

#include "common/conf.h"
#include "proxy/media.h"

struct farnat_party {
	realm_id realm;
	struct ip_addr signalling; /* from where its messages come */
	bool is_trunk;
};

/* Is one that names this address behind one? */
bool farnat_is(const struct conf *conf, const struct farnat_party *party,
	       const struct ip_addr *addr);
/* Is one whose SDP this is? */
bool farnat_is_media(const struct conf *conf, const struct farnat_party *party,
		     const struct media *media);
/*
 * It is: its streams are where its signalling comes from, at the ports that it
 * names, RTCP next to RTP. Who sends to them sends to whom a lease has latched
 * on to.
 */
void farnat_apply(const struct farnat_party *party, struct media *media);

#endif
