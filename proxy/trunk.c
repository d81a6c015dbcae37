/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers: who is speaking, and where a trunk is reached. Pure. */
#include "config.h"

#include "proxy/trunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/text.h"

int trunk_list_init(struct trunk_list *list, const struct conf *conf)
{
	struct trunk *trunks = calloc(conf->trunk_count + 1, sizeof(*trunks));

	if (!trunks)
		return -ENOMEM;
	for (size_t i = 0; i < conf->trunk_count; i++) {
		const char *host = conf->trunks[i].host;
		struct ip_addr addr;

		trunks[i].conf = &conf->trunks[i];
		if (ip_addr_parse(host, strlen(host), &addr) == 0)
			(void)trunk_add(&trunks[i], &addr);
	}
	list->trunks = trunks;
	list->count = conf->trunk_count;
	return 0;
}

void trunk_list_done(struct trunk_list *list)
{
	free(list->trunks);
	list->trunks = NULL;
	list->count = 0;
}

static bool has_address(const struct trunk *trunk, const struct ip_addr *addr)
{
	for (size_t i = 0; i < trunk->count; i++) {
		if (ip_addr_equal(&trunk->addresses[i], addr))
			return true;
	}
	return false;
}

int trunk_add(struct trunk *trunk, const struct ip_addr *addr)
{
	if (has_address(trunk, addr))
		return -EEXIST;
	if (trunk->count == TRUNK_ADDRESSES_MAX)
		return -ENOSPC;
	trunk->addresses[trunk->count++] = *addr;
	return 0;
}

size_t trunk_find(const struct trunk_list *list, realm_id realm,
		  const struct ip_addr *addr)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->trunks[i].conf->realm == realm &&
		    has_address(&list->trunks[i], addr))
			return i;
	}
	return TRUNK_NONE;
}

size_t trunk_find_host(const struct trunk_list *list, const char *host,
		       size_t len, uint16_t port)
{
	struct text_word word = { host, len };
	struct ip_addr addr = { .family = IP_NONE };

	if (len > 2 && host[0] == '[')
		(void)ip_addr_parse(host + 1, len - 2, &addr);
	else
		(void)ip_addr_parse(host, len, &addr);
	for (size_t i = 0; i < list->count; i++) {
		const struct trunk *trunk = &list->trunks[i];

		if (port && port != trunk->conf->port)
			continue;
		if (text_word_is_case(word, trunk->conf->host) ||
		    (addr.family != IP_NONE && has_address(trunk, &addr)))
			return i;
	}
	return TRUNK_NONE;
}

bool trunk_next_hop(const struct trunk *trunk, size_t attempt,
		    struct trunk_hop *ret)
{
	if (attempt >= trunk->count)
		return false;
	ret->at = (struct endpoint){ .addr = trunk->addresses[attempt],
				     .port = trunk->conf->port,
				     .realm = trunk->conf->realm };
	ret->transport = trunk->conf->transport == CONF_TRANSPORT_AUTO ?
				 CONF_UDP :
				 (enum conf_transport)trunk->conf->transport;
	return true;
}
