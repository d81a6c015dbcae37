/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP URI taken apart. Pure. */
#include "config.h"

#include "proxy/uri.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "proxy/text.h"

static bool part_equal(struct uri_part a, struct uri_part b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.text, b.text, a.len) == 0);
}

static bool part_equal_case(struct uri_part a, struct uri_part b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp(a.text, b.text, a.len) == 0);
}

/* Cuts what is behind `mark` off *part into *ret. */
static bool cut(struct uri_part *part, char mark, struct uri_part *ret)
{
	const char *at = part->len ? memchr(part->text, mark, part->len) : NULL;

	if (!at)
		return false;
	ret->text = at + 1;
	ret->len = part->len - (size_t)(at + 1 - part->text);
	part->len = (size_t)(at - part->text);
	return true;
}

static enum uri_scheme scheme_of(struct uri_part scheme)
{
	struct text_word word = { scheme.text, scheme.len };

	if (text_word_is_case(word, "sip"))
		return URI_SIP;
	if (text_word_is_case(word, "sips"))
		return URI_SIPS;
	return text_word_is_case(word, "tel") ? URI_TEL : URI_OTHER;
}

/* "host", "host:port", "[v6]:port" */
static int read_host(struct uri_part text, struct uri *uri)
{
	struct uri_part port = { 0 };
	unsigned long number;

	uri->host = text;
	if (text.len && text.text[0] == '[') {
		const char *end = memchr(text.text, ']', text.len);

		if (!end)
			return -EINVAL;
		uri->host.len = (size_t)(end + 1 - text.text);
		port.text = end + 1;
		port.len = text.len - uri->host.len;
		if (port.len && *port.text != ':')
			return -EINVAL;
		if (!port.len)
			return 0;
		port.text++;
		port.len--;
	} else if (!cut(&uri->host, ':', &port)) {
		return uri->host.len ? 0 : -EINVAL;
	}
	if (uri->host.len == 0 ||
	    text_word_number((struct text_word){ port.text, port.len },
			     UINT16_MAX, &number) ||
	    number == 0)
		return -EINVAL;
	uri->port = (uint16_t)number;
	return 0;
}

int uri_parse(const char *text, size_t len, struct uri *ret)
{
	struct uri uri = { .scheme = URI_OTHER };
	struct uri_part scheme = { text, len }, rest, behind;
	const char *at;
	int r;

	if (!cut(&scheme, ':', &rest) || scheme.len == 0 || rest.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == '<' ||
		    text[i] == '>' || text[i] == 127)
			return -EINVAL;
	}
	uri.scheme = scheme_of(scheme);
	if (uri.scheme == URI_OTHER) {
		*ret = uri;
		return 0;
	}
	if (uri.scheme == URI_TEL) {
		cut(&rest, ';', &uri.params);
		uri.user = rest;
		*ret = uri;
		return rest.len ? 0 : -EINVAL;
	}
	/* A user part may hold ';' and '?', but no '@'. */
	at = memchr(rest.text, '@', rest.len);
	if (at) {
		uri.user.text = rest.text;
		uri.user.len = (size_t)(at - rest.text);
		rest.len -= uri.user.len + 1;
		rest.text = at + 1;
		cut(&uri.user, ':', &behind);
	}
	cut(&rest, '?', &uri.headers);
	cut(&rest, ';', &uri.params);
	r = read_host(rest, &uri);
	if (r == 0)
		*ret = uri;
	return r;
}

bool uri_param(const struct uri *uri, const char *name, struct uri_part *ret)
{
	struct uri_part rest = uri->params, next;

	while (rest.len) {
		struct uri_part value = { rest.text, 0 };
		bool more = cut(&rest, ';', &next);

		cut(&rest, '=', &value);
		if (text_word_is_case((struct text_word){ rest.text, rest.len },
				      name)) {
			*ret = value;
			return true;
		}
		if (!more)
			return false;
		rest = next;
	}
	return false;
}

bool uri_equal(const struct uri *a, const struct uri *b)
{
	static const char *const names[] = { "user", "ttl", "method", "maddr",
					     "transport" };

	if (a->scheme != b->scheme || a->scheme == URI_OTHER ||
	    !part_equal(a->user, b->user) || !part_equal_case(a->host, b->host))
		return false;
	if ((a->port ? a->port : 5060) != (b->port ? b->port : 5060))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct uri_part left, right;

		if (uri_param(a, names[i], &left) &&
		    uri_param(b, names[i], &right) &&
		    !part_equal_case(left, right))
			return false;
	}
	return true;
}

int uri_unescape(struct uri_part part, char *buf, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < part.len; i++) {
		char c = part.text[i];

		if (c == '%') {
			int high, low;

			if (part.len - i < 3)
				return -EINVAL;
			high = text_hex_value(part.text[i + 1]);
			low = text_hex_value(part.text[i + 2]);
			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (out + 1 >= size)
			return -ENAMETOOLONG;
		buf[out++] = c;
	}
	buf[out] = '\0';
	return 0;
}
