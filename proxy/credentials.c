/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of an Authorization header taken apart. Pure. */
#include "config.h"

#include "proxy/credentials.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *const names[CREDENTIALS_FIELDS] = {
	[CREDENTIALS_USERNAME] = "username",
	[CREDENTIALS_REALM] = "realm",
	[CREDENTIALS_NONCE] = "nonce",
	[CREDENTIALS_URI] = "uri",
	[CREDENTIALS_RESPONSE] = "response",
	[CREDENTIALS_ALGORITHM] = "algorithm",
	[CREDENTIALS_CNONCE] = "cnonce",
	[CREDENTIALS_OPAQUE] = "opaque",
	[CREDENTIALS_QOP] = "qop",
	[CREDENTIALS_NC] = "nc",
};

/* A folded header may hold line ends. */
static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

static size_t token_length(const char *text)
{
	return strcspn(text, " \t\r\n,=\"\\()<>@;:/[]?{}");
}

/* Behind the value, or NULL: malformed. *ret is without quotes. */
static const char *read_value(const char *text, struct text_word *ret)
{
	if (*text != '"') {
		ret->text = text;
		ret->len = strcspn(text, " \t\r\n,\"");
		return ret->len ? text + ret->len : NULL;
	}
	ret->text = ++text;
	while (*text && *text != '"') {
		if (*text == '\\' && *++text == '\0')
			return NULL;
		text++;
	}
	if (*text != '"')
		return NULL;
	ret->len = (size_t)(text - ret->text);
	return text + 1;
}

static int store(struct credentials *credentials, struct text_word name,
		 struct text_word value)
{
	for (size_t i = 0; i < CREDENTIALS_FIELDS; i++) {
		struct text_word *field = &credentials->fields[i];

		if (!text_word_is_case(name, names[i]))
			continue;
		if (field->text)
			return -EINVAL;
		*field = value;
		if (i != CREDENTIALS_USERNAME && i != CREDENTIALS_REALM &&
		    i != CREDENTIALS_OPAQUE &&
		    memchr(value.text, '\\', value.len))
			return -EINVAL;
	}
	return 0;
}

/* One "name=value"; behind it, or NULL: malformed. */
static const char *read_parameter(const char *text,
				  struct credentials *credentials)
{
	struct text_word name = { text, token_length(text) }, value;

	if (name.len == 0)
		return NULL;
	text = skip_blanks(text + name.len);
	if (*text != '=')
		return NULL;
	text = read_value(skip_blanks(text + 1), &value);
	if (!text || store(credentials, name, value))
		return NULL;
	return skip_blanks(text);
}

static int unescape(struct text_word word, char buf[CREDENTIALS_NAME_MAX])
{
	size_t out = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.text[i] == '\\')
			i++;
		if (out + 1 == CREDENTIALS_NAME_MAX)
			return -EINVAL;
		buf[out++] = word.text[i];
	}
	buf[out] = '\0';
	return 0;
}

int credentials_parse(const char *text, struct credentials *ret)
{
	size_t scheme;

	memset(ret, 0, sizeof(*ret));
	text = skip_blanks(text);
	scheme = token_length(text);
	if (scheme != strlen("Digest") ||
	    strncasecmp(text, "Digest", scheme) != 0)
		return -ENOENT;
	text = skip_blanks(text + scheme);
	for (;;) {
		text = read_parameter(text, ret);
		if (!text)
			return -EINVAL;
		if (*text == '\0')
			break;
		if (*text != ',')
			return -EINVAL;
		text = skip_blanks(text + 1);
	}
	if (unescape(ret->fields[CREDENTIALS_USERNAME], ret->username) ||
	    unescape(ret->fields[CREDENTIALS_REALM], ret->realm))
		return -EINVAL;
	return 0;
}
