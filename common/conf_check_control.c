/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the sections client and control relate to the others. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "common/conf_parts.h"

static bool is_guest(const struct conf_client *client)
{
	return client->certificate || client->source.addr.family != IP_NONE;
}

static bool is_same_guest(const struct conf_client *a,
			  const struct conf_client *b)
{
	if (!is_guest(a) || !is_guest(b) || !a->certificate != !b->certificate)
		return false;
	if (a->certificate && strcasecmp(a->certificate, b->certificate) != 0)
		return false;
	return a->source.addr.family == b->source.addr.family &&
	       (a->source.addr.family == IP_NONE ||
		ip_prefix_equal(&a->source, &b->source));
}

static void check_two(struct conf_reader *reader, size_t i, size_t k)
{
	const struct conf_client *own = &reader->conf->clients[i];
	const struct conf_client *other = &reader->conf->clients[k];

	if (own->uid == other->uid && own->uid != UINT32_MAX)
		conf_section_mistake(reader, "client", i,
				     "client %s is the same user as client %s",
				     own->name, other->name);
	if (is_same_guest(own, other))
		conf_section_mistake(reader, "client", i,
				     "client %s has the same certificate and "
				     "source as client %s",
				     own->name, other->name);
}

void conf_check_clients(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->client_count; i++) {
		const struct conf_section *place = conf_section_of(
			reader, conf_section_at(reader, "client", i), i);

		for (size_t k = 0; k < i; k++)
			check_two(reader, i, k);
		if (is_guest(&conf->clients[i]) && conf->control_count == 0)
			conf_note_add(&reader->mistakes, place->path,
				      place->line,
				      "client %s comes over TLS, and there is "
				      "no section control",
				      conf->clients[i].name);
	}
}

void conf_check_controls(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->control_count; i++) {
		const struct conf_control *own = &conf->controls[i];
		const struct conf_value *value =
			conf_value(conf_section_at(reader, "control", i),
				   "tls");

		if (own->tls.addr.family == IP_NONE)
			continue;
		if (ip_addr_is_any(&own->tls.addr) ||
		    ip_addr_is_multicast(&own->tls.addr) ||
		    ip_addr_is_broadcast(&own->tls.addr))
			conf_value_mistake(reader, value,
					   "\"%s\" is no address of one host",
					   value->text);
		for (size_t k = 0; k < i; k++)
			if (endpoint_equal(&conf->controls[k].tls, &own->tls))
				conf_value_mistake(reader, value,
						   "\"%s\" is also that of "
						   "control %s",
						   value->text,
						   conf->controls[k].name);
		if (own->realm != REALM_NONE &&
		    conf_in_pool(conf, own->realm, &own->tls.addr,
				 own->tls.port))
			conf_value_mistake(reader, value,
					   "\"%s\" is in a pool of realm %s: "
					   "it would not get its packets",
					   value->text,
					   conf->realms[own->realm].name);
	}
}
