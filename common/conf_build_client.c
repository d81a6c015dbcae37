/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of the control channel to structs. */
#include "config.h"

#include <pwd.h>
#include <string.h>

#include "common/conf_parts.h"

#define NUMBER_MAX 2000000000

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
		client->uid = UINT32_MAX;
		get_uid(reader, conf_part_needed(&part, "user"), &client->uid);
		conf_part_realms(&part, "realms", &client->realms,
				 &client->realm_count);
		conf_part_needed(&part, "realms");
		conf_get_bool(reader, conf_part_value(&part, "third_party"),
			      &client->third_party);
		get_kinds(&part, client->kinds);
		get_outer(&part, client);
		conf_get_number(reader, conf_part_value(&part, "max_leases"), 1,
				NUMBER_MAX, &client->max_leases);
		conf_get_number(reader, conf_part_value(&part, "max_lifetime"),
				1, NUMBER_MAX, &client->max_lifetime);
		conf->client_count++;
	}
}
