/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text as a word that only the holder of a key can read. Pure.
 *
 * prefix, hex(tag), hex(text ^ stream): the tag is a MAC of the text, the
 * stream a MAC of the tag and a counter, so equal texts give equal words and a
 * word that nobody of ours made is told at once.
 */
#include "config.h"

#include "proxy/hide_word.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/hide.h"
#include "proxy/text.h"

#define TAG_SIZE  8
#define HASH_SIZE 32

static bool mac(const uint8_t *key, const void *data, size_t len,
		uint8_t ret[HASH_SIZE])
{
	return HMAC(EVP_sha256(), key, HIDE_KEY_SIZE, data, len, ret, NULL);
}

/* text ^ stream, which is its own inverse. */
static bool mix(const uint8_t *key, const uint8_t tag[TAG_SIZE], uint8_t *bytes,
		size_t len)
{
	uint8_t seed[TAG_SIZE + 4], block[HASH_SIZE];

	memcpy(seed, tag, TAG_SIZE);
	for (size_t at = 0; at < len; at++) {
		if (at % HASH_SIZE == 0) {
			uint32_t number = (uint32_t)(at / HASH_SIZE);

			memcpy(seed + TAG_SIZE, &number, 4);
			if (!mac(key, seed, sizeof(seed), block))
				return false;
		}
		bytes[at] ^= block[at % HASH_SIZE];
	}
	return true;
}

void hide_word_encode(const uint8_t *key, const char *text, size_t len,
		      struct text *out)
{
	uint8_t hash[HASH_SIZE], *bytes = malloc(len);

	if (!bytes || !mac(key, text, len, hash)) {
		out->failed = true;
		goto end;
	}
	memcpy(bytes, text, len);
	if (!mix(key, hash, bytes, len)) {
		out->failed = true;
		goto end;
	}
	text_add_string(out, HIDE_WORD_PREFIX);
	text_add_hex(out, hash, TAG_SIZE);
	text_add_hex(out, bytes, len);
end:
	free(bytes);
}

static bool read_hex(const char *text, uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int high = text_hex_value(text[2 * i]);
		int low = text_hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum hide_word_result hide_word_decode(const uint8_t *key, const char *word,
				       size_t len, char **ret)
{
	const size_t prefix = strlen(HIDE_WORD_PREFIX);
	enum hide_word_result result = HIDE_WORD_FOREIGN;
	uint8_t tag[TAG_SIZE], hash[HASH_SIZE], *bytes;
	size_t count;

	if (len < prefix + 2 * TAG_SIZE + 2 || (len - prefix) % 2 ||
	    memcmp(word, HIDE_WORD_PREFIX, prefix) != 0 ||
	    !read_hex(word + prefix, tag, TAG_SIZE))
		return HIDE_WORD_FOREIGN;
	count = (len - prefix) / 2 - TAG_SIZE;
	bytes = malloc(count + 1);
	if (!bytes)
		return HIDE_WORD_NO_MEMORY;
	if (!read_hex(word + prefix + 2 * TAG_SIZE, bytes, count))
		goto end;
	if (!mix(key, tag, bytes, count) || !mac(key, bytes, count, hash)) {
		result = HIDE_WORD_NO_MEMORY;
		goto end;
	}
	if (CRYPTO_memcmp(hash, tag, TAG_SIZE) != 0)
		goto end;
	bytes[count] = '\0';
	*ret = (char *)bytes;
	return HIDE_WORD_DECODED;
end:
	free(bytes);
	return result;
}
