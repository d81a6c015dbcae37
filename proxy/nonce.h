/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nonces: made without memory of them, each used with a rising count only. */
#ifndef VIADUCT_PROXY_NONCE_H
#define VIADUCT_PROXY_NONCE_H

#include "common/endpoint.h"

#define NONCE_KEY_SIZE    32
#define NONCE_RANDOM_SIZE 8
#define NONCE_TEXT        65 /* hex of time, random and MAC, with NUL */
#define NONCE_AGE_MS      300000
#define NONCE_SETS        1024
#define NONCE_WAYS        4

struct nonce { /* as read from its text */
	uint64_t time_ms;
	uint64_t random;
};

struct nonce_use {
	struct nonce nonce;
	uint32_t count; /* the highest nc seen; 0: the place is free */
};

/*
 * The nonces in use. Where one had to give way for want of room, no older one
 * of its set is taken as new any more: `floor_ms`.
 */
struct nonce_set {
	struct nonce_use uses[NONCE_WAYS];
	uint64_t floor_ms;
	bool has_floor;
};

struct nonce_table {
	uint8_t key[NONCE_KEY_SIZE];
	uint64_t seed;
	struct nonce_set sets[NONCE_SETS];
};

/* time | random | MAC of both, the source and the auth realm. */
void nonce_format(const struct nonce_table *table, const struct nonce *nonce,
		  const struct ip_addr *source, const char *auth_realm,
		  char buf[NONCE_TEXT]);
/* Was it made by us for this source and auth realm, and is it fresh? */
bool nonce_check(const struct nonce_table *table, const char *text, size_t len,
		 const struct ip_addr *source, const char *auth_realm,
		 uint64_t now_ms, struct nonce *ret);
/* Uses up `count`; false: not higher than before, or forgotten. */
bool nonce_use(struct nonce_table *table, const struct nonce *nonce,
	       uint32_t count, uint64_t now_ms);

#endif
