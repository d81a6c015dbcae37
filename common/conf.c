/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file into checked structs; questions about them. */
#include "config.h"

#include "common/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

struct conf *conf_read(const char *path, FILE *errors)
{
	struct conf_reader reader = { .conf = calloc(1, sizeof(struct conf)) };
	int r = -ENOMEM;

	if (reader.conf)
		reader.conf->path = strdup(path);
	if (reader.conf && reader.conf->path)
		r = conf_load(&reader, path);
	if (r == 0)
		conf_build(&reader);
	if (r == 0 && !reader.mistakes.no_memory)
		conf_check(&reader);
	if (r == -ENOMEM)
		reader.mistakes.no_memory = true;
	conf_mistakes_print(&reader.mistakes, path, errors);
	if (reader.mistakes.no_memory)
		fprintf(errors, "%s: no memory\n", path);
	if (r < 0 || reader.mistakes.errors > 0 || reader.mistakes.no_memory) {
		conf_free(reader.conf);
		reader.conf = NULL;
	}
	if (reader.root)
		cfg_free(reader.root);
	conf_scan_done(&reader.scan);
	conf_mistakes_done(&reader.mistakes);
	free(reader.placed);
	return reader.conf;
}

static void free_realms(struct conf *conf)
{
	for (size_t i = 0; i < conf->realm_count; i++) {
		struct conf_realm *realm = &conf->realms[i];

		for (size_t k = 0; k < realm->interfaces.count; k++)
			free(realm->interfaces.items[k]);
		free(realm->interfaces.items);
		free(realm->networks);
		free(realm->early.prefixes);
		free(realm->reaches);
		free(realm->name);
	}
	free(conf->realms);
	/* The array is ours, const only for those who read it. */
	free((void *)(uintptr_t)conf->names.names);
}

static void tls_done(struct conf_tls *tls)
{
	free(tls->certificate);
	free(tls->key);
	free(tls->ca);
	free(tls->ciphers);
}

static void free_services(struct conf *conf)
{
	for (size_t i = 0; i < conf->listen_count; i++) {
		free(conf->listens[i].name);
		tls_done(&conf->listens[i].files);
	}
	for (size_t i = 0; i < conf->domain_count; i++) {
		free(conf->domains[i].name);
		free(conf->domains[i].users);
		tls_done(&conf->domains[i].files);
	}
	for (size_t i = 0; i < conf->trunk_count; i++) {
		free(conf->trunks[i].name);
		free(conf->trunks[i].host);
		tls_done(&conf->trunks[i].files);
		conf_free_carrier(&conf->trunks[i].carrier);
	}
	free(conf->listens);
	free(conf->domains);
	free(conf->trunks);
	conf_free_routes(conf);
}

static void free_controls(struct conf *conf)
{
	for (size_t i = 0; i < conf->control_count; i++) {
		free(conf->controls[i].name);
		free(conf->controls[i].certificate);
		free(conf->controls[i].key);
		free(conf->controls[i].ca);
	}
	free(conf->controls);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->pool_count; i++) {
		free(conf->pools[i].name);
		free(conf->pools[i].ranges);
	}
	for (size_t i = 0; i < conf->media_count; i++)
		free(conf->media[i].pool);
	for (size_t i = 0; i < conf->client_count; i++) {
		free(conf->clients[i].name);
		free(conf->clients[i].realms);
		free(conf->clients[i].outer);
		free(conf->clients[i].certificate);
	}
	free_controls(conf);
	free(conf->pools);
	free(conf->media);
	free(conf->clients);
	free(conf->statics);
	free_services(conf);
	free_realms(conf);
	free(conf->path);
	free(conf->rundir);
	free(conf->tun);
	free(conf->table);
	free(conf->user);
	free(conf);
}

bool conf_reaches(const struct conf *conf, realm_id from, realm_id to)
{
	const struct conf_realm *realm;

	if (from >= conf->realm_count)
		return false;
	realm = &conf->realms[from];
	for (size_t i = 0; i < realm->reach_count; i++)
		if (realm->reaches[i] == to)
			return true;
	return false;
}

/* Bits of the longest prefix of the realm that contains it; -1: none. */
static int longest_prefix(const struct conf *conf, realm_id id,
			  const struct ip_addr *addr)
{
	const struct conf_realm *realm = &conf->realms[id];
	int longest = -1;

	for (size_t i = 0; i < realm->network_count; i++)
		if (realm->networks[i].bits > longest &&
		    ip_prefix_contains(&realm->networks[i], addr))
			longest = realm->networks[i].bits;
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		for (size_t k = 0; pool->realm == id && k < pool->range_count;
		     k++)
			if (pool->ranges[k].prefix.bits > longest &&
			    ip_prefix_contains(&pool->ranges[k].prefix, addr))
				longest = pool->ranges[k].prefix.bits;
	}
	return longest;
}

realm_id conf_realm_of(const struct conf *conf, realm_id from,
		       const struct ip_addr *addr)
{
	realm_id found = REALM_NONE, otherwise = REALM_NONE;
	const struct conf_realm *realm;
	int longest = -1;

	if (from >= conf->realm_count)
		return REALM_NONE;
	if (longest_prefix(conf, from, addr) >= 0)
		return from;
	realm = &conf->realms[from];
	for (size_t i = 0; i < realm->reach_count; i++) {
		realm_id id = realm->reaches[i];
		int bits = longest_prefix(conf, id, addr);

		if (bits > longest) {
			longest = bits;
			found = id;
		}
		if (conf->realms[id].network_count == 0 &&
		    otherwise == REALM_NONE)
			otherwise = id;
	}
	if (found != REALM_NONE)
		return found;
	if (otherwise != REALM_NONE)
		return otherwise;
	return realm->network_count == 0 ? from : REALM_NONE;
}

bool conf_in_pool(const struct conf *conf, realm_id realm,
		  const struct ip_addr *addr, uint16_t port)
{
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		if (pool->realm != realm)
			continue;
		for (size_t k = 0; k < pool->range_count; k++)
			if (ip_prefix_contains(&pool->ranges[k].prefix, addr) &&
			    (port == 0 ||
			     port_range_contains(pool->ranges[k].ports, port)))
				return true;
	}
	return false;
}

int conf_socket_path(const struct conf *conf, const char *name, char *buf,
		     size_t size)
{
	int len = snprintf(buf, size, "%s/%s", conf->rundir, name);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

const struct endpoint *conf_listen_at(const struct conf_listen *listen,
				      enum conf_transport transport)
{
	const struct endpoint *at = transport == CONF_UDP ? &listen->udp :
				    transport == CONF_TCP ? &listen->tcp :
							    &listen->tls;

	return at->addr.family == IP_NONE ? NULL : at;
}

bool conf_listens_on(const struct conf_listen *listen,
		     const struct ip_addr *addr, uint16_t port)
{
	for (unsigned i = 0; i < CONF_TRANSPORTS; i++) {
		const struct endpoint *at = conf_listen_at(listen, i);

		if (at && at->port == port && ip_addr_equal(&at->addr, addr))
			return true;
	}
	return false;
}

bool conf_pools_have_family(const struct conf *conf, realm_id realm,
			    uint8_t family)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		for (size_t k = 0; conf->pools[i].realm == realm &&
				   k < conf->pools[i].range_count;
		     k++)
			if (conf->pools[i].ranges[k].prefix.addr.family ==
			    family)
				return true;
	return false;
}

bool conf_has_family(const struct conf *conf, realm_id realm, uint8_t family)
{
	for (size_t i = 0; i < conf->realms[realm].network_count; i++)
		if (conf->realms[realm].networks[i].addr.family == family)
			return true;
	return conf_pools_have_family(conf, realm, family);
}
