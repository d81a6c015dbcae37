/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and endpoints: realm + address + port. */
#ifndef VIADUCT_COMMON_ENDPOINT_H
#define VIADUCT_COMMON_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Index of a realm: its place in the configuration file, from 0. The three
 * programs read the same file; the link between natctl and the translator
 * compares the names at the start (rulewire.h, struct wire_hello).
 */
typedef uint16_t realm_id;

#define REALM_NONE     UINT16_MAX
#define REALM_MAX      256 /* realms in one configuration */
#define REALM_NAME_MAX 32  /* bytes of a realm's name, with the final NUL */

enum ip_family { IP_NONE, IP_V4, IP_V6 };

/* An IP address. An IPv4 address uses the first 4 bytes; the rest is 0. */
struct ip_addr {
	uint8_t bytes[16]; /* network order */
	uint8_t family;    /* enum ip_family */
};

/* All addresses that share the first `bits` bits. The rest is 0. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t bits; /* 0..32 or 0..128 */
};

/* Inclusive. first <= last. */
struct port_range {
	uint16_t first;
	uint16_t last;
};

/* Where a packet comes from or goes to. Ports are in host order. */
struct endpoint {
	struct ip_addr addr;
	uint16_t port;
	realm_id realm;
};

/* Names of realms for the text form; names[id]. Not owned. */
struct realm_names {
	const char *const *names;
	size_t count;
};

/* Enough for the longest text of each kind, with the final NUL. */
#define IP_ADDR_TEXT   46
#define IP_PREFIX_TEXT 50
#define ENDPOINT_TEXT  (IP_ADDR_TEXT + 2 + 6 + 1 + REALM_NAME_MAX)

/* 4 bytes in network order / host-order number to address and back. */
struct ip_addr ip_addr_v4(uint32_t host_order);
uint32_t ip_addr_to_v4(const struct ip_addr *addr);

/*
 * "1.1.1.1" or "2001:db8::1" (brackets not taken). Strict: decimal only, no
 * blanks, no leading zeros, no zone. 0, or -EINVAL and *ret untouched.
 */
int ip_addr_parse(const char *text, size_t len, struct ip_addr *ret);
/* Writes the canonical text (RFC 5952 for IPv6); returns buf. */
const char *ip_addr_format(const struct ip_addr *addr, char buf[IP_ADDR_TEXT]);
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);
/* <0, 0, >0; orders by family, then bytes. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);
bool ip_addr_is_any(const struct ip_addr *addr); /* 0.0.0.0 or :: */
bool ip_addr_is_loopback(const struct ip_addr *addr);
bool ip_addr_is_multicast(const struct ip_addr *addr);
bool ip_addr_is_broadcast(const struct ip_addr *addr); /* 255.255.255.255 */

/*
 * "10.0.0.0/8" or a bare address (all its bits). Host bits must be 0:
 * -EINVAL otherwise.
 */
int ip_prefix_parse(const char *text, size_t len, struct ip_prefix *ret);
const char *ip_prefix_format(const struct ip_prefix *prefix,
			     char buf[IP_PREFIX_TEXT]);
struct ip_prefix ip_prefix_of(const struct ip_addr *addr); /* one address */
bool ip_prefix_contains(const struct ip_prefix *prefix,
			const struct ip_addr *addr);
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);
/* How many addresses; UINT64_MAX where it does not fit. */
uint64_t ip_prefix_count(const struct ip_prefix *prefix);

/* "2222" or "2000-2999"; 0 is not a port. */
int port_range_parse(const char *text, size_t len, struct port_range *ret);
bool port_range_contains(struct port_range range, uint16_t port);

/* "1.1.1.1:1111" or "[2001:db8::1]:1111"; the realm is set to REALM_NONE. */
int endpoint_parse_bare(const char *text, size_t len, struct endpoint *ret);
/*
 * "2.2.2.2:2222@inside". -EINVAL: not of this form; -ENOENT: no realm has
 * that name.
 */
int endpoint_parse(const char *text, const struct realm_names *names,
		   struct endpoint *ret);
/* Without "@realm" when the realm is REALM_NONE or names is NULL. */
const char *endpoint_format(const struct endpoint *endpoint,
			    const struct realm_names *names,
			    char buf[ENDPOINT_TEXT]);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
int endpoint_compare(const struct endpoint *a, const struct endpoint *b);
/* Keyed; `seed` is the caller's random number, one per table. */
uint64_t endpoint_hash(const struct endpoint *endpoint, uint64_t seed);
/* REALM_NONE when no realm has that name. */
realm_id realm_find(const struct realm_names *names, const char *name);

#endif
