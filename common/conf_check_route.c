/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections route: no two of them may want the same request. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "common/conf_parts.h"

static bool realms_meet(const struct conf_route *a, const struct conf_route *b)
{
	for (size_t i = 0; i < a->realm_count; i++)
		for (size_t k = 0; k < b->realm_count; k++)
			if (a->realms[i] == b->realms[k])
				return true;
	return false;
}

static bool trunks_meet(const struct conf_route *a, const struct conf_route *b)
{
	for (size_t i = 0; i < a->trunk_count; i++)
		for (size_t k = 0; k < b->trunk_count; k++)
			if (a->trunks[i] == b->trunks[k])
				return true;
	return false;
}

/* Each of a list that is empty is meant. */
static bool lists_meet(const struct conf_list *a, const struct conf_list *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			if (strcmp(a->items[i], b->items[k]) == 0)
				return true;
	return a->count == 0 && b->count == 0;
}

static bool domains_meet(const struct conf_route *a, const struct conf_route *b)
{
	if (!a->domain || !b->domain)
		return a->domain == b->domain;
	return strcasecmp(a->domain, b->domain) == 0;
}

static bool from_meets(const struct conf_route *a, const struct conf_route *b)
{
	bool a_any = a->realm_count + a->trunk_count == 0;
	bool b_any = b->realm_count + b->trunk_count == 0;

	if (a_any || b_any)
		return a_any && b_any;
	return realms_meet(a, b) || trunks_meet(a, b);
}

/* Is there a request that both match, and neither is the closer match? */
static bool is_same(const struct conf_route *a, const struct conf_route *b)
{
	return lists_meet(&a->numbers, &b->numbers) && domains_meet(a, b) &&
	       from_meets(a, b) && lists_meet(&a->methods, &b->methods);
}

void conf_check_routes(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->route_count; i++)
		for (size_t k = 0; k < i; k++)
			if (is_same(&conf->routes[i], &conf->routes[k]))
				conf_section_mistake(
					reader, "route", i,
					"route %s is for the same requests as "
					"route %s (see line %u)",
					conf->routes[i].name,
					conf->routes[k].name,
					conf->routes[k].line);
}
