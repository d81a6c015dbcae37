/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parties behind NATs of their own. Pure. */
#include "config.h"

#include "proxy/farnat.h"

/* RFC 1918, RFC 6598, RFC 3927; RFC 4193, link-local: no way leads to it. */
static bool is_private(const struct ip_addr *addr)
{
	const uint8_t *bytes = addr->bytes;

	if (addr->family == IP_V6)
		return (bytes[0] & 0xfe) == 0xfc ||
		       (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
	return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) ||
	       (bytes[0] == 192 && bytes[1] == 168) ||
	       (bytes[0] == 100 && (bytes[1] & 0xc0) == 64) ||
	       (bytes[0] == 169 && bytes[1] == 254);
}

static bool has_pool(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].realm == realm && !conf->pools[i].named)
			return true;
	return false;
}

/* Private, and none of the addresses that this realm is known to have. */
static bool is_beyond(const struct conf_realm *realm,
		      const struct ip_addr *signalling,
		      const struct ip_addr *addr)
{
	if (!is_private(addr))
		return false;
	for (size_t i = 0; i < realm->network_count; i++)
		if (ip_prefix_contains(&realm->networks[i], addr))
			return false;
	return realm->network_count > 0 || !is_private(signalling);
}

bool farnat_is(const struct conf *conf, const struct farnat_party *party,
	       const struct ip_addr *addr)
{
	const struct conf_realm *realm = &conf->realms[party->realm];

	if (realm->far_nat == CONF_FAR_NAT_NO ||
	    addr->family != party->signalling.family ||
	    !has_pool(conf, party->realm))
		return false;
	if (realm->far_nat == CONF_FAR_NAT_YES)
		return true;
	return !party->is_trunk && !ip_addr_equal(addr, &party->signalling) &&
	       is_beyond(realm, &party->signalling, addr);
}

bool farnat_is_media(const struct conf *conf, const struct farnat_party *party,
		     const struct media *media)
{
	for (size_t i = 0; i < media->count; i++)
		if (!media->streams[i].refused && !media->streams[i].hold &&
		    farnat_is(conf, party, &media->streams[i].addr))
			return true;
	return false;
}

void farnat_apply(const struct farnat_party *party, struct media *media)
{
	for (size_t i = 0; i < media->count; i++) {
		struct media_stream *stream = &media->streams[i];

		if (stream->refused || stream->hold ||
		    stream->addr.family != party->signalling.family)
			continue;
		if (stream->rtcp_port != stream->port)
			stream->rtcp_port = (uint16_t)(stream->port + 1);
		stream->addr = party->signalling;
		stream->rtcp_addr = party->signalling;
		stream->far_nat = true;
	}
}
