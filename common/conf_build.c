/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of a configuration to structs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/conf_parts.h"

#define HOLD_DOWN_MAX     86400
#define ANNOUNCE_MAX      86400
#define RING_MAX          3600
#define MEDIA_TIMEOUT_MAX 3600 /* seconds */
#define DSCP_MAX          63
/* As a preference of ip rules they stand between the local and main table. */
#define ROUTING_TABLE_MIN 256
#define ROUTING_TABLE_MAX 32000

static void build_realm_names(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "realm");
	const char **names;

	conf->realms = conf_array(reader, count, sizeof(*conf->realms));
	names = conf_array(reader, count, sizeof(*names));
	conf->names.names = names;
	if (!conf->realms || !names)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_realm *realm = &conf->realms[i];
		struct conf_part part = conf_part_of(reader, "realm", i);

		conf_part_name(&part, &realm->name, &realm->line);
		realm->id = (realm_id)i;
		if (!realm->name)
			return;
		names[i] = realm->name;
		conf->realm_count = conf->names.count = i + 1;
		if (strlen(realm->name) >= REALM_NAME_MAX)
			conf_mistake_add(&reader->mistakes, part.place->path,
					 realm->line,
					 "realm %s: its name is longer than %d",
					 realm->name, REALM_NAME_MAX - 1);
		if (i == REALM_MAX)
			conf_mistake_add(&reader->mistakes, part.place->path,
					 realm->line, "more than %d realms",
					 REALM_MAX);
	}
}

static void build_realm(struct conf_reader *reader, size_t i)
{
	static const char *const media[] = { "auto", "force", NULL };
	struct conf_realm *realm = &reader->conf->realms[i];
	struct conf_part part = conf_part_of(reader, "realm", i);
	unsigned word = CONF_MEDIA_AUTO, port = 1024, dscp = 0;
	bool trust = false;

	conf_part_texts(&part, "interface", &realm->interfaces);
	conf_part_prefixes(&part, "networks", &realm->networks,
			   &realm->network_count);
	conf_part_realms(&part, "reaches", &realm->reaches,
			 &realm->reach_count);
	conf_get_word(reader, conf_part_value(&part, "media"), media, &word);
	realm->media = word;
	if (conf_get_bool(reader, conf_part_value(&part, "trust"), &trust))
		realm->trust = trust ? CONF_TRUST_YES : CONF_TRUST_NO;
	conf_build_source(&part, realm);
	conf_get_number(reader, conf_part_value(&part, "media_port_min"), 1,
			UINT16_MAX, &port);
	realm->media_port_min = (uint16_t)port;
	realm->hold_down = 60;
	conf_get_number(reader, conf_part_value(&part, "hold_down"), 0,
			HOLD_DOWN_MAX, &realm->hold_down);
	conf_get_addr(reader, conf_part_value(&part, "gateway"),
		      &realm->gateway);
	realm->sets_dscp = conf_get_number(reader,
					   conf_part_value(&part, "dscp"), 0,
					   DSCP_MAX, &dscp);
	realm->dscp = (uint8_t)dscp;
	conf_build_dynamic(reader, part.section, realm);
	conf_build_limit(&part, &realm->limit);
}

static void build_pool(struct conf_reader *reader, const struct conf_part *part,
		       const char *setting, struct conf_pool *pool)
{
	size_t count = conf_value_count(part->section, setting);
	size_t place = reader->conf->pool_count;

	pool->ranges = conf_array(reader, count, sizeof(*pool->ranges));
	for (size_t i = 0; i < count && pool->ranges; i++) {
		const struct conf_value *text = conf_value_at(part->section,
							      setting, i);
		struct conf_placed_range *placed;

		if (!conf_get_range(reader, text, false,
				    &pool->ranges[pool->range_count]))
			continue;
		placed = reallocarray(reader->placed, reader->placed_count + 1,
				      sizeof(*placed));
		if (!placed) {
			reader->mistakes.no_memory = true;
			return;
		}
		reader->placed = placed;
		placed[reader->placed_count++] = (struct conf_placed_range){
			text, place, pool->ranges[pool->range_count]
		};
		pool->range_count++;
	}
}

static void build_pools(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t named = cfg_size(reader->root, "pool");

	conf->pools = conf_array(reader, conf->realm_count + named,
				 sizeof(*conf->pools));
	if (!conf->pools)
		return;
	for (size_t i = 0; i < conf->realm_count; i++) {
		struct conf_pool *pool = &conf->pools[conf->pool_count];
		struct conf_part part = conf_part_of(reader, "realm", i);

		if (conf_value_count(part.section, "pool") == 0)
			continue;
		conf_part_name(&part, &pool->name, &pool->line);
		pool->realm = (realm_id)i;
		build_pool(reader, &part, "pool", pool);
		conf->pool_count++;
	}
	for (size_t i = 0; i < named; i++) {
		struct conf_pool *pool = &conf->pools[conf->pool_count];
		struct conf_part part = conf_part_of(reader, "pool", i);

		conf_part_name(&part, &pool->name, &pool->line);
		pool->named = true;
		pool->realm = REALM_NONE;
		conf_get_realm(reader, conf_part_needed(&part, "realm"),
			       &pool->realm);
		conf_part_needed(&part, "endpoints");
		conf_get_bool(reader, conf_part_value(&part, "dynamic"),
			      &pool->dynamic);
		build_pool(reader, &part, "endpoints", pool);
		conf->pool_count++;
	}
}

/* A setting of the top level, or what stands for it when it is not there. */
static void build_text(struct conf_reader *reader, const char *name,
		       const char *otherwise, char **ret)
{
	if (conf_get_text(reader, conf_value(reader->root, name), ret))
		return;
	*ret = strdup(otherwise);
	if (!*ret)
		reader->mistakes.no_memory = true;
}

static void build_top(struct conf_reader *reader)
{
	static const char *const answers[] = { "no", "yes", NULL };
	const struct conf_value *user = conf_value(reader->root, "user");
	unsigned answer = 1;

	build_text(reader, "rundir", "/run/viaduct", &reader->conf->rundir);
	build_text(reader, "tun", "viaduct", &reader->conf->tun);
	build_text(reader, "table", "viaduct", &reader->conf->table);
	conf_get_word(reader, conf_value(reader->root, "fastpath"), answers,
		      &answer);
	reader->conf->fastpath = answer == 1;
	conf_get_number(reader, conf_value(reader->root, "workers"), 1,
			CONF_WORKERS_MAX, &reader->conf->workers);
	if (user && *user->text != '\0')
		conf_get_text(reader, user, &reader->conf->user);
	conf_get_number(reader, conf_value(reader->root, "media_timeout"), 0,
			MEDIA_TIMEOUT_MAX, &reader->conf->media_timeout);
	reader->conf->pool_alarm = 90;
	conf_get_number(reader, conf_value(reader->root, "pool_alarm"), 1, 99,
			&reader->conf->pool_alarm);
	reader->conf->announce_time = 60;
	conf_get_number(reader, conf_value(reader->root, "announce_time"), 0,
			ANNOUNCE_MAX, &reader->conf->announce_time);
	reader->conf->ring_time = 185;
	conf_get_number(reader, conf_value(reader->root, "ring_time"), 1,
			RING_MAX, &reader->conf->ring_time);
	reader->conf->routing_table = 8610;
	conf_get_number(reader, conf_value(reader->root, "routing_table"),
			ROUTING_TABLE_MIN, ROUTING_TABLE_MAX,
			&reader->conf->routing_table);
}

static void build_realms(struct conf_reader *reader)
{
	for (size_t i = 0; i < reader->conf->realm_count; i++)
		build_realm(reader, i);
}

void conf_build(struct conf_reader *reader)
{
	/* Each may look at what those before it have built. */
	static void (*const steps[])(struct conf_reader *) = {
		build_top,
		build_realm_names,
		build_realms,
		build_pools,
		conf_build_listens,
		conf_build_domains,
		conf_build_resolvers,
		conf_build_trunks,
		conf_build_routes,
		conf_build_media,
		conf_build_clients,
		conf_build_controls,
		conf_build_statics,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!reader->mistakes.no_memory)
			steps[i](reader);
}
