/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of a configuration to structs. */
#include "config.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/conf_parts.h"

#define HOLD_DOWN_MAX 86400
#define ANNOUNCE_MAX  86400
#define NUMBER_MAX    2000000000
/* As a preference of ip rules they stand between the local and main table. */
#define ROUTING_TABLE_MIN 256
#define ROUTING_TABLE_MAX 32000

/* A section that is being read. */
struct part {
	struct conf_reader *reader;
	cfg_t *section;
	const struct conf_section *place;
};

static struct part part_of(struct conf_reader *reader, const char *type,
			   size_t i)
{
	cfg_t *section = cfg_getnsec(reader->root, type, (unsigned)i);

	return (struct part){ reader, section,
			      conf_section_of(reader, section, i) };
}

static void name_of(struct part *part, char **ret_name, unsigned *ret_line)
{
	*ret_name = strdup(part->place->title);
	if (!*ret_name)
		part->reader->mistakes.no_memory = true;
	*ret_line = part->place->line;
}

static const struct conf_value *value(const struct part *part, const char *name)
{
	return conf_value(part->section, name);
}

static const struct conf_value *needed(const struct part *part,
				       const char *name)
{
	return conf_value_needed(part->reader, part->place, part->section,
				 name);
}

static void get_texts(const struct part *part, const char *name,
		      struct conf_list *ret)
{
	size_t count = conf_value_count(part->section, name);

	ret->items = conf_array(part->reader, count, sizeof(*ret->items));
	for (size_t i = 0; i < count && ret->items; i++)
		if (conf_get_text(part->reader,
				  conf_value_at(part->section, name, i),
				  &ret->items[ret->count]))
			ret->count++;
}

static void get_realms(const struct part *part, const char *name,
		       realm_id **ret, size_t *ret_count)
{
	size_t count = conf_value_count(part->section, name);

	*ret = conf_array(part->reader, count, sizeof(**ret));
	for (size_t i = 0; i < count && *ret; i++)
		if (conf_get_realm(part->reader,
				   conf_value_at(part->section, name, i),
				   &(*ret)[*ret_count]))
			++*ret_count;
}

static void get_prefixes(const struct part *part, const char *name,
			 struct ip_prefix **ret, size_t *ret_count)
{
	size_t count = conf_value_count(part->section, name);

	*ret = conf_array(part->reader, count, sizeof(**ret));
	for (size_t i = 0; i < count && *ret; i++)
		if (conf_get_prefix(part->reader,
				    conf_value_at(part->section, name, i),
				    &(*ret)[*ret_count]))
			++*ret_count;
}

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
		struct part part = part_of(reader, "realm", i);

		name_of(&part, &realm->name, &realm->line);
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
	static const char *const source[] = { "address", "endpoint", "any",
					      NULL };
	struct conf_realm *realm = &reader->conf->realms[i];
	struct part part = part_of(reader, "realm", i);
	unsigned word = CONF_MEDIA_AUTO, port = 1024;

	get_texts(&part, "interface", &realm->interfaces);
	get_prefixes(&part, "networks", &realm->networks,
		     &realm->network_count);
	get_realms(&part, "reaches", &realm->reaches, &realm->reach_count);
	conf_get_word(reader, value(&part, "media"), media, &word);
	realm->media = word;
	word = CONF_SOURCE_ADDRESS;
	conf_get_word(reader, value(&part, "source"), source, &word);
	realm->source = word;
	conf_get_number(reader, value(&part, "media_port_min"), 1, UINT16_MAX,
			&port);
	realm->media_port_min = (uint16_t)port;
	realm->hold_down = 60;
	conf_get_number(reader, value(&part, "hold_down"), 0, HOLD_DOWN_MAX,
			&realm->hold_down);
	conf_get_addr(reader, value(&part, "gateway"), &realm->gateway);
	conf_build_dynamic(reader, part.section, realm);
}

static void build_pool(struct conf_reader *reader, const struct part *part,
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
		struct part part = part_of(reader, "realm", i);

		if (conf_value_count(part.section, "pool") == 0)
			continue;
		name_of(&part, &pool->name, &pool->line);
		pool->realm = (realm_id)i;
		build_pool(reader, &part, "pool", pool);
		conf->pool_count++;
	}
	for (size_t i = 0; i < named; i++) {
		struct conf_pool *pool = &conf->pools[conf->pool_count];
		struct part part = part_of(reader, "pool", i);

		name_of(&part, &pool->name, &pool->line);
		pool->named = true;
		pool->realm = REALM_NONE;
		conf_get_realm(reader, needed(&part, "realm"), &pool->realm);
		needed(&part, "endpoints");
		conf_get_bool(reader, value(&part, "dynamic"), &pool->dynamic);
		build_pool(reader, &part, "endpoints", pool);
		conf->pool_count++;
	}
}

static void build_listens(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "listen");

	conf->listens = conf_array(reader, count, sizeof(*conf->listens));
	if (!conf->listens)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_listen *listen = &conf->listens[i];
		struct part part = part_of(reader, "listen", i);

		name_of(&part, &listen->name, &listen->line);
		listen->realm = REALM_NONE;
		conf_get_realm(reader, needed(&part, "realm"), &listen->realm);
		conf_get_endpoint(reader, needed(&part, "udp"), &listen->udp);
		listen->udp.realm = listen->realm;
		conf->listen_count++;
	}
}

static void build_domains(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "domain");

	conf->domains = conf_array(reader, count, sizeof(*conf->domains));
	if (!conf->domains)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_domain *domain = &conf->domains[i];
		struct part part = part_of(reader, "domain", i);

		name_of(&part, &domain->name, &domain->line);
		for (char *c = domain->name; c && *c; c++)
			*c = (char)tolower((unsigned char)*c);
		conf_get_text(reader, needed(&part, "users"), &domain->users);
		conf->domain_count++;
	}
}

/* An address, or a name of the DNS. */
static bool is_host(const char *text)
{
	size_t len = strlen(text), label = 0;
	struct ip_addr addr;

	if (ip_addr_parse(text, len, &addr) == 0)
		return true;
	if (len == 0 || len > 253 || strspn(text, "0123456789.") == len)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_dot = text[i] == '.';

		if (!is_dot && !isalnum((unsigned char)text[i]) &&
		    text[i] != '-')
			return false;
		if ((is_dot && label == 0) || label > 63)
			return false;
		label = is_dot ? 0 : label + 1;
	}
	return true;
}

static void build_trunks(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "trunk");

	conf->trunks = conf_array(reader, count, sizeof(*conf->trunks));
	if (!conf->trunks)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_trunk *trunk = &conf->trunks[i];
		struct part part = part_of(reader, "trunk", i);
		const struct conf_value *host = needed(&part, "host");
		unsigned port = 5060;

		name_of(&part, &trunk->name, &trunk->line);
		trunk->realm = REALM_NONE;
		conf_get_realm(reader, needed(&part, "realm"), &trunk->realm);
		if (host && !is_host(host->text))
			conf_value_mistake(reader, host,
					   "\"%s\" is no address and no name "
					   "of a host",
					   host->text);
		conf_get_text(reader, host, &trunk->host);
		conf_get_number(reader, value(&part, "port"), 1, UINT16_MAX,
				&port);
		trunk->port = (uint16_t)port;
		conf->trunk_count++;
	}
}

static void build_routes(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "route");

	conf->routes = conf_array(reader, count, sizeof(*conf->routes));
	if (!conf->routes)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_route *route = &conf->routes[i];
		struct part part = part_of(reader, "route", i);
		const struct conf_value *to = needed(&part, "to");

		name_of(&part, &route->name, &route->line);
		conf->route_count++;
		for (route->trunk = 0; to && route->trunk < conf->trunk_count;
		     route->trunk++)
			if (strcmp(conf->trunks[route->trunk].name, to->text) ==
			    0)
				break;
		if (to && route->trunk == conf->trunk_count)
			conf_value_mistake(reader, to,
					   "there is no trunk \"%s\"",
					   to->text);
	}
}

static void get_match(struct conf_reader *reader, const struct conf_value *text,
		      struct conf_media_rule *rule)
{
	struct conf_range range;

	if (!text || !conf_get_range(reader, text, true, &range))
		return;
	rule->match = range.prefix;
	if (range.ports.first == range.ports.last)
		rule->match_port = range.ports.first;
	else if (range.ports.first != 1 || range.ports.last != UINT16_MAX)
		conf_value_mistake(reader, text,
				   "\"%s\": match takes one port or none",
				   text->text);
}

static void build_media(struct conf_reader *reader)
{
	static const char *const modes[] = { "preferred", "strict", NULL };
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "media");

	conf->media = conf_array(reader, count, sizeof(*conf->media));
	if (!conf->media)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_media_rule *rule = &conf->media[i];
		struct part part = part_of(reader, "media", i);
		unsigned mode = CONF_MODE_PREFERRED;

		rule->line = part.place->line;
		rule->from = rule->to = REALM_NONE;
		conf_get_realm(reader, needed(&part, "from"), &rule->from);
		conf_get_realm(reader, needed(&part, "to"), &rule->to);
		get_match(reader, value(&part, "match"), rule);
		conf_get_range(reader, value(&part, "outer"), true,
			       &rule->outer);
		conf_get_text(reader, value(&part, "pool"), &rule->pool);
		conf_get_word(reader, value(&part, "mode"), modes, &mode);
		rule->mode = mode;
		conf->media_count++;
	}
}

static void get_uid(struct conf_reader *reader, const struct conf_value *user,
		    uint32_t *ret)
{
	const struct passwd *entry;

	if (!user)
		return;
	if (*user->text >= '0' && *user->text <= '9') {
		conf_get_number(reader, user, 0, NUMBER_MAX, ret);
		return;
	}
	entry = getpwnam(user->text);
	if (entry)
		*ret = entry->pw_uid;
	else
		conf_value_mistake(reader, user,
				   "there is no user \"%s\" on this machine",
				   user->text);
}

static void get_kinds(const struct part *part, bool kinds[3])
{
	static const char *const words[] = { "both", "terminating",
					     "originating", NULL };
	size_t count = conf_value_count(part->section, "kinds");
	unsigned kind;

	for (size_t i = 0; i < 3; i++)
		kinds[i] = count == 0;
	for (size_t i = 0; i < count; i++)
		if (conf_get_word(part->reader,
				  conf_value_at(part->section, "kinds", i),
				  words, &kind))
			kinds[kind] = true;
}

/* The pool of a value; NULL with a mistake noted. */
static const struct conf_pool *find_pool(struct conf_reader *reader,
					 const struct conf_value *name)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].name &&
		    strcmp(conf->pools[i].name, name->text) == 0)
			return &conf->pools[i];
	conf_value_mistake(reader, name, "there is no pool \"%s\"", name->text);
	return NULL;
}

/* What it may ask for: the ranges of `outer`, and those of `pools`. */
static void get_outer(const struct part *part, struct conf_client *client)
{
	struct conf_reader *reader = part->reader;
	size_t outer = conf_value_count(part->section, "outer");
	size_t pools = conf_value_count(part->section, "pools");
	size_t room = outer;
	struct conf_range *to;

	for (size_t i = 0; i < reader->conf->pool_count && pools > 0; i++)
		room += reader->conf->pools[i].range_count * pools;
	to = client->outer = conf_array(reader, room, sizeof(*to));
	for (size_t i = 0; i < outer && to; i++)
		if (conf_get_range(reader,
				   conf_value_at(part->section, "outer", i),
				   true, to))
			to++;
	for (size_t i = 0; i < pools && to; i++) {
		const struct conf_pool *pool =
			find_pool(reader,
				  conf_value_at(part->section, "pools", i));

		for (size_t k = 0; pool && k < pool->range_count; k++)
			*to++ = pool->ranges[k];
	}
	client->outer_count = (size_t)(to - client->outer);
}

static void build_clients(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "client");

	conf->clients = conf_array(reader, count, sizeof(*conf->clients));
	if (!conf->clients)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_client *client = &conf->clients[i];
		struct part part = part_of(reader, "client", i);

		name_of(&part, &client->name, &client->line);
		client->uid = UINT32_MAX;
		get_uid(reader, needed(&part, "user"), &client->uid);
		get_realms(&part, "realms", &client->realms,
			   &client->realm_count);
		needed(&part, "realms");
		conf_get_bool(reader, value(&part, "third_party"),
			      &client->third_party);
		get_kinds(&part, client->kinds);
		get_outer(&part, client);
		conf_get_number(reader, value(&part, "max_leases"), 1,
				NUMBER_MAX, &client->max_leases);
		conf_get_number(reader, value(&part, "max_lifetime"), 1,
				NUMBER_MAX, &client->max_lifetime);
		conf->client_count++;
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
	if (user && *user->text != '\0')
		conf_get_text(reader, user, &reader->conf->user);
	reader->conf->announce_time = 60;
	conf_get_number(reader, conf_value(reader->root, "announce_time"), 0,
			ANNOUNCE_MAX, &reader->conf->announce_time);
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
		build_top,     build_realm_names,  build_realms,
		build_pools,   build_listens,      build_domains,
		build_trunks,  build_routes,       build_media,
		build_clients, conf_build_statics,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!reader->mistakes.no_memory)
			steps[i](reader);
}
