/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a configuration's pools relate, and what asks for them. */
#include "config.h"

#include <string.h>

#include "common/conf_parts.h"

static bool ranges_overlap(const struct conf_range *a,
			   const struct conf_range *b)
{
	return ip_prefix_overlaps(&a->prefix, &b->prefix) &&
	       a->ports.first <= b->ports.last &&
	       b->ports.first <= a->ports.last;
}

static void check_range(struct conf_reader *reader,
			const struct conf_placed_range *placed)
{
	const struct ip_addr *addr = &placed->range.prefix.addr;
	const struct port_range *ports = &placed->range.ports;

	if (ip_addr_is_any(addr) || ip_addr_is_multicast(addr) ||
	    ip_addr_is_broadcast(addr))
		conf_value_mistake(reader, placed->value,
				   "\"%s\" holds addresses that no host has",
				   placed->value->text);
	else if (ports->first != ports->last &&
		 (ports->first % 2 != 0 || ports->last % 2 == 0))
		conf_note_add(&reader->mistakes, placed->value->path,
			      placed->value->line,
			      "\"%s\" does not go from an even port to an odd "
			      "one: the port at its end fits no RTP/RTCP pair",
			      placed->value->text);
}

/* Who reaches the pool's realm must not take the range for its own. */
static void check_hidden(struct conf_reader *reader,
			 const struct conf_placed_range *placed)
{
	const struct conf *conf = reader->conf;
	realm_id realm = conf->pools[placed->pool].realm;

	for (size_t i = 0; i < conf->realm_count; i++) {
		const struct conf_realm *other = &conf->realms[i];

		if (!conf_reaches(conf, other->id, realm))
			continue;
		for (size_t k = 0; k < other->network_count; k++)
			if (ip_prefix_overlaps(&other->networks[k],
					       &placed->range.prefix))
				conf_note_add(&reader->mistakes,
					      placed->value->path,
					      placed->value->line,
					      "\"%s\" is in a network of realm "
					      "%s, which reaches this one: not "
					      "found from there",
					      placed->value->text, other->name);
	}
}

void conf_check_pools(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < reader->placed_count; i++) {
		const struct conf_placed_range *own = &reader->placed[i];
		const struct conf_pool *pool = &conf->pools[own->pool];

		check_range(reader, own);
		check_hidden(reader, own);
		for (size_t k = 0; k < i && pool->realm != REALM_NONE; k++) {
			const struct conf_placed_range *other =
				&reader->placed[k];
			const struct conf_pool *other_pool =
				&conf->pools[other->pool];

			if (other_pool->realm != REALM_NONE &&
			    ranges_overlap(&own->range, &other->range) &&
			    conf_seen_together(conf, pool->realm,
					       other_pool->realm))
				conf_value_mistake(
					reader, own->value,
					"\"%s\" overlaps \"%s\" of pool %s",
					own->value->text, other->value->text,
					other_pool->name);
		}
	}
	for (size_t i = 0; i < conf->pool_count; i++)
		for (size_t k = 0; k < i && conf->pools[i].named; k++)
			if (!conf->pools[k].named &&
			    strcmp(conf->pools[i].name, conf->pools[k].name) ==
				    0)
				conf_mistake_add(
					&reader->mistakes, conf->path,
					conf->pools[i].line,
					"pool %s has the name of the pool of "
					"realm %s",
					conf->pools[i].name,
					conf->pools[k].name);
}

static const struct conf_pool *find_pool(const struct conf *conf,
					 const char *name)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (strcmp(conf->pools[i].name, name) == 0)
			return &conf->pools[i];
	return NULL;
}

static bool is_in_some_pool(const struct conf *conf, realm_id realm,
			    const struct conf_range *range)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		for (size_t k = 0; k < conf->pools[i].range_count; k++)
			if (conf->pools[i].realm == realm &&
			    ranges_overlap(&conf->pools[i].ranges[k], range))
				return true;
	return false;
}

static void check_media_outer(struct conf_reader *reader, size_t i,
			      const struct conf_value *outer,
			      const struct conf_value *pool_name)
{
	const struct conf *conf = reader->conf;
	const struct conf_media_rule *rule = &conf->media[i];
	const struct conf_pool *pool;

	if (outer && rule->outer.prefix.addr.family != IP_NONE &&
	    rule->to != REALM_NONE &&
	    !is_in_some_pool(conf, rule->to, &rule->outer))
		conf_value_mistake(reader, outer,
				   "\"%s\" is in no pool of realm %s",
				   outer->text, conf->realms[rule->to].name);
	if (!pool_name)
		return;
	pool = find_pool(conf, pool_name->text);
	if (!pool)
		conf_value_mistake(reader, pool_name, "there is no pool \"%s\"",
				   pool_name->text);
	else if (pool->realm != rule->to && rule->to != REALM_NONE &&
		 pool->realm != REALM_NONE)
		conf_value_mistake(reader, pool_name,
				   "pool \"%s\" is one of realm %s, not of %s",
				   pool_name->text,
				   conf->realms[pool->realm].name,
				   conf->realms[rule->to].name);
}

void conf_check_media(struct conf_reader *reader)
{
	for (size_t i = 0; i < reader->conf->media_count; i++) {
		const struct conf_media_rule *rule = &reader->conf->media[i];
		cfg_t *section = conf_section_at(reader, "media", i);
		const struct conf_value *outer = conf_value(section, "outer");
		const struct conf_value *pool = conf_value(section, "pool");

		if (!outer && !pool)
			conf_section_mistake(
				reader, "media", i,
				"media: neither outer nor pool is set");
		if (outer && pool)
			conf_section_mistake(
				reader, "media", i,
				"media: outer and pool are both set");
		if (rule->from != REALM_NONE && rule->from == rule->to)
			conf_section_mistake(reader, "media", i,
					     "media: from and to are one realm");
		check_media_outer(reader, i, outer, pool);
	}
}
