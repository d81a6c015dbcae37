/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and endpoints: realm + address + port. Pure. */
#include "config.h"

#include "common/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/table.h"

struct ip_addr ip_addr_v4(uint32_t host_order)
{
	struct ip_addr addr = { .family = IP_V4 };

	addr.bytes[0] = (uint8_t)(host_order >> 24);
	addr.bytes[1] = (uint8_t)(host_order >> 16);
	addr.bytes[2] = (uint8_t)(host_order >> 8);
	addr.bytes[3] = (uint8_t)host_order;
	return addr;
}

uint32_t ip_addr_to_v4(const struct ip_addr *addr)
{
	return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 |
	       (uint32_t)addr->bytes[2] << 8 | (uint32_t)addr->bytes[3];
}

/* Bytes of an address of this family. */
static unsigned family_bytes(uint8_t family)
{
	return family == IP_V4 ? 4 : family == IP_V6 ? 16 : 0;
}

int ip_addr_parse(const char *text, size_t len, struct ip_addr *ret)
{
	struct ip_addr addr = { .family = IP_NONE };
	char buf[IP_ADDR_TEXT];
	int family;

	/* A NUL inside would end the text early. */
	if (len == 0 || len >= sizeof(buf) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	family = strchr(buf, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, buf, addr.bytes) != 1)
		return -EINVAL;
	addr.family = family == AF_INET6 ? IP_V6 : IP_V4;
	*ret = addr;
	return 0;
}

const char *ip_addr_format(const struct ip_addr *addr, char buf[IP_ADDR_TEXT])
{
	int family = addr->family == IP_V6 ? AF_INET6 : AF_INET;

	if (addr->family == IP_NONE)
		strcpy(buf, "none");
	else
		inet_ntop(family, addr->bytes, buf, IP_ADDR_TEXT);
	return buf;
}

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, family_bytes(a->family));
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_compare(a, b) == 0;
}

bool ip_addr_is_any(const struct ip_addr *addr)
{
	static const uint8_t zero[16];

	return addr->family != IP_NONE &&
	       memcmp(addr->bytes, zero, family_bytes(addr->family)) == 0;
}

bool ip_addr_is_loopback(const struct ip_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (addr->family == IP_V4)
		return addr->bytes[0] == 127;
	return addr->family == IP_V6 &&
	       memcmp(addr->bytes, one, sizeof(one)) == 0;
}

bool ip_addr_is_multicast(const struct ip_addr *addr)
{
	if (addr->family == IP_V4)
		return addr->bytes[0] >= 224 && addr->bytes[0] <= 239;
	return addr->family == IP_V6 && addr->bytes[0] == 0xff;
}

bool ip_addr_is_broadcast(const struct ip_addr *addr)
{
	return addr->family == IP_V4 && ip_addr_to_v4(addr) == UINT32_MAX;
}

/* Decimal without sign, blanks or leading zeros, at most `max`. */
static int number_parse(const char *text, size_t len, unsigned max,
			unsigned *ret)
{
	unsigned value = 0;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(text[i] - '0');
		if (value > max)
			return -EINVAL;
	}
	*ret = value;
	return 0;
}

/* Do the first `bits` bits of both agree? */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool host_bits_are_zero(const struct ip_prefix *prefix)
{
	unsigned bytes = family_bytes(prefix->addr.family);

	for (unsigned bit = prefix->bits; bit < bytes * 8; bit++)
		if (prefix->addr.bytes[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

int ip_prefix_parse(const char *text, size_t len, struct ip_prefix *ret)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	struct ip_prefix prefix;
	unsigned bits;

	if (ip_addr_parse(text, addr_len, &prefix.addr) < 0)
		return -EINVAL;
	bits = family_bytes(prefix.addr.family) * 8;
	if (slash &&
	    number_parse(slash + 1, len - addr_len - 1, bits, &bits) < 0)
		return -EINVAL;
	prefix.bits = (uint8_t)bits;
	if (!host_bits_are_zero(&prefix))
		return -EINVAL;
	*ret = prefix;
	return 0;
}

const char *ip_prefix_format(const struct ip_prefix *prefix,
			     char buf[IP_PREFIX_TEXT])
{
	char addr[IP_ADDR_TEXT];

	ip_addr_format(&prefix->addr, addr);
	if (prefix->addr.family == IP_NONE)
		strcpy(buf, addr);
	else
		snprintf(buf, IP_PREFIX_TEXT, "%s/%u", addr,
			 (unsigned)prefix->bits);
	return buf;
}

struct ip_prefix ip_prefix_of(const struct ip_addr *addr)
{
	struct ip_prefix prefix = { .addr = *addr };

	prefix.bits = (uint8_t)(family_bytes(addr->family) * 8);
	return prefix;
}

bool ip_prefix_contains(const struct ip_prefix *prefix,
			const struct ip_addr *addr)
{
	return addr->family != IP_NONE && prefix->addr.family == addr->family &&
	       bits_equal(prefix->addr.bytes, addr->bytes, prefix->bits);
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	if (a->bits > b->bits)
		return ip_prefix_contains(b, &a->addr);
	return ip_prefix_contains(a, &b->addr);
}

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->bits == b->bits && ip_addr_equal(&a->addr, &b->addr);
}

uint64_t ip_prefix_count(const struct ip_prefix *prefix)
{
	unsigned free_bits = family_bytes(prefix->addr.family) * 8u -
			     prefix->bits;

	if (prefix->addr.family == IP_NONE)
		return 0;
	return free_bits >= 64 ? UINT64_MAX : (uint64_t)1 << free_bits;
}

int port_range_parse(const char *text, size_t len, struct port_range *ret)
{
	const char *dash = memchr(text, '-', len);
	size_t first_len = dash ? (size_t)(dash - text) : len;
	unsigned first, last;

	if (number_parse(text, first_len, UINT16_MAX, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash &&
	    number_parse(dash + 1, len - first_len - 1, UINT16_MAX, &last) < 0)
		return -EINVAL;
	if (first == 0 || first > last)
		return -EINVAL;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	return 0;
}

bool port_range_contains(struct port_range range, uint16_t port)
{
	return port >= range.first && port <= range.last;
}

/* "ADDRESS" or "[ADDRESS]": IPv6 stands in brackets before a port. */
static int host_parse(const char *text, size_t len, struct ip_addr *ret)
{
	struct ip_addr addr;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (bracketed) {
		text++;
		len -= 2;
	}
	if (ip_addr_parse(text, len, &addr) < 0)
		return -EINVAL;
	if (bracketed != (addr.family == IP_V6))
		return -EINVAL;
	*ret = addr;
	return 0;
}

int endpoint_parse_bare(const char *text, size_t len, struct endpoint *ret)
{
	struct endpoint endpoint = { .realm = REALM_NONE };
	const char *colon = memrchr(text, ':', len);
	struct port_range port;
	size_t host_len;

	if (!colon)
		return -EINVAL;
	host_len = (size_t)(colon - text);
	if (host_parse(text, host_len, &endpoint.addr) < 0)
		return -EINVAL;
	if (memchr(colon, '-', len - host_len) ||
	    port_range_parse(colon + 1, len - host_len - 1, &port) < 0)
		return -EINVAL;
	endpoint.port = port.first;
	*ret = endpoint;
	return 0;
}

int endpoint_parse(const char *text, const struct realm_names *names,
		   struct endpoint *ret)
{
	const char *at = strchr(text, '@');
	struct endpoint endpoint;

	if (!at || at[1] == '\0' || strchr(at + 1, '@') ||
	    endpoint_parse_bare(text, (size_t)(at - text), &endpoint) < 0)
		return -EINVAL;
	endpoint.realm = realm_find(names, at + 1);
	if (endpoint.realm == REALM_NONE)
		return -ENOENT;
	*ret = endpoint;
	return 0;
}

const char *endpoint_format(const struct endpoint *endpoint,
			    const struct realm_names *names,
			    char buf[ENDPOINT_TEXT])
{
	bool v6 = endpoint->addr.family == IP_V6;
	const char *realm = "";
	char addr[IP_ADDR_TEXT];

	ip_addr_format(&endpoint->addr, addr);
	if (names && endpoint->realm != REALM_NONE)
		realm = endpoint->realm < names->count ?
				names->names[endpoint->realm] :
				"?";
	snprintf(buf, ENDPOINT_TEXT, "%s%s%s:%u%s%.*s", v6 ? "[" : "", addr,
		 v6 ? "]" : "", (unsigned)endpoint->port, *realm ? "@" : "",
		 REALM_NAME_MAX - 1, realm);
	return buf;
}

int endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	int order;

	if (a->realm != b->realm)
		return a->realm < b->realm ? -1 : 1;
	order = ip_addr_compare(&a->addr, &b->addr);
	if (order != 0)
		return order;
	return a->port < b->port ? -1 : a->port > b->port;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare(a, b) == 0;
}

uint64_t endpoint_hash(const struct endpoint *endpoint, uint64_t seed)
{
	uint8_t key[21];

	if (endpoint->addr.family != IP_V6)
		return hash_u64((uint64_t)ip_addr_to_v4(&endpoint->addr) << 32 |
					(uint64_t)endpoint->port << 16 |
					endpoint->realm,
				seed);
	memcpy(key, endpoint->addr.bytes, 16);
	key[16] = endpoint->addr.family;
	key[17] = (uint8_t)(endpoint->port >> 8);
	key[18] = (uint8_t)endpoint->port;
	key[19] = (uint8_t)(endpoint->realm >> 8);
	key[20] = (uint8_t)endpoint->realm;
	return hash_bytes(key, sizeof(key), seed);
}

realm_id realm_find(const struct realm_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return (realm_id)i;
	return REALM_NONE;
}
