/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers a carrier's challenge. Pure. */
#include "config.h"

#include "proxy/challenge.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/credentials.h"

#define HASH_TEXT 65 /* SHA-256 in hex, with NUL */

/* Of texts with ':' between them, in hex; ends with NULL. */
static bool hash(const EVP_MD *md, char ret[HASH_TEXT], ...)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool good = context && EVP_DigestInit_ex(context, md, NULL);
	bool is_first = true;
	const char *text;
	va_list args;

	va_start(args, ret);
	while (good && (text = va_arg(args, const char *)) != NULL) {
		good = (is_first || EVP_DigestUpdate(context, ":", 1)) &&
		       EVP_DigestUpdate(context, text, strlen(text));
		is_first = false;
	}
	va_end(args);
	good = good && EVP_DigestFinal_ex(context, bytes, &len);
	EVP_MD_CTX_free(context);
	for (unsigned i = 0; good && i < len; i++)
		snprintf(ret + 2 * (size_t)i, 3, "%02x", bytes[i]);
	return good;
}

static const EVP_MD *algorithm_of(struct text_word word)
{
	if (!word.text || text_word_is_case(word, "MD5"))
		return EVP_md5();
	return text_word_is_case(word, "SHA-256") ? EVP_sha256() : NULL;
}

/* "auth" in a list with commas. */
static bool has_auth(struct text_word qop)
{
	while (qop.len) {
		const char *comma = memchr(qop.text, ',', qop.len);
		size_t len = comma ? (size_t)(comma - qop.text) : qop.len;
		struct text_word one = { qop.text, len };

		if (text_word_is_case(text_trim(one), "auth"))
			return true;
		if (!comma)
			return false;
		qop.text += len + 1;
		qop.len -= len + 1;
	}
	return false;
}

static bool is_quotable(const char *text)
{
	return !strpbrk(text, "\"\\\r\n");
}

int challenge_answer(const char *challenge, const struct challenge_query *query,
		     char buf[CHALLENGE_ANSWER_SIZE])
{
	char ha1[HASH_TEXT], ha2[HASH_TEXT], response[HASH_TEXT];
	char nonce[512], opaque[600] = "", qop[160] = "";
	struct credentials parsed;
	const struct text_word *fields = parsed.fields;
	const EVP_MD *md;
	bool is_qop, good;
	int r, len;

	r = credentials_parse(challenge, &parsed);
	if (r < 0)
		return r;
	if (!fields[CREDENTIALS_REALM].text ||
	    strcasecmp(parsed.realm, query->auth_realm) != 0)
		return -ENOENT;
	if (!fields[CREDENTIALS_NONCE].text ||
	    fields[CREDENTIALS_NONCE].len >= sizeof(nonce) ||
	    fields[CREDENTIALS_OPAQUE].len > 512 || !is_quotable(query->user) ||
	    !is_quotable(query->uri) || !is_quotable(parsed.realm))
		return -EINVAL;
	md = algorithm_of(fields[CREDENTIALS_ALGORITHM]);
	is_qop = fields[CREDENTIALS_QOP].text != NULL;
	if (!md || (is_qop && !has_auth(fields[CREDENTIALS_QOP])))
		return -ENOTSUP;
	snprintf(nonce, sizeof(nonce), "%.*s",
		 (int)fields[CREDENTIALS_NONCE].len,
		 fields[CREDENTIALS_NONCE].text);
	good = hash(md, ha1, query->user, parsed.realm, query->password,
		    NULL) &&
	       hash(md, ha2, query->method, query->uri, NULL);
	if (is_qop)
		good = good && hash(md, response, ha1, nonce, "00000001",
				    query->cnonce, "auth", ha2, NULL);
	else
		good = good && hash(md, response, ha1, nonce, ha2, NULL);
	if (!good)
		return -ENOTSUP;
	if (fields[CREDENTIALS_OPAQUE].text)
		snprintf(opaque, sizeof(opaque), ", opaque=\"%.*s\"",
			 (int)fields[CREDENTIALS_OPAQUE].len,
			 fields[CREDENTIALS_OPAQUE].text);
	if (is_qop)
		snprintf(qop, sizeof(qop),
			 ", qop=auth, nc=00000001, cnonce=\"%s\"",
			 query->cnonce);
	len = snprintf(buf, CHALLENGE_ANSWER_SIZE,
		       "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		       "uri=\"%s\", response=\"%s\", algorithm=%s%s%s",
		       query->user, parsed.realm, nonce, query->uri, response,
		       md == EVP_md5() ? "MD5" : "SHA-256", opaque, qop);
	return len < CHALLENGE_ANSWER_SIZE ? 0 : -ENAMETOOLONG;
}
