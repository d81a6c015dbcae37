/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses this machine has on the interfaces of a realm. */
#include "natctl/own.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"

void own_init(struct own *own, const struct conf *conf)
{
	memset(own, 0, sizeof(*own));
	own->conf = conf;
}

void own_done(struct own *own)
{
	if (own->list != NULL)
		freeifaddrs(own->list);
	own->list = NULL;
}

static void read_again(struct own *own)
{
	uint64_t now_ms = mono_ms();

	if (own->list != NULL && now_ms - own->read_ms < OWN_CACHE_MS)
		return;
	own_done(own);
	own->read_ms = now_ms;
	if (getifaddrs(&own->list) == 0)
		return;
	own->list = NULL;
	log_warn("interfaces: %s; clients count as having no address",
		 strerror(errno));
}

static bool is_of_realm(const struct conf_realm *realm, const char *interface)
{
	for (size_t i = 0; i < realm->interfaces.count; i++) {
		if (strcmp(realm->interfaces.items[i], interface) == 0)
			return true;
	}
	return false;
}

static bool is_address(const struct sockaddr *sockaddr,
		       const struct ip_addr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sockaddr == NULL)
		return false;
	if (sockaddr->sa_family == AF_INET && addr->family == IP_V4) {
		memcpy(&v4, sockaddr, sizeof(v4));
		return memcmp(&v4.sin_addr, addr->bytes, 4) == 0;
	}
	if (sockaddr->sa_family == AF_INET6 && addr->family == IP_V6) {
		memcpy(&v6, sockaddr, sizeof(v6));
		return memcmp(&v6.sin6_addr, addr->bytes, 16) == 0;
	}
	return false;
}

bool own_has(struct own *own, const struct endpoint *endpoint)
{
	const struct conf_realm *realm = &own->conf->realms[endpoint->realm];

	read_again(own);
	for (const struct ifaddrs *i = own->list; i != NULL; i = i->ifa_next) {
		if (is_of_realm(realm, i->ifa_name) &&
		    is_address(i->ifa_addr, &endpoint->addr))
			return true;
	}
	return false;
}
