/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections static of a configuration: entries of the administrator. */
#include "config.h"

#include <errno.h>

#include "common/conf_parts.h"

#define SECTION "static"

static const struct conf_value *value(const struct conf_reader *reader,
				      size_t i, const char *name)
{
	return conf_value(conf_section_at(reader, SECTION, i), name);
}

static const struct conf_value *needed(struct conf_reader *reader, size_t i,
				       const char *name)
{
	cfg_t *section = conf_section_at(reader, SECTION, i);

	return conf_value_needed(reader, conf_section_of(reader, section, i),
				 section, name);
}

/* "10.0.0.5:80@inside" */
static void get_inner(struct conf_reader *reader, const struct conf_value *text,
		      struct endpoint *ret)
{
	struct endpoint endpoint = { .realm = REALM_NONE };
	int rc = text ? endpoint_parse(text->text, &reader->conf->names,
				       &endpoint) :
			0;

	if (rc == 0)
		*ret = endpoint;
	else
		conf_value_mistake(reader, text,
				   rc == -ENOENT ?
					   "\"%s\": there is no such realm" :
					   "\"%s\" is no ADDRESS:PORT@REALM",
				   text->text);
}

static void build_static(struct conf_reader *reader, size_t i,
			 struct conf_static *entry)
{
	static const char *const protocols[] = { "udp", "tcp", NULL };
	static const char *const kinds[] = { "both", "terminating",
					     "originating", NULL };
	unsigned ports = 1, word = 0;

	entry->line = conf_section_of(reader,
				      conf_section_at(reader, SECTION, i), i)
			      ->line;
	entry->inner.realm = REALM_NONE;
	get_inner(reader, needed(reader, i, "inner"), &entry->inner);
	conf_get_endpoint(reader, needed(reader, i, "outer"), &entry->outer);
	entry->outer.realm = REALM_NONE;
	conf_get_realm(reader, needed(reader, i, "realm"), &entry->outer.realm);
	conf_get_word(reader, needed(reader, i, "protocol"), protocols, &word);
	entry->protocol = word == 1 ? RULE_TCP : RULE_UDP;
	conf_get_number(reader, value(reader, i, "ports"), 1, RULE_PORTS_MAX,
			&ports);
	entry->ports = (uint16_t)ports;
	word = RULE_BOTH;
	conf_get_word(reader, value(reader, i, "kind"), kinds, &word);
	entry->kind = (uint8_t)word;
}

void conf_build_statics(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, SECTION);

	conf->statics = conf_array(reader, count, sizeof(*conf->statics));
	if (!conf->statics)
		return;
	for (size_t i = 0; i < count; i++)
		build_static(reader, i, &conf->statics[i]);
	conf->static_count = count;
}

static bool in_range(const struct conf_static *entry,
		     const struct conf_range *range)
{
	return ip_prefix_contains(&range->prefix, &entry->outer.addr) &&
	       entry->outer.port >= range->ports.first &&
	       entry->outer.port + entry->ports - 1u <= range->ports.last;
}

/* All of its ports are in one range of a pool. */
static bool outer_is_owned(const struct conf *conf,
			   const struct conf_static *entry)
{
	for (size_t p = 0; p < conf->pool_count; p++) {
		const struct conf_pool *pool = &conf->pools[p];

		if (pool->realm != entry->outer.realm || pool->dynamic)
			continue;
		for (size_t r = 0; r < pool->range_count; r++)
			if (in_range(entry, &pool->ranges[r]))
				return true;
	}
	return false;
}

static bool any_in_pool(const struct conf *conf,
			const struct conf_static *entry,
			const struct endpoint *endpoint)
{
	for (unsigned i = 0; i < entry->ports; i++)
		if (conf_in_pool(conf, endpoint->realm, &endpoint->addr,
				 (uint16_t)(endpoint->port + i)))
			return true;
	return false;
}

static void check_inner(struct conf_reader *reader, size_t i)
{
	const struct conf *conf = reader->conf;
	const struct conf_static *entry = &conf->statics[i];
	const struct endpoint *inner = &entry->inner;
	const struct conf_value *text = value(reader, i, "inner");

	if (inner->port + entry->ports - 1u > UINT16_MAX)
		conf_value_mistake(reader, text,
				   "\"%s\": %u ports from there on go beyond "
				   "65535",
				   text->text, entry->ports);
	else if (ip_addr_is_any(&inner->addr) ||
		 ip_addr_is_loopback(&inner->addr) ||
		 ip_addr_is_multicast(&inner->addr) ||
		 ip_addr_is_broadcast(&inner->addr))
		conf_value_mistake(reader, text,
				   "\"%s\" is no address of a host in a "
				   "network",
				   text->text);
	else if (conf_realm_of(conf, inner->realm, &inner->addr) !=
		 inner->realm)
		conf_value_mistake(reader, text,
				   "\"%s\" is not in a network of its realm",
				   text->text);
	else if (any_in_pool(conf, entry, inner))
		conf_value_mistake(reader, text,
				   "\"%s\" is in a pool of its realm",
				   text->text);
}

static void check_outer(struct conf_reader *reader, size_t i)
{
	const struct conf *conf = reader->conf;
	const struct conf_static *entry = &conf->statics[i];
	const struct conf_value *text = value(reader, i, "outer");

	if (!outer_is_owned(conf, entry))
		conf_value_mistake(reader, text,
				   "\"%s\", %u ports, is in no pool of realm "
				   "%s",
				   text->text, entry->ports,
				   conf->realms[entry->outer.realm].name);
	if (entry->inner.addr.family != IP_NONE &&
	    entry->inner.addr.family != entry->outer.addr.family)
		conf_value_mistake(reader, text,
				   "\"%s\": IPv4 and IPv6 are mixed",
				   text->text);
}

static bool overlap(const struct conf_static *a, const struct conf_static *b)
{
	return a->protocol == b->protocol && a->outer.realm == b->outer.realm &&
	       ip_addr_equal(&a->outer.addr, &b->outer.addr) &&
	       a->outer.port < b->outer.port + b->ports &&
	       b->outer.port < a->outer.port + a->ports;
}

static void check_others(struct conf_reader *reader, size_t i)
{
	const struct conf *conf = reader->conf;
	const struct conf_value *text = value(reader, i, "outer");

	for (size_t k = 0; k < i; k++)
		if (conf->statics[k].outer.addr.family != IP_NONE &&
		    overlap(&conf->statics[k], &conf->statics[i]))
			conf_value_mistake(reader, text,
					   "\"%s\" is taken by the static "
					   "entry of line %u",
					   text->text, conf->statics[k].line);
}

void conf_check_statics(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	if (conf->static_count > CONF_STATICS_MAX)
		conf_section_mistake(reader, SECTION, CONF_STATICS_MAX,
				     "more than %d static entries",
				     CONF_STATICS_MAX);
	for (size_t i = 0; i < conf->static_count; i++) {
		const struct conf_static *entry = &conf->statics[i];
		bool inner = entry->inner.addr.family != IP_NONE;

		if (inner)
			check_inner(reader, i);
		if (entry->outer.realm == REALM_NONE)
			continue;
		if (inner && entry->inner.realm == entry->outer.realm)
			conf_section_mistake(
				reader, SECTION, i,
				"static: both endpoints are in "
				"realm %s",
				conf->realms[entry->inner.realm].name);
		if (entry->outer.addr.family == IP_NONE)
			continue;
		check_outer(reader, i);
		check_others(reader, i);
	}
}
