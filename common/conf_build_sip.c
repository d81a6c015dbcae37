/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listeners, domains, trunks, routes and media of a configuration to structs. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "common/conf_parts.h"

static void build_certificate(struct conf_part *part, struct conf_tls *tls)
{
	struct conf_reader *reader = part->reader;

	conf_get_text(reader, conf_part_value(part, "certificate"),
		      &tls->certificate);
	conf_get_text(reader, conf_part_value(part, "key"), &tls->key);
	if (tls->key && !tls->certificate)
		conf_part_needed(part, "certificate");
}

static void build_tls(struct conf_part *part, struct conf_tls *tls)
{
	struct conf_reader *reader = part->reader;

	build_certificate(part, tls);
	conf_get_text(reader, conf_part_value(part, "ca"), &tls->ca);
	conf_get_text(reader, conf_part_value(part, "ciphers"), &tls->ciphers);
}

static void build_addresses(struct conf_part *part, struct conf_listen *listen)
{
	struct conf_reader *reader = part->reader;

	conf_get_endpoint(reader, conf_part_value(part, "udp"), &listen->udp);
	conf_get_endpoint(reader, conf_part_value(part, "tcp"), &listen->tcp);
	conf_get_endpoint(reader, conf_part_value(part, "tls"), &listen->tls);
	listen->udp.realm = listen->realm;
	listen->tcp.realm = listen->realm;
	listen->tls.realm = listen->realm;
	if (!conf_part_value(part, "tcp") && !conf_part_value(part, "tls"))
		conf_part_needed(part, "udp");
	if (conf_part_value(part, "tls"))
		conf_part_needed(part, "certificate");
}

static void build_connections(struct conf_part *part,
			      struct conf_listen *listen)
{
	static const char *const words[] = { "no", "ask", "require", NULL };
	struct conf_reader *reader = part->reader;
	unsigned verify = CONF_VERIFY_NO;

	build_tls(part, &listen->files);
	conf_get_word(reader, conf_part_value(part, "verify"), words, &verify);
	listen->verify = verify;
	listen->connections = 10000;
	listen->per_source = 100;
	listen->idle_time = 3900;
	listen->message_time = 10;
	conf_get_number(reader, conf_part_value(part, "connections"), 1, 100000,
			&listen->connections);
	conf_get_number(reader, conf_part_value(part, "per_source"), 1, 100000,
			&listen->per_source);
	conf_get_number(reader, conf_part_value(part, "idle_time"), 10, 86400,
			&listen->idle_time);
	conf_get_number(reader, conf_part_value(part, "message_time"), 1, 300,
			&listen->message_time);
	conf_get_number(reader, conf_part_value(part, "keepalive"), 1, 3600,
			&listen->keepalive);
}

void conf_build_listens(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "listen");

	conf->listens = conf_array(reader, count, sizeof(*conf->listens));
	if (!conf->listens)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_listen *listen = &conf->listens[i];
		struct conf_part part = conf_part_of(reader, "listen", i);

		conf_part_name(&part, &listen->name, &listen->line);
		listen->realm = REALM_NONE;
		conf_get_realm(reader, conf_part_needed(&part, "realm"),
			       &listen->realm);
		build_addresses(&part, listen);
		build_connections(&part, listen);
		conf->listen_count++;
	}
}

void conf_build_domains(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "domain");

	conf->domains = conf_array(reader, count, sizeof(*conf->domains));
	if (!conf->domains)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_domain *domain = &conf->domains[i];
		struct conf_part part = conf_part_of(reader, "domain", i);

		conf_part_name(&part, &domain->name, &domain->line);
		for (char *c = domain->name; c && *c; c++)
			*c = (char)tolower((unsigned char)*c);
		conf_get_text(reader, conf_part_needed(&part, "users"),
			      &domain->users);
		build_certificate(&part, &domain->files);
		conf_build_limit(&part, &domain->limit);
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

/* How a trunk is reached. */
static void build_way(struct conf_part *part, struct conf_trunk *trunk)
{
	static const char *const words[] = { "udp", "tcp", "tls", "auto",
					     NULL };
	struct conf_reader *reader = part->reader;
	unsigned port = 0;

	trunk->transport = CONF_TRANSPORT_AUTO;
	trunk->verify = true;
	conf_get_word(reader, conf_part_value(part, "transport"), words,
		      &trunk->transport);
	trunk->has_port = conf_get_number(reader, conf_part_value(part, "port"),
					  1, UINT16_MAX, &port);
	if (!trunk->has_port)
		port = trunk->transport == CONF_TLS ? 5061 : 5060;
	trunk->port = (uint16_t)port;
	build_tls(part, &trunk->files);
	conf_get_bool(reader, conf_part_value(part, "verify"), &trunk->verify);
}

void conf_build_trunks(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "trunk");

	conf->trunks = conf_array(reader, count, sizeof(*conf->trunks));
	if (!conf->trunks)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_trunk *trunk = &conf->trunks[i];
		struct conf_part part = conf_part_of(reader, "trunk", i);
		const struct conf_value *host = conf_part_needed(&part, "host");

		conf_part_name(&part, &trunk->name, &trunk->line);
		trunk->realm = REALM_NONE;
		conf_get_realm(reader, conf_part_needed(&part, "realm"),
			       &trunk->realm);
		if (host && !is_host(host->text))
			conf_value_mistake(reader, host,
					   "\"%s\" is no address and no name "
					   "of a host",
					   host->text);
		conf_get_text(reader, host, &trunk->host);
		build_way(&part, trunk);
		conf_build_carrier(&part, trunk->host, &trunk->carrier);
		conf->trunk_count++;
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

void conf_build_media(struct conf_reader *reader)
{
	static const char *const modes[] = { "preferred", "strict", NULL };
	struct conf *conf = reader->conf;
	size_t count = cfg_size(reader->root, "media");

	conf->media = conf_array(reader, count, sizeof(*conf->media));
	if (!conf->media)
		return;
	for (size_t i = 0; i < count; i++) {
		struct conf_media_rule *rule = &conf->media[i];
		struct conf_part part = conf_part_of(reader, "media", i);
		unsigned mode = CONF_MODE_PREFERRED;

		rule->line = part.place->line;
		rule->from = rule->to = REALM_NONE;
		conf_get_realm(reader, conf_part_needed(&part, "from"),
			       &rule->from);
		conf_get_realm(reader, conf_part_needed(&part, "to"),
			       &rule->to);
		get_match(reader, conf_part_value(&part, "match"), rule);
		conf_get_range(reader, conf_part_value(&part, "outer"), true,
			       &rule->outer);
		conf_get_text(reader, conf_part_value(&part, "pool"),
			      &rule->pool);
		conf_get_word(reader, conf_part_value(&part, "mode"), modes,
			      &mode);
		rule->mode = mode;
		conf->media_count++;
	}
}

void conf_build_resolvers(struct conf_reader *reader)
{
	struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf_value_count(reader->root, "resolver");
	     i++) {
		const struct conf_value *value = conf_value_at(reader->root,
							       "resolver", i);
		struct endpoint *to = &conf->resolvers[conf->resolver_count];

		if (conf->resolver_count == CONF_RESOLVERS_MAX) {
			conf_value_mistake(reader, value,
					   "more than %d resolvers",
					   CONF_RESOLVERS_MAX);
			return;
		}
		if (!conf_get_endpoint(reader, value, to))
			continue;
		to->realm = REALM_NONE;
		conf->resolver_count++;
	}
}
