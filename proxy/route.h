/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user or trunk a request that starts something goes to. */
#ifndef VIADUCT_PROXY_ROUTE_H
#define VIADUCT_PROXY_ROUTE_H

#include "proxy/trunk.h"
#include "proxy/users.h"

enum route_speaker {
	ROUTE_FROM_TRUNK, /* by its source address */
	ROUTE_FROM_USER,  /* authenticated, or a flow known to be one's */
	ROUTE_FROM_ANYONE
};

enum route_kind {
	ROUTE_USER,   /* a user of ours: look up the location */
	ROUTE_TRUNK,  /* to a trunk */
	ROUTE_REFUSE, /* answer with `status` */
};

struct route_query {
	const struct conf *conf;
	const struct trunk_list *trunks;
	const struct users *users; /* of all domains */
	const char *request_uri;
	enum route_speaker speaker;
	size_t trunk;  /* which, for ROUTE_FROM_TRUNK */
	size_t listen; /* the listener it came to */
};

struct route_result {
	enum route_kind kind;
	char user[USERS_NAME_MAX]; /* of ROUTE_USER, unescaped */
	const char *domain;        /* the same; from conf */
	size_t trunk;              /* of ROUTE_TRUNK */
	int status;                /* of ROUTE_REFUSE */
	const char *text;          /* the same; static */
};

/*
 * A host that is one of our domains, or the address of a listener of the
 * realm the request came from (then the first domain), is for a user of ours:
 * 404 where there is no such account. Any other host goes to the trunk that
 * has this host, to `route HOST`, else to `route default`, never back to the
 * trunk it came from: 404. Somebody unknown: 403. Not sip: or tel: 416.
 */
void route_find(const struct route_query *query, struct route_result *ret);

/*
 * The domain that the host of a URI stands for, with its listener's addresses
 * counting as the first domain. NULL: none of ours.
 */
const struct conf_domain *route_domain(const struct conf *conf, size_t listen,
				       const char *host, size_t len,
				       uint16_t port);

#endif
