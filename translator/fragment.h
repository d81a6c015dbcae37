/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of a first fragment, for those that follow it. They have no
 * ports; the kernel hands fragments over complete and in order. Several threads
 * may use it at once. Pure; bounded.
 */
#ifndef VIADUCT_TRANSLATOR_FRAGMENT_H
#define VIADUCT_TRANSLATOR_FRAGMENT_H

#include "common/endpoint.h"

#define FRAGMENTS_MAX 4096
/* Short, since identifications come round again (RFC 4963). */
#define FRAGMENT_TIMEOUT_MS 2000
#define FRAGMENT_RULES_MAX  3

struct fragment_key { /* as the fragment came in */
	struct ip_addr src;
	struct ip_addr dst;
	realm_id from;
	uint32_t id;
	uint8_t protocol;
};

/* A rule that forwarded the first one. It holds while this publication does. */
struct fragment_rule {
	struct endpoint outer;
	uint64_t serial;
	bool source; /* it took over the source, not the destination */
};

struct fragment_path {
	struct ip_addr src; /* as it goes out */
	struct ip_addr dst;
	realm_id to;
	bool is_pending; /* it waits for a mapping; the rest is not known yet */
	uint8_t rule_count;
	struct fragment_rule rules[FRAGMENT_RULES_MAX];
};

struct fragments;

/* NULL: no memory. `seed`: random, keys the hashes. */
struct fragments *fragments_new(uint64_t seed);
void fragments_free(struct fragments *fragments);
size_t fragments_count(struct fragments *fragments);

/* false: not known, or too long ago. */
bool fragments_find(struct fragments *fragments, const struct fragment_key *key,
		    uint64_t now_ms, struct fragment_path *ret);
/* Adds or replaces; the oldest makes room where FRAGMENTS_MAX is reached. */
void fragments_remember(struct fragments *fragments,
			const struct fragment_key *key,
			const struct fragment_path *path, uint64_t now_ms);
void fragments_forget(struct fragments *fragments,
		      const struct fragment_key *key);
/* Removes what has run out; call now and then. Returns how many. */
size_t fragments_expire(struct fragments *fragments, uint64_t now_ms);

#endif
