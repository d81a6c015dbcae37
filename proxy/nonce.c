/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nonces: made without memory of them, each used with a rising count. Pure. */
#include "config.h"

#include "proxy/nonce.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "common/table.h"
#include "proxy/text.h"

#define MAC_SIZE   16
#define MAC_INPUT  512 /* two numbers, an address, an auth realm */
#define NUMBER_HEX 16  /* digits of one of the two numbers */

void nonce_format(const struct nonce_table *table, const struct nonce *nonce,
		  const struct ip_addr *source, const char *auth_realm,
		  char buf[NONCE_TEXT])
{
	char addr[IP_ADDR_TEXT], input[MAC_INPUT];
	uint8_t mac[EVP_MAX_MD_SIZE] = { 0 };
	int len;

	snprintf(buf, NONCE_TEXT, "%016llx%016llx",
		 (unsigned long long)nonce->time_ms,
		 (unsigned long long)nonce->random);
	len = snprintf(input, sizeof(input), "%s %s %s", buf,
		       ip_addr_format(source, addr), auth_realm);
	if (len >= (int)sizeof(input))
		len = (int)sizeof(input) - 1;
	HMAC(EVP_sha256(), table->key, NONCE_KEY_SIZE, (uint8_t *)input,
	     (size_t)len, mac, NULL);
	for (size_t i = 0; i < MAC_SIZE; i++)
		snprintf(buf + 2 * NUMBER_HEX + 2 * i, 3, "%02x", mac[i]);
}

static bool read_number(const char *text, uint64_t *ret)
{
	uint64_t number = 0;

	for (size_t i = 0; i < NUMBER_HEX; i++) {
		int digit = text_hex_value(text[i]);

		if (digit < 0)
			return false;
		number = number << 4 | (unsigned)digit;
	}
	*ret = number;
	return true;
}

bool nonce_check(const struct nonce_table *table, const char *text, size_t len,
		 const struct ip_addr *source, const char *auth_realm,
		 uint64_t now_ms, struct nonce *ret)
{
	char want[NONCE_TEXT];
	struct nonce nonce;

	if (len != NONCE_TEXT - 1 || !read_number(text, &nonce.time_ms) ||
	    !read_number(text + NUMBER_HEX, &nonce.random))
		return false;
	nonce_format(table, &nonce, source, auth_realm, want);
	if (CRYPTO_memcmp(text, want, len) != 0)
		return false;
	if (nonce.time_ms > now_ms || now_ms - nonce.time_ms > NONCE_AGE_MS)
		return false;
	*ret = nonce;
	return true;
}

static struct nonce_use *find_use(struct nonce_set *set,
				  const struct nonce *nonce)
{
	for (size_t i = 0; i < NONCE_WAYS; i++) {
		struct nonce_use *use = &set->uses[i];

		if (use->count && use->nonce.random == nonce->random &&
		    use->nonce.time_ms == nonce->time_ms)
			return use;
	}
	return NULL;
}

/* A free place, one of a nonce past its time, or that of the oldest. */
static struct nonce_use *find_place(struct nonce_set *set, uint64_t now_ms)
{
	struct nonce_use *oldest = &set->uses[0];

	for (size_t i = 0; i < NONCE_WAYS; i++) {
		struct nonce_use *use = &set->uses[i];

		if (use->count == 0 ||
		    now_ms - use->nonce.time_ms > NONCE_AGE_MS)
			return use;
		if (use->nonce.time_ms < oldest->nonce.time_ms)
			oldest = use;
	}
	set->floor_ms = oldest->nonce.time_ms;
	set->has_floor = true;
	return oldest;
}

bool nonce_use(struct nonce_table *table, const struct nonce *nonce,
	       uint32_t count, uint64_t now_ms)
{
	uint64_t hash = hash_u64(nonce->random, table->seed);
	struct nonce_set *set = &table->sets[hash % NONCE_SETS];
	struct nonce_use *use = find_use(set, nonce);

	if (count == 0)
		return false;
	if (!use) {
		if (set->has_floor && nonce->time_ms <= set->floor_ms)
			return false;
		use = find_place(set, now_ms);
		use->nonce = *nonce;
		use->count = count;
		return true;
	}
	if (count <= use->count)
		return false;
	use->count = count;
	return true;
}
