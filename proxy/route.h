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
	ROUTE_TRUNK,  /* the trunk whose host is named */
	ROUTE_TABLE,  /* the targets of a section route */
	ROUTE_REFUSE, /* answer with `status` */
};

struct route_query {
	const struct conf *conf;
	const struct trunk_list *trunks;
	const struct users *users; /* of all domains */
	const char *request_uri;
	enum route_speaker speaker;
	const char *method;
	size_t trunk;  /* which, for ROUTE_FROM_TRUNK */
	size_t listen; /* the listener it came to */
};

struct route_result {
	enum route_kind kind;
	char user[USERS_NAME_MAX];      /* of ROUTE_USER, unescaped */
	const char *domain;             /* the same; from conf */
	size_t trunk;                   /* of ROUTE_TRUNK */
	const struct conf_route *route; /* of ROUTE_TABLE */
	bool is_emergency;
	int status;       /* of ROUTE_REFUSE */
	const char *text; /* the same; static */
};

/*
 * A host that is one of our domains, or the address of a listener of the
 * realm the request came from (then the first domain), is for a user of ours
 * if there is such an account, and the number is none of `emergency`.
 *
 * All else goes by the sections route: of those that match, the one with the
 * longest number, then one with a domain, with a trunk, with a realm, with a
 * method. One with neither number nor domain is for foreign hosts only, and
 * behind a trunk that has the host. 404: there is none. Somebody unknown: 403.
 * Not sip: or tel: 416.
 */
void route_find(const struct route_query *query, struct route_result *ret);
/*
 * The targets in the order in which they are to be tried: by priority, those
 * of one priority by chance and weight. How many.
 */
size_t route_order(const struct conf_route *route, uint64_t random,
		   size_t ret[CONF_TARGETS_MAX]);
/*
 * The Request-URI with the number as the section wants it: `strip` characters
 * off, `prefix` in front. 0, -EINVAL (fewer than `strip`) or -ENAMETOOLONG.
 */
int route_rewrite(const struct conf_route *route, const char *uri, char *buf,
		  size_t size);

/*
 * The domain that the host of a URI stands for, with its listener's addresses
 * counting as the first domain. NULL: none of ours.
 */
const struct conf_domain *route_domain(const struct conf *conf, size_t listen,
				       const char *host, size_t len,
				       uint16_t port);

#endif
