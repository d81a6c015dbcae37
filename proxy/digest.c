/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication of our users. Pure but for its table of nonces. */
#include "config.h"

#include "proxy/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/credentials.h"
#include "proxy/nonce.h"
#include "proxy/uri.h"

#define HASH_TEXT USERS_HA1_TEXT

_Static_assert(DIGEST_KEY_SIZE == NONCE_KEY_SIZE, "one key serves both");
_Static_assert(DIGEST_RANDOM_SIZE == NONCE_RANDOM_SIZE, "a nonce's random");

struct digest {
	struct nonce_table nonces;
	char no_ha1[HASH_TEXT]; /* stands in for that of an unknown user */
};

struct digest *digest_new(const uint8_t key[DIGEST_KEY_SIZE], uint64_t seed)
{
	struct digest *digest = calloc(1, sizeof(*digest));

	if (!digest)
		return NULL;
	memcpy(digest->nonces.key, key, DIGEST_KEY_SIZE);
	digest->nonces.seed = seed;
	memset(digest->no_ha1, '0', HASH_TEXT - 1);
	return digest;
}

void digest_free(struct digest *digest)
{
	if (digest)
		OPENSSL_cleanse(digest, sizeof(*digest));
	free(digest);
}

static const char *algorithm_name(enum users_algorithm algorithm)
{
	return algorithm == USERS_SHA256 ? "SHA-256" : "MD5";
}

int digest_challenge(const struct digest *digest, const char *auth_realm,
		     enum users_algorithm algorithm,
		     const struct ip_addr *source, uint64_t now_ms,
		     const uint8_t random[DIGEST_RANDOM_SIZE], bool stale,
		     char buf[DIGEST_CHALLENGE_SIZE])
{
	struct nonce nonce = { .time_ms = now_ms };
	char text[NONCE_TEXT];
	int len;

	if (strpbrk(auth_realm, "\"\\"))
		return -EINVAL;
	memcpy(&nonce.random, random, sizeof(nonce.random));
	nonce_format(&digest->nonces, &nonce, source, auth_realm, text);
	len = snprintf(buf, DIGEST_CHALLENGE_SIZE,
		       "Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, "
		       "qop=\"auth\"%s",
		       auth_realm, text, algorithm_name(algorithm),
		       stale ? ", stale=true" : "");
	return len < DIGEST_CHALLENGE_SIZE ? 0 : -ENAMETOOLONG;
}

/* The hash of words with ':' between them, in hex. */
static bool hash_words(enum users_algorithm algorithm,
		       const struct text_word *words, size_t count,
		       char ret[HASH_TEXT])
{
	const EVP_MD *type = algorithm == USERS_SHA256 ? EVP_sha256() :
							 EVP_md5();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	bool good = context && EVP_DigestInit_ex(context, type, NULL);
	unsigned len = 0;

	for (size_t i = 0; good && i < count; i++) {
		good = (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
		       EVP_DigestUpdate(context, words[i].text, words[i].len);
	}
	good = good && EVP_DigestFinal_ex(context, hash, &len);
	EVP_MD_CTX_free(context);
	for (size_t i = 0; good && i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", hash[i]);
	return good;
}

static struct text_word word_of(const char *text)
{
	return (struct text_word){ text, strlen(text) };
}

/* H(HA1:nonce:nc:cnonce:qop:H(method:uri)) against what was sent. */
static bool is_response_right(enum users_algorithm algorithm,
			      const struct text_word *fields,
			      const char *method, const char *ha1)
{
	struct text_word request[] = { word_of(method),
				       fields[CREDENTIALS_URI] };
	size_t len = fields[CREDENTIALS_RESPONSE].len;
	char ha2[HASH_TEXT], want[HASH_TEXT], got[HASH_TEXT];
	struct text_word all[] = {
		{ ha1, len },
		fields[CREDENTIALS_NONCE],
		fields[CREDENTIALS_NC],
		fields[CREDENTIALS_CNONCE],
		fields[CREDENTIALS_QOP],
		{ ha2, len },
	};

	if (!hash_words(algorithm, request, 2, ha2) ||
	    !hash_words(algorithm, all, 6, want))
		return false;
	/* Hex is hex in either case. */
	for (size_t i = 0; i < len; i++) {
		int digit = text_hex_value(
			fields[CREDENTIALS_RESPONSE].text[i]);

		got[i] = digit < 0 ? '?' : "0123456789abcdef"[digit];
	}
	return CRYPTO_memcmp(want, got, len) == 0;
}

/* MD5 where it is not named (RFC 7616, 3.4). */
static bool read_algorithm(struct text_word name, enum users_algorithm *ret)
{
	*ret = name.text && text_word_is_case(name, "SHA-256") ? USERS_SHA256 :
								 USERS_MD5;
	return !name.text || text_word_is_case(name, algorithm_name(*ret));
}

/* All that RFC 2617 wants of a response to qop="auth". */
static bool is_complete(const struct text_word *fields,
			enum users_algorithm *ret_algorithm, uint32_t *ret_nc)
{
	struct text_word nc = fields[CREDENTIALS_NC];
	uint32_t number = 0;

	if (!fields[CREDENTIALS_USERNAME].len || !fields[CREDENTIALS_URI].len ||
	    !fields[CREDENTIALS_CNONCE].len || !fields[CREDENTIALS_NONCE].len)
		return false;
	if (!read_algorithm(fields[CREDENTIALS_ALGORITHM], ret_algorithm))
		return false;
	if (!text_word_is_case(fields[CREDENTIALS_QOP], "auth") ||
	    fields[CREDENTIALS_RESPONSE].len !=
		    (*ret_algorithm == USERS_SHA256 ? 64 : 32) ||
	    nc.len != 8)
		return false;
	for (size_t i = 0; i < nc.len; i++) {
		int digit = text_hex_value(nc.text[i]);

		if (digit < 0)
			return false;
		number = number << 4 | (unsigned)digit;
	}
	*ret_nc = number;
	return true;
}

/* Phones leave out or add parameters; the target must be the same. */
static bool is_uri_right(struct text_word uri, const char *request_uri)
{
	struct uri a, b;

	if (text_word_is(uri, request_uri))
		return true;
	return uri_parse(uri.text, uri.len, &a) == 0 &&
	       uri_parse(request_uri, strlen(request_uri), &b) == 0 &&
	       uri_equal(&a, &b);
}

/*
 * Every step is taken for known and unknown users alike; only right
 * credentials use up an nc, so nobody else can spoil a nonce.
 */
static enum digest_result check(struct digest *digest,
				const struct users *users,
				const struct digest_query *query,
				const struct credentials *credentials,
				const struct users_account **ret_account)
{
	const struct text_word *fields = credentials->fields;
	struct text_word text = fields[CREDENTIALS_NONCE];
	const struct users_account *account;
	enum users_algorithm algorithm;
	struct nonce nonce = { 0 };
	bool right, fresh;
	uint32_t nc;

	if (!is_complete(fields, &algorithm, &nc))
		return DIGEST_REFUSED;
	account = users_find(users, credentials->username, query->auth_realm);
	if (account && account->algorithm != algorithm)
		account = NULL;
	right = is_response_right(algorithm, fields, query->method,
				  account ? account->ha1 : digest->no_ha1);
	fresh = nonce_check(&digest->nonces, text.text, text.len,
			    &query->source, query->auth_realm, query->now_ms,
			    &nonce);
	if (!is_uri_right(fields[CREDENTIALS_URI], query->request_uri) ||
	    !right || !account)
		return DIGEST_REFUSED;
	if (!fresh || !nonce_use(&digest->nonces, &nonce, nc, query->now_ms))
		return DIGEST_STALE;
	if (query->aor_user && strcmp(query->aor_user, account->user) != 0)
		return DIGEST_FORBIDDEN;
	*ret_account = account;
	return DIGEST_OK;
}

enum digest_result digest_verify(struct digest *digest,
				 const struct users *users,
				 const struct digest_query *query,
				 const struct users_account **ret_account)
{
	for (size_t i = 0; i < query->credential_count; i++) {
		struct credentials credentials;
		int r = credentials_parse(query->credentials[i], &credentials);

		if (r == -EINVAL)
			return DIGEST_MALFORMED;
		if (r == 0 && strcmp(credentials.realm, query->auth_realm) == 0)
			return check(digest, users, query, &credentials,
				     ret_account);
	}
	return DIGEST_ABSENT;
}

bool digest_is_ours(const char *text, const char *auth_realm)
{
	struct credentials credentials;

	return credentials_parse(text, &credentials) == 0 &&
	       strcmp(credentials.realm, auth_realm) == 0;
}
