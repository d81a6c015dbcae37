/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections route of a configuration to structs. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

#define STRIP_MAX  32
#define WEIGHT_MAX 65535

static size_t find_trunk(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->trunk_count; i++)
		if (conf->trunks[i].name &&
		    strcmp(conf->trunks[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static size_t find_domain(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->domain_count; i++)
		if (conf->domains[i].name &&
		    strcasecmp(conf->domains[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* Names of realms and trunks. */
static void build_from(struct conf_part *part, struct conf_route *route)
{
	struct conf_reader *reader = part->reader;
	size_t count = conf_value_count(part->section, "from");

	route->realms = conf_array(reader, count, sizeof(*route->realms));
	route->trunks = conf_array(reader, count, sizeof(*route->trunks));
	for (size_t i = 0; i < count && route->realms && route->trunks; i++) {
		const struct conf_value *value = conf_value_at(part->section,
							       "from", i);
		realm_id realm = realm_find(&reader->conf->names, value->text);
		size_t trunk = find_trunk(reader->conf, value->text);

		if (realm != REALM_NONE && trunk != SIZE_MAX)
			conf_value_mistake(reader, value,
					   "\"%s\" is a realm and a trunk: "
					   "which one is meant?",
					   value->text);
		else if (realm != REALM_NONE)
			route->realms[route->realm_count++] = realm;
		else if (trunk != SIZE_MAX)
			route->trunks[route->trunk_count++] = trunk;
		else
			conf_value_mistake(reader, value,
					   "there is no realm and no trunk "
					   "\"%s\"",
					   value->text);
	}
}

static bool is_number(const char *text)
{
	if (*text == '+')
		text++;
	return *text != '\0' && text[strspn(text, "0123456789*#")] == '\0';
}

static void build_numbers(struct conf_part *part, struct conf_route *route)
{
	struct conf_reader *reader = part->reader;
	const struct conf_value *prefix = conf_part_value(part, "prefix");

	conf_part_texts(part, "number", &route->numbers);
	for (size_t i = 0; i < conf_value_count(part->section, "number"); i++) {
		const struct conf_value *value = conf_value_at(part->section,
							       "number", i);

		if (!is_number(value->text) && strcmp(value->text, "+") != 0)
			conf_value_mistake(reader, value,
					   "\"%s\" is no start of a number",
					   value->text);
	}
	conf_get_number(reader, conf_part_value(part, "strip"), 0, STRIP_MAX,
			&route->strip);
	if (prefix && !is_number(prefix->text) &&
	    strcmp(prefix->text, "+") != 0)
		conf_value_mistake(reader, prefix,
				   "\"%s\" is no start of a number",
				   prefix->text);
	conf_get_text(reader, prefix, &route->prefix);
}

static void build_methods(struct conf_part *part, struct conf_route *route)
{
	conf_part_texts(part, "method", &route->methods);
	for (size_t i = 0; i < conf_value_count(part->section, "method"); i++) {
		const struct conf_value *value = conf_value_at(part->section,
							       "method", i);
		const char *c = value->text;

		while (isupper((unsigned char)*c))
			c++;
		if (*c != '\0' || c == value->text)
			conf_value_mistake(part->reader, value,
					   "\"%s\" is no method (like INVITE)",
					   value->text);
	}
}

/* "carrier", "carrier 1", "carrier 1 70": name, priority, weight. */
static bool get_target(struct conf_reader *reader,
		       const struct conf_value *value, struct conf_target *ret)
{
	struct conf_target target = { .priority = 1, .weight = 1 };
	char name[256], rest[8];
	int words = sscanf(value->text, "%255s %5u %5u %7s", name,
			   &target.priority, &target.weight, rest);

	if (words < 1 || words > 3 || target.priority > WEIGHT_MAX ||
	    target.weight > WEIGHT_MAX ||
	    (words < 3 && strchr(value->text, ' ') && words < 2)) {
		conf_value_mistake(reader, value,
				   "\"%s\" is not NAME, NAME PRIORITY or NAME "
				   "PRIORITY WEIGHT",
				   value->text);
		return false;
	}
	target.trunk = find_trunk(reader->conf, name);
	target.domain = target.trunk == SIZE_MAX ?
				find_domain(reader->conf, name) :
				SIZE_MAX;
	if (target.trunk == SIZE_MAX && target.domain == SIZE_MAX) {
		conf_value_mistake(reader, value, "there is no trunk \"%s\"",
				   name);
		return false;
	}
	*ret = target;
	return true;
}

static void build_targets(struct conf_part *part, struct conf_route *route)
{
	struct conf_reader *reader = part->reader;
	size_t count = conf_value_count(part->section, "to");

	conf_part_needed(part, "to");
	route->targets = conf_array(reader, count, sizeof(*route->targets));
	if (count > CONF_TARGETS_MAX)
		conf_value_mistake(reader, conf_part_value(part, "to"),
				   "more than %d targets", CONF_TARGETS_MAX);
	for (size_t i = 0; i < count && route->targets; i++) {
		const struct conf_value *value = conf_value_at(part->section,
							       "to", i);

		if (!get_target(reader, value,
				&route->targets[route->target_count]))
			continue;
		for (size_t k = 0; k < route->target_count; k++)
			if (route->targets[k].trunk ==
				    route->targets[route->target_count].trunk &&
			    route->targets[k].domain ==
				    route->targets[route->target_count].domain)
				conf_value_mistake(reader, value,
						   "\"%s\" is named twice",
						   value->text);
		route->target_count++;
	}
}

/* "503" or "500-599" */
static bool get_codes(struct conf_reader *reader,
		      const struct conf_value *value, struct port_range *ret)
{
	unsigned first = 0, last = 0;
	char rest[2];
	int words = sscanf(value->text, "%3u-%3u%1s", &first, &last, rest);

	if (words == 1 && strlen(value->text) == 3)
		last = first;
	else if (words != 2)
		first = 0;
	if (first < 300 || last > 699 || first > last) {
		conf_value_mistake(reader, value,
				   "\"%s\" is no status from 300 to 699 and no "
				   "range of them",
				   value->text);
		return false;
	}
	*ret = (struct port_range){ (uint16_t)first, (uint16_t)last };
	return true;
}

static void build_failover(struct conf_part *part, struct conf_route *route)
{
	static const struct port_range otherwise[] = { { 408, 408 },
						       { 500, 599 } };
	struct conf_reader *reader = part->reader;
	size_t count = conf_value_count(part->section, "failover");

	route->failover = conf_array(reader, count + 2,
				     sizeof(*route->failover));
	if (!route->failover)
		return;
	for (size_t i = 0; i < count; i++)
		if (get_codes(reader,
			      conf_value_at(part->section, "failover", i),
			      &route->failover[route->failover_count]))
			route->failover_count++;
	if (count == 0) {
		memcpy(route->failover, otherwise, sizeof(otherwise));
		route->failover_count = 2;
	}
	route->timeout = 0;
	conf_get_number(reader, conf_part_value(part, "timeout"), 1, 180,
			&route->timeout);
}

/* One without any condition is for the host that is its name. */
static void build_domain(struct conf_part *part, struct conf_route *route)
{
	conf_get_text(part->reader, conf_part_value(part, "domain"),
		      &route->domain);
	if (route->domain || route->realm_count || route->trunk_count ||
	    route->numbers.count || route->methods.count || !route->name ||
	    strcmp(route->name, "default") == 0)
		return;
	route->domain = strdup(route->name);
	if (!route->domain)
		part->reader->mistakes.no_memory = true;
}

/* A setting of the top level. */
static void build_emergency(struct conf_reader *reader)
{
	struct conf_part top = { reader, reader->root, NULL };

	conf_part_texts(&top, "emergency", &reader->conf->emergency);
	for (size_t i = 0; i < conf_value_count(reader->root, "emergency");
	     i++) {
		const struct conf_value *value = conf_value_at(reader->root,
							       "emergency", i);

		if (!is_number(value->text))
			conf_value_mistake(reader, value, "\"%s\" is no number",
					   value->text);
	}
}

void conf_build_routes(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "route");

	build_emergency(reader);
	conf->routes = conf_array(reader, count, sizeof(*conf->routes));
	for (size_t i = 0; i < count && conf->routes; i++) {
		struct conf_route *route = &conf->routes[i];
		struct conf_part part = conf_part_of(reader, "route", i);

		conf_part_name(&part, &route->name, &route->line);
		conf->route_count++;
		build_from(&part, route);
		build_numbers(&part, route);
		build_methods(&part, route);
		build_domain(&part, route);
		build_targets(&part, route);
		build_failover(&part, route);
	}
}

static void free_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void conf_free_routes(struct conf *conf)
{
	for (size_t i = 0; i < conf->route_count; i++) {
		struct conf_route *route = &conf->routes[i];

		free(route->name);
		free(route->realms);
		free(route->trunks);
		free(route->domain);
		free_list(&route->numbers);
		free_list(&route->methods);
		free(route->prefix);
		free(route->targets);
		free(route->failover);
	}
	free(conf->routes);
	free_list(&conf->emergency);
}
