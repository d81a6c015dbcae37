/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which user or trunk a request that starts something goes to. Pure. */
#include "config.h"

#include "proxy/route.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proxy/text.h"
#include "proxy/uri.h"

/* What stands in the user part of a URI without being escaped. */
#define SAFE_IN_USER                                           \
	"+0123456789*-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij" \
	"klmnopqrstuvwxyz"

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

		if (listen->realm == realm &&
		    conf_listens_on(listen, addr, port))
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

/* The user part as a number: without ";parameters" and what is for the eye. */
static void number_of(const struct uri *uri, char number[USERS_NAME_MAX])
{
	struct uri_part part = uri->user;
	const char *end = part.len ? memchr(part.text, ';', part.len) : NULL;
	size_t out = 0;

	if (end)
		part.len = (size_t)(end - part.text);
	number[0] = '\0';
	if (part.len == 0 || uri_unescape(part, number, USERS_NAME_MAX)) {
		number[0] = '\0';
		return;
	}
	if (number[strspn(number, "+0123456789*#-.()")] != '\0')
		return;
	for (const char *c = number; *c; c++)
		if (!strchr("-.()", *c))
			number[out++] = *c;
	number[out] = '\0';
}

static bool has_text(const struct conf_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

/* What is looked for in the sections. */
struct search {
	const struct route_query *query;
	struct text_word host;
	char number[USERS_NAME_MAX];
	bool is_ours; /* the host */
};

/* Characters of the longest number that matches; 0: none, or none given. */
static size_t number_length(const struct conf_route *route, const char *number)
{
	size_t longest = 0;

	for (size_t i = 0; i < route->numbers.count; i++) {
		size_t len = strlen(route->numbers.items[i]);

		if (len > longest &&
		    strncmp(route->numbers.items[i], number, len) == 0)
			longest = len;
	}
	return longest;
}

/* 2: its trunk; 1: its realm, or where that is not asked; 0: no match. */
static unsigned from_rank(const struct conf_route *route,
			  const struct route_query *query)
{
	realm_id realm = query->conf->listens[query->listen].realm;

	for (size_t i = 0; i < route->trunk_count; i++)
		if (query->speaker == ROUTE_FROM_TRUNK &&
		    route->trunks[i] == query->trunk)
			return 2;
	for (size_t i = 0; i < route->realm_count; i++)
		if (route->realms[i] == realm)
			return 1;
	return route->trunk_count + route->realm_count == 0;
}

/* The higher the closer; 0: it does not match. */
static size_t rank_of(const struct conf_route *route,
		      const struct search *search)
{
	size_t number = number_length(route, search->number);
	unsigned from = from_rank(route, search->query);
	bool is_from = route->trunk_count + route->realm_count > 0;

	if ((route->numbers.count > 0 && number == 0) || from == 0 ||
	    (route->domain &&
	     !text_word_is_case(search->host, route->domain)) ||
	    (route->methods.count > 0 &&
	     !has_text(&route->methods, search->query->method)))
		return 0;
	return 1 + (number << 8 | (route->domain ? 1u << 4 : 0) |
		    (is_from ? from << 1 : 0) |
		    (route->methods.count > 0 ? 1 : 0));
}

static bool is_for_foreign(const struct conf_route *route)
{
	return route->numbers.count == 0 && !route->domain;
}

/* The section that matches best; `foreign`: of those for foreign hosts. */
static const struct conf_route *find_section(const struct search *search,
					     bool foreign)
{
	const struct conf *conf = search->query->conf;
	const struct conf_route *best = NULL;
	size_t highest = 0;

	for (size_t i = 0; i < conf->route_count; i++) {
		const struct conf_route *route = &conf->routes[i];
		size_t rank = is_for_foreign(route) == foreign ?
				      rank_of(route, search) :
				      0;

		if (rank > highest) {
			highest = rank;
			best = route;
		}
	}
	return best;
}

/* Is there no target but the trunk that it comes from? */
static bool leads_back(const struct conf_route *route,
		       const struct route_query *query)
{
	for (size_t i = 0; i < route->target_count; i++)
		if (query->speaker != ROUTE_FROM_TRUNK ||
		    route->targets[i].trunk != query->trunk)
			return false;
	return true;
}

static void find_target(const struct search *search, const struct uri *uri,
			struct route_result *ret)
{
	const struct route_query *query = search->query;
	size_t trunk = TRUNK_NONE;

	ret->route = find_section(search, false);
	if (!ret->route && uri->host.len && !search->is_ours &&
	    !ret->is_emergency)
		trunk = trunk_find_host(query->trunks, uri->host.text,
					uri->host.len, uri->port);
	if (!ret->route && trunk == TRUNK_NONE &&
	    (!search->is_ours || ret->is_emergency))
		ret->route = find_section(search, true);
	if (ret->route && leads_back(ret->route, query)) {
		refuse(ret, 404, "no route but back");
	} else if (ret->route) {
		ret->kind = ROUTE_TABLE;
	} else if (trunk == TRUNK_NONE) {
		refuse(ret, 404,
		       search->is_ours ? "no such user" :
					 "no route to this host");
	} else if (query->speaker == ROUTE_FROM_TRUNK &&
		   trunk == query->trunk) {
		refuse(ret, 404, "no route but back");
	} else {
		ret->kind = ROUTE_TRUNK;
		ret->trunk = trunk;
	}
}

void route_find(const struct route_query *query, struct route_result *ret)
{
	struct search search = { .query = query };
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
	number_of(&uri, search.number);
	search.host = (struct text_word){ uri.host.text, uri.host.len };
	ret->is_emergency = has_text(&query->conf->emergency, search.number);
	if (uri.scheme == URI_SIP)
		domain = route_domain(query->conf, query->listen, uri.host.text,
				      uri.host.len, uri.port);
	search.is_ours = domain != NULL;
	if (domain && !ret->is_emergency &&
	    uri_unescape(uri.user, ret->user, sizeof(ret->user)) == 0 &&
	    users_find(query->users, ret->user, domain->name)) {
		ret->kind = ROUTE_USER;
		ret->domain = domain->name;
		return;
	}
	find_target(&search, &uri, ret);
}

static uint64_t next_random(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return *random >> 33;
}

/* One of those of the lowest priority that are left, by weight. */
static size_t pick(const struct conf_route *route, const bool *taken,
		   uint64_t *random)
{
	unsigned lowest = UINT_MAX;
	uint64_t sum = 0, at;
	size_t last = 0;

	for (size_t i = 0; i < route->target_count; i++)
		if (!taken[i] && route->targets[i].priority < lowest)
			lowest = route->targets[i].priority;
	for (size_t i = 0; i < route->target_count; i++)
		if (!taken[i] && route->targets[i].priority == lowest)
			sum += route->targets[i].weight;
	at = sum > 0 ? next_random(random) % sum : 0;
	for (size_t i = 0; i < route->target_count; i++) {
		if (taken[i] || route->targets[i].priority != lowest)
			continue;
		last = i;
		if (sum > 0 && at < route->targets[i].weight)
			break;
		at -= sum > 0 ? route->targets[i].weight : 0;
	}
	return last;
}

size_t route_order(const struct conf_route *route, uint64_t random,
		   size_t ret[CONF_TARGETS_MAX])
{
	bool taken[CONF_TARGETS_MAX] = { false };
	size_t count = 0;

	while (count < route->target_count && count < CONF_TARGETS_MAX) {
		ret[count] = pick(route, taken, &random);
		taken[ret[count++]] = true;
	}
	return count;
}

int route_rewrite(const struct conf_route *route, const char *uri, char *buf,
		  size_t size)
{
	const char *prefix = route->prefix ? route->prefix : "";
	char number[USERS_NAME_MAX];
	struct uri parsed;
	const char *rest;
	int len;

	if (uri_parse(uri, strlen(uri), &parsed) ||
	    (parsed.scheme != URI_SIP && parsed.scheme != URI_TEL))
		return -EINVAL;
	if (route->strip == 0 && *prefix == '\0') {
		len = snprintf(buf, size, "%s", uri);
		return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
	}
	number_of(&parsed, number);
	if (strlen(number) < route->strip ||
	    number[strspn(number, SAFE_IN_USER)] != '\0' ||
	    (number[route->strip] == '\0' && *prefix == '\0'))
		return -EINVAL;
	rest = memchr(parsed.user.text, ';', parsed.user.len);
	if (!rest)
		rest = parsed.user.text + parsed.user.len;
	len = snprintf(buf, size, "%.*s%s%s%s", (int)(parsed.user.text - uri),
		       uri, prefix, number + route->strip, rest);
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}
