/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication of RFC 2617: MD5, qop=auth or none. */
#include "digest.h"

#include <osipparser2/osip_md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum { MD5_BYTES = 16, HASH_TEXT = 2 * MD5_BYTES + 1 };

/* The MD5 of a text, which is consumed, as hexadecimal digits. */
static void hash(struct text *text, char *ret_digits)
{
	unsigned char sum[MD5_BYTES];
	osip_MD5_CTX context;

	osip_MD5Init(&context);
	osip_MD5Update(&context, (unsigned char *)text->data,
		       (unsigned)text->length);
	osip_MD5Final(sum, &context);
	for (int i = 0; i < MD5_BYTES; i++)
		snprintf(ret_digits + 2 * i, 3, "%02x", sum[i]);
	text_done(text);
}

/* Without the quotes that libosip2 leaves on. */
static char *bare(const char *value)
{
	size_t length = strlen(value);
	char *result;

	if (length < 2 || value[0] != '"' || value[length - 1] != '"')
		return copy(value);
	result = copy(value + 1);
	result[length - 2] = '\0';
	return result;
}

static osip_www_authenticate_t *find_challenge(osip_list_t *list)
{
	osip_www_authenticate_t *challenge;

	for (int i = 0; (challenge = osip_list_get(list, i)) != NULL; i++) {
		char *algorithm = challenge->algorithm ?
					  bare(challenge->algorithm) :
					  copy("MD5");
		bool fits = !strcasecmp(algorithm, "MD5");

		free(algorithm);
		if (fits && challenge->realm && challenge->nonce)
			return challenge;
	}
	return NULL;
}

static bool offers_auth(const char *qop)
{
	char *list = bare(qop);
	char *rest = list;
	bool found = false;

	for (char *word; (word = strsep(&rest, ", ")) != NULL;)
		found = found || !strcasecmp(word, "auth");
	free(list);
	return found;
}

struct parts {
	char *realm;  /* owned */
	char *nonce;  /* owned */
	char *cnonce; /* owned, NULL without qop */
	char response[HASH_TEXT];
};

static void compute(struct parts *parts, const struct digest_user *user,
		    const char *method, const char *uri)
{
	struct text text = TEXT_EMPTY;
	char ha1[HASH_TEXT], ha2[HASH_TEXT];

	text_add(&text, "%s:%s:%s", user->name, parts->realm, user->password);
	hash(&text, ha1);
	text_add(&text, "%s:%s", method, uri);
	hash(&text, ha2);
	if (parts->cnonce)
		text_add(&text, "%s:%s:00000001:%s:auth:%s", ha1, parts->nonce,
			 parts->cnonce, ha2);
	else
		text_add(&text, "%s:%s:%s", ha1, parts->nonce, ha2);
	hash(&text, parts->response);
}

char *digest_answer(const struct message *challenge,
		    const struct digest_user *user, const char *method,
		    const char *uri)
{
	bool is_proxy = message_status(challenge) == 407;
	osip_www_authenticate_t *header = find_challenge(
		is_proxy ? &challenge->sip->proxy_authenticates :
			   &challenge->sip->www_authenticates);
	struct text line = TEXT_EMPTY;
	struct parts parts = { .cnonce = NULL };

	if (!header)
		return NULL;
	parts.realm = bare(header->realm);
	parts.nonce = bare(header->nonce);
	if (header->qop_options && offers_auth(header->qop_options))
		parts.cnonce = random_word(8);
	compute(&parts, user, method, uri);

	text_add(&line,
		 "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\", algorithm=MD5",
		 is_proxy ? "Proxy-Authorization" : "Authorization", user->name,
		 parts.realm, parts.nonce, uri, parts.response);
	if (parts.cnonce)
		text_add(&line, ", cnonce=\"%s\", qop=auth, nc=00000001",
			 parts.cnonce);
	if (header->opaque)
		text_add(&line, ", opaque=%s", header->opaque);
	text_add(&line, "\r\n");
	free(parts.realm);
	free(parts.nonce);
	free(parts.cnonce);
	return text_take(&line);
}
