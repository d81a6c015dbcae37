/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel and its clients to structs. */
#include "config.h"

#include <pwd.h>
#include <string.h>

#include "common/conf_parts.h"
#include "common/table.h"

#define NUMBER_MAX      2000000000
#define CONNECTIONS_MAX 1024
#define HANDSHAKE_MAX   60
#define IDLE_MIN        1
#define IDLE_MAX        86400
#define IDENTITY_SEED   UINT64_C(0x76696164756374) /* the same for ever */
#define IDENTITY_GUEST  (UINT64_C(1) << 63)

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

static void get_kinds(const struct conf_part *part, bool kinds[3])
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
static void get_outer(const struct conf_part *part, struct conf_client *client)
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

/* Whose section it is: a user's, or that of guests. */
static void get_identity(const struct conf_part *part,
			 struct conf_client *client)
{
	const struct conf_value *user = conf_part_value(part, "user");
	const struct conf_value *certificate = conf_part_value(part,
							       "certificate");
	const struct conf_value *source = conf_part_value(part, "source");

	client->uid = UINT32_MAX;
	get_uid(part->reader, user, &client->uid);
	conf_get_text(part->reader, certificate, &client->certificate);
	conf_get_prefix(part->reader, source, &client->source);
	if (client->name)
		client->identity = hash_bytes(client->name,
					      strlen(client->name),
					      IDENTITY_SEED) |
				   IDENTITY_GUEST;
	if (certificate && *certificate->text == '\0')
		conf_value_mistake(part->reader, certificate,
				   "a certificate has no empty name");
	if (user && (certificate || source))
		conf_value_mistake(part->reader, user,
				   "client %s is either a user or comes over "
				   "TLS",
				   part->place->title);
	if (!user && !certificate && !source)
		conf_mistake_add(&part->reader->mistakes, part->place->path,
				 part->place->line,
				 "client %s: none of user, certificate and "
				 "source is set",
				 part->place->title);
}

static void get_limits(const struct conf_part *part, struct conf_client *client)
{
	struct conf_reader *reader = part->reader;

	client->max_connections = CONF_CONNECTIONS;
	client->max_asks = CONF_ASKS;
	conf_get_number(reader, conf_part_value(part, "max_leases"), 1,
			NUMBER_MAX, &client->max_leases);
	conf_get_number(reader, conf_part_value(part, "max_lifetime"), 1,
			NUMBER_MAX, &client->max_lifetime);
	conf_get_number(reader, conf_part_value(part, "max_connections"), 1,
			CONNECTIONS_MAX, &client->max_connections);
	conf_get_number(reader, conf_part_value(part, "max_asks"), 1,
			NUMBER_MAX, &client->max_asks);
}

void conf_build_clients(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "client");

	conf->clients = conf_array(reader, count, sizeof(*conf->clients));
	if (!conf->clients)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_client *client = &conf->clients[i];
		struct conf_part part = conf_part_of(reader, "client", i);

		conf_part_name(&part, &client->name, &client->line);
		get_identity(&part, client);
		conf_part_realms(&part, "realms", &client->realms,
				 &client->realm_count);
		conf_part_needed(&part, "realms");
		conf_get_bool(reader, conf_part_value(&part, "third_party"),
			      &client->third_party);
		get_kinds(&part, client->kinds);
		get_outer(&part, client);
		get_limits(&part, client);
		conf->client_count++;
	}
}

void conf_build_controls(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "control");

	conf->controls = conf_array(reader, count, sizeof(*conf->controls));
	if (!conf->controls)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_control *control = &conf->controls[i];
		struct conf_part part = conf_part_of(reader, "control", i);

		conf_part_name(&part, &control->name, &control->line);
		control->realm = REALM_NONE;
		conf_get_realm(reader, conf_part_needed(&part, "realm"),
			       &control->realm);
		conf_get_endpoint(reader, conf_part_needed(&part, "tls"),
				  &control->tls);
		control->tls.realm = control->realm;
		conf_get_text(reader, conf_part_needed(&part, "certificate"),
			      &control->certificate);
		conf_get_text(reader, conf_part_needed(&part, "key"),
			      &control->key);
		conf_get_text(reader, conf_part_needed(&part, "ca"),
			      &control->ca);
		control->idle = 3600;
		conf_get_number(reader, conf_part_value(&part, "idle"),
				IDLE_MIN, IDLE_MAX, &control->idle);
		control->handshake = 10;
		conf_get_number(reader, conf_part_value(&part, "handshake"), 1,
				HANDSHAKE_MAX, &control->handshake);
		conf->control_count++;
	}
}
