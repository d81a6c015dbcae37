/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user or trunk a request that starts something goes to. Pure. */
#include "config.h"

#include "proxy/route.h"

#include <string.h>

#include "proxy/text.h"
#include "proxy/uri.h"

static void refuse(struct route_result *result, int status, const char *text)
{
	result->kind = ROUTE_REFUSE;
	result->status = status;
	result->text = text;
}

static bool is_listener(const struct conf *conf, realm_id realm,
			const struct ip_addr *addr, uint16_t port)
{
	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];

		if (listen->realm == realm && listen->udp.port == port &&
		    ip_addr_equal(&listen->udp.addr, addr))
			return true;
	}
	return false;
}

const struct conf_domain *route_domain(const struct conf *conf, size_t listen,
				       const char *host, size_t len,
				       uint16_t port)
{
	struct text_word word = { host, len };
	struct ip_addr addr;

	for (size_t i = 0; i < conf->domain_count; i++) {
		if (text_word_is_case(word, conf->domains[i].name))
			return &conf->domains[i];
	}
	if (conf->domain_count == 0)
		return NULL;
	if (len > 2 && host[0] == '[') {
		host++;
		len -= 2;
	}
	if (ip_addr_parse(host, len, &addr) ||
	    !is_listener(conf, conf->listens[listen].realm, &addr,
			 port ? port : 5060))
		return NULL;
	return &conf->domains[0];
}

/* For a user of ours: does the account exist? */
static void find_user(const struct route_query *query, const struct uri *uri,
		      const struct conf_domain *domain,
		      struct route_result *ret)
{
	if (uri_unescape(uri->user, ret->user, sizeof(ret->user)) ||
	    !users_find(query->users, ret->user, domain->name)) {
		refuse(ret, 404, "no such user");
		return;
	}
	ret->kind = ROUTE_USER;
	ret->domain = domain->name;
}

/* `route HOST`, else `route default`. */
static size_t find_route(const struct conf *conf, const struct uri *uri)
{
	struct text_word host = { uri->host.text, uri->host.len };
	size_t found = TRUNK_NONE;

	for (size_t i = 0; i < conf->route_count; i++) {
		if (host.len && text_word_is_case(host, conf->routes[i].name))
			return conf->routes[i].trunk;
		if (strcmp(conf->routes[i].name, "default") == 0)
			found = conf->routes[i].trunk;
	}
	return found;
}

static void find_trunk(const struct route_query *query, const struct uri *uri,
		       struct route_result *ret)
{
	size_t trunk = TRUNK_NONE;

	if (uri->host.len)
		trunk = trunk_find_host(query->trunks, uri->host.text,
					uri->host.len, uri->port);
	if (trunk == TRUNK_NONE)
		trunk = find_route(query->conf, uri);
	if (trunk == TRUNK_NONE)
		refuse(ret, 404, "no route to this host");
	else if (query->speaker == ROUTE_FROM_TRUNK && trunk == query->trunk)
		refuse(ret, 404, "no route but back");
	else {
		ret->kind = ROUTE_TRUNK;
		ret->trunk = trunk;
	}
}

void route_find(const struct route_query *query, struct route_result *ret)
{
	const struct conf_domain *domain = NULL;
	struct uri uri;

	memset(ret, 0, sizeof(*ret));
	if (uri_parse(query->request_uri, strlen(query->request_uri), &uri)) {
		refuse(ret, 400, "malformed Request-URI");
		return;
	}
	if (uri.scheme != URI_SIP && uri.scheme != URI_TEL) {
		refuse(ret, 416, "scheme not served");
		return;
	}
	if (query->speaker == ROUTE_FROM_ANYONE) {
		refuse(ret, 403, "speaker not known");
		return;
	}
	if (uri.scheme == URI_SIP)
		domain = route_domain(query->conf, query->listen, uri.host.text,
				      uri.host.len, uri.port);
	if (domain)
		find_user(query, &uri, domain, ret);
	else
		find_trunk(query, &uri, ret);
}
