/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the parts of a configuration relate. */
#include "config.h"

#include <ctype.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/conf_parts.h"

/* The value of a setting of the top level; NULL where it is the default. */
static const struct conf_value *top(const struct conf_reader *reader,
				    const char *name)
{
	return conf_value(reader->root, name);
}

static void check_rundir(struct conf_reader *reader)
{
	const struct conf_value *value = top(reader, "rundir");
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	if (!value)
		return;
	if (value->text[0] != '/')
		conf_value_mistake(reader, value,
				   "rundir \"%s\" does not start with '/'",
				   value->text);
	/* The longest of the names in it. */
	if (conf_socket_path(reader->conf, "translator.sock", path,
			     sizeof(path)) < 0)
		conf_value_mistake(reader, value,
				   "rundir \"%s\" is too long for a UNIX "
				   "socket in it",
				   value->text);
}

static bool is_device_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (!isgraph((unsigned char)*name) || strchr("/:\"", *name))
			return false;
	return true;
}

static void check_tun(struct conf_reader *reader)
{
	const struct conf_value *value = top(reader, "tun");
	char name[IFNAMSIZ + 16];
	int len;

	if (!value || reader->conf->realm_count == 0)
		return;
	len = snprintf(name, sizeof(name), "%s%zu", value->text,
		       reader->conf->realm_count - 1);
	if (*value->text == '\0' || len < 0 || len >= IFNAMSIZ ||
	    !is_device_name(name))
		conf_value_mistake(reader, value,
				   "tun \"%s\" with the number of a realm is "
				   "no name of a device (at most %d bytes)",
				   value->text, IFNAMSIZ - 1);
}

static void check_table(struct conf_reader *reader)
{
	const struct conf_value *value = top(reader, "table");
	const char *c;

	if (!value)
		return;
	for (c = value->text; isalnum((unsigned char)*c) || *c == '_'; c++)
		;
	if (*c != '\0' || !isalpha((unsigned char)value->text[0]) ||
	    c - value->text > 31)
		conf_value_mistake(reader, value,
				   "table \"%s\" is no name of letters, "
				   "digits and '_' (at most 31)",
				   value->text);
}

/* Each interface is named once, in one realm. */
static void check_interfaces(struct conf_reader *reader, size_t realm)
{
	const struct conf_list *own = &reader->conf->realms[realm].interfaces;
	cfg_t *section = conf_section_at(reader, "realm", realm);

	for (size_t i = 0; i < own->count; i++) {
		const struct conf_value *value = conf_value_at(section,
							       "interface", i);

		if (!is_device_name(own->items[i]))
			conf_value_mistake(reader, value,
					   "\"%s\" is no name of a device",
					   own->items[i]);
		for (size_t r = 0; r <= realm; r++) {
			const struct conf_realm *other =
				&reader->conf->realms[r];
			size_t end = r == realm ? i : other->interfaces.count;

			for (size_t k = 0; k < end; k++)
				if (strcmp(other->interfaces.items[k],
					   own->items[i]) == 0)
					conf_value_mistake(
						reader, value,
						"interface \"%s\" is already "
						"one of realm %s",
						own->items[i], other->name);
		}
	}
}

static void check_reaches(struct conf_reader *reader, size_t realm)
{
	const struct conf_realm *own = &reader->conf->realms[realm];
	cfg_t *section = conf_section_at(reader, "realm", realm);
	size_t count = conf_value_count(section, "reaches"), defaults = 0;

	for (size_t i = 0; i < count; i++) {
		const struct conf_value *value = conf_value_at(section,
							       "reaches", i);
		realm_id id = realm_find(&reader->conf->names, value->text);

		if (id == own->id)
			conf_value_mistake(reader, value,
					   "realm %s reaches itself",
					   own->name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(conf_value_at(section, "reaches", k)->text,
				   value->text) == 0)
				conf_value_mistake(reader, value,
						   "\"%s\" is named twice",
						   value->text);
		if (id != REALM_NONE && id != own->id &&
		    reader->conf->realms[id].network_count == 0 &&
		    conf_value_count(conf_section_at(reader, "realm", id),
				     "networks") == 0 &&
		    ++defaults == 2)
			conf_value_mistake(reader, value,
					   "realm %s reaches two realms "
					   "without networks: which one is an "
					   "address in?",
					   own->name);
	}
}

bool conf_seen_together(const struct conf *conf, realm_id a, realm_id b)
{
	if (conf_reaches(conf, a, b) || conf_reaches(conf, b, a))
		return true;
	for (size_t i = 0; i < conf->realm_count; i++)
		if (conf_reaches(conf, (realm_id)i, a) &&
		    conf_reaches(conf, (realm_id)i, b))
			return true;
	return a == b;
}

static void check_networks(struct conf_reader *reader, size_t realm)
{
	const struct conf *conf = reader->conf;
	cfg_t *section = conf_section_at(reader, "realm", realm);
	size_t count = conf_value_count(section, "networks");

	/* With a bad value the places are not the same: said already. */
	if (count != conf->realms[realm].network_count)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct ip_prefix *own = &conf->realms[realm].networks[i];

		for (size_t r = 0; r <= realm; r++) {
			const struct conf_realm *other = &conf->realms[r];
			size_t end = r == realm ? i : other->network_count;

			if (!conf_seen_together(conf, (realm_id)r,
						(realm_id)realm))
				continue;
			for (size_t k = 0; k < end; k++)
				if (ip_prefix_equal(own, &other->networks[k]))
					conf_value_mistake(
						reader,
						conf_value_at(section,
							      "networks", i),
						"the same network is one of "
						"realm %s, and both are seen "
						"from one realm",
						other->name);
		}
	}
}

/*
 * A socket that is tied to the device of its realm: another may have the same
 * address in a realm of its own.
 */
static bool is_apart(const struct conf *conf, const struct conf_listen *a,
		     const struct conf_listen *b)
{
	return a->realm != REALM_NONE && b->realm != REALM_NONE &&
	       conf->realms[a->realm].interfaces.count == 1 &&
	       conf->realms[b->realm].interfaces.count == 1 &&
	       !conf_seen_together(conf, a->realm, b->realm);
}

/* Nobody ties it: its packets would go by another realm's interface. */
static void check_listen_device(struct conf_reader *reader, size_t i)
{
	const struct conf_listen *listen = &reader->conf->listens[i];
	const struct conf_realm *realm;

	if (listen->realm == REALM_NONE)
		return;
	realm = &reader->conf->realms[listen->realm];
	if (realm->interfaces.count > 1 &&
	    conf_overlaps(reader->conf, realm->id))
		conf_section_mistake(reader, "listen", i,
				     "listen %s: realm %s has addresses that "
				     "are in use in another realm as well, and "
				     "more than one interface: it cannot be "
				     "listened in",
				     listen->name, realm->name);
}

static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

/* Do the two need the same socket? UDP and TCP each have their own ports. */
static bool is_same_socket(const struct conf_listen *a,
			   enum conf_transport transport,
			   const struct conf_listen *b)
{
	const struct endpoint *at = conf_listen_at(a, transport);

	if (transport == CONF_UDP)
		return is_same_place(at, &b->udp);
	return is_same_place(at, &b->tcp) || is_same_place(at, &b->tls);
}

static void check_address(struct conf_reader *reader, size_t i,
			  enum conf_transport transport)
{
	static const char *const names[] = { "udp", "tcp", "tls" };
	const struct conf *conf = reader->conf;
	const struct conf_listen *own = &conf->listens[i];
	const struct endpoint *at = conf_listen_at(own, transport);
	const struct conf_value *value =
		conf_value(conf_section_at(reader, "listen", i),
			   names[transport]);

	if (!at)
		return;
	if (ip_addr_is_any(&at->addr) || ip_addr_is_multicast(&at->addr) ||
	    ip_addr_is_broadcast(&at->addr))
		conf_value_mistake(reader, value,
				   "\"%s\" is no address of one host",
				   value->text);
	for (size_t k = 0; k < i; k++)
		if (is_same_socket(own, transport, &conf->listens[k]) &&
		    !is_apart(conf, own, &conf->listens[k]))
			conf_value_mistake(reader, value,
					   "\"%s\" is also that of listen %s",
					   value->text, conf->listens[k].name);
	if (own->realm != REALM_NONE &&
	    conf_in_pool(conf, own->realm, &at->addr, at->port))
		conf_value_mistake(reader, value,
				   "\"%s\" is in a pool of realm %s: it would "
				   "not get its packets",
				   value->text, conf->realms[own->realm].name);
}

static void check_listens(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *own = &conf->listens[i];

		check_listen_device(reader, i);
		for (unsigned transport = 0; transport < CONF_TRANSPORTS;
		     transport++)
			check_address(reader, i, transport);
		if (own->tcp.addr.family != IP_NONE &&
		    is_same_place(&own->tcp, &own->tls))
			conf_section_mistake(reader, "listen", i,
					     "listen %s: tcp and tls cannot "
					     "have the same port",
					     own->name);
	}
}

static void check_domains(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->domain_count; i++)
		for (size_t k = 0; k < i && conf->domains[i].name; k++)
			if (conf->domains[k].name &&
			    strcmp(conf->domains[i].name,
				   conf->domains[k].name) == 0)
				conf_section_mistake(
					reader, "domain", i,
					"domain %s stands twice (see "
					"line %u)",
					conf->domains[i].name,
					conf->domains[k].line);
}

static bool has_pool(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].realm == realm)
			return true;
	return false;
}

/* Can a party of `from` have an address that is valid in `in`? */
static bool can_be_seen(const struct conf *conf, realm_id from, realm_id in)
{
	if (conf_reaches(conf, in, from) || has_pool(conf, in))
		return true;
	for (size_t i = 0; i < conf->realms[in].reach_count; i++)
		if (has_pool(conf, conf->realms[in].reaches[i]))
			return true;
	return false;
}

static void check_pairs(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t a = 0; a < conf->realm_count; a++) {
		for (size_t b = 0; b < conf->realm_count; b++) {
			const struct conf_section *place = conf_section_of(
				reader, conf_section_at(reader, "realm", a), a);

			if (a == b ||
			    can_be_seen(conf, (realm_id)b, (realm_id)a))
				continue;
			conf_note_add(&reader->mistakes, place->path,
				      place->line,
				      "realm %s neither reaches %s nor has a "
				      "pool: no calls between the two",
				      conf->realms[a].name,
				      conf->realms[b].name);
		}
	}
}

static void check_gateway(struct conf_reader *reader, size_t realm)
{
	const struct ip_addr *addr = &reader->conf->realms[realm].gateway;
	const struct conf_value *value =
		conf_value(conf_section_at(reader, "realm", realm), "gateway");

	if (addr->family != IP_NONE &&
	    (addr->family != IP_V4 || ip_addr_is_any(addr) ||
	     ip_addr_is_loopback(addr) || ip_addr_is_multicast(addr) ||
	     ip_addr_is_broadcast(addr)))
		conf_value_mistake(reader, value,
				   "\"%s\" is no address of one IPv4 host",
				   value->text);
}

/* Routing tables of a realm's own are those of IPv4. */
static void check_ipv6(struct conf_reader *reader, size_t realm)
{
	const struct conf *conf = reader->conf;
	const struct conf_section *place =
		conf_section_of(reader, conf_section_at(reader, "realm", realm),
				realm);
	bool gateway = conf->realms[realm].gateway.family != IP_NONE;

	if (conf_has_family(conf, (realm_id)realm, IP_V6) &&
	    (gateway || conf_overlaps(conf, (realm_id)realm)))
		conf_mistake_add(&reader->mistakes, place->path, place->line,
				 "realm %s has IPv6 addresses and %s: that "
				 "takes a routing table of its own, which is "
				 "one of IPv4",
				 conf->realms[realm].name,
				 gateway ? "a gateway" :
					   "the same addresses as another");
}

/* A realm without one is not what was meant, but other programs work. */
static void check_has_interface(struct conf_reader *reader, size_t realm)
{
	const struct conf_section *place =
		conf_section_of(reader, conf_section_at(reader, "realm", realm),
				realm);

	if (reader->conf->realms[realm].interfaces.count == 0)
		conf_note_add(&reader->mistakes, place->path, place->line,
			      "realm %s has no interface: no packets to or "
			      "from it",
			      reader->conf->realms[realm].name);
}

void conf_check(struct conf_reader *reader)
{
	if (reader->conf->realm_count == 0)
		conf_mistake_add(&reader->mistakes, reader->conf->path, 1,
				 "there is no section realm");
	check_rundir(reader);
	check_tun(reader);
	check_table(reader);
	for (size_t i = 0; i < reader->conf->realm_count; i++) {
		check_has_interface(reader, i);
		check_interfaces(reader, i);
		check_gateway(reader, i);
		check_ipv6(reader, i);
		check_reaches(reader, i);
		check_networks(reader, i);
	}
	conf_check_pools(reader);
	check_listens(reader);
	check_domains(reader);
	conf_check_routes(reader);
	conf_check_media(reader);
	conf_check_statics(reader);
	conf_check_dynamic(reader);
	conf_check_clients(reader);
	conf_check_controls(reader);
	conf_check_source(reader);
	check_pairs(reader);
}
