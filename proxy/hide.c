/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes addresses out of headers that the other side may not see. Pure. */
#include "config.h"

#include "proxy/hide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/hide_word.h"
#include "proxy/text.h"

/* A value on its way from `in` to `out`. */
struct pass {
	const struct hide *hide;
	const char *in;
	size_t len;
	struct text out;
	bool changed;
};

static const struct {
	const char *name;
	enum hide_kind kind;
} kinds[] = {
	{ "From", HIDE_ADDRESS },
	{ "f", HIDE_ADDRESS },
	{ "To", HIDE_ADDRESS },
	{ "t", HIDE_ADDRESS },
	{ "Refer-To", HIDE_ADDRESS },
	{ "r", HIDE_ADDRESS },
	{ "Referred-By", HIDE_ADDRESS },
	{ "b", HIDE_ADDRESS },
	{ "Reply-To", HIDE_ADDRESS },
	{ "P-Asserted-Identity", HIDE_ADDRESS },
	{ "P-Preferred-Identity", HIDE_ADDRESS },
	{ "P-Called-Party-ID", HIDE_ADDRESS },
	{ "P-Associated-URI", HIDE_ADDRESS },
	{ "Remote-Party-ID", HIDE_ADDRESS },
	{ "Diversion", HIDE_ADDRESS },
	{ "History-Info", HIDE_ADDRESS },
	{ "Warning", HIDE_TEXT },
	{ "Reason", HIDE_DROP },
	{ "Call-Info", HIDE_DROP },
	{ "Alert-Info", HIDE_DROP },
	{ "Error-Info", HIDE_DROP },
	{ "User-Agent", HIDE_DROP },
	{ "Server", HIDE_DROP },
	{ "Call-ID", HIDE_CALL_ID },
	{ "i", HIDE_CALL_ID },
	{ "Replaces", HIDE_CALL_IDS },
	{ "Join", HIDE_CALL_IDS },
	{ "In-Reply-To", HIDE_CALL_IDS },
	{ "Target-Dialog", HIDE_CALL_IDS },
};

enum hide_kind hide_kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcasecmp(name, kinds[i].name) == 0)
			return kinds[i].kind;
	}
	return HIDE_NOT;
}

bool hide_shown_in_view(const struct ip_addr *addr, void *view)
{
	const struct hide_view *seen = view;
	realm_id where = conf_realm_of(seen->conf, seen->from, addr);

	return where != REALM_NONE &&
	       (where == seen->to || conf_reaches(seen->conf, seen->to, where));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Does a number that is part of an address start at `at`? */
static bool is_start(const char *text, size_t at)
{
	/* "%40" in front of it is one character. */
	if (at >= 3 && text[at - 3] == '%' &&
	    text_hex_value(text[at - 2]) >= 0 &&
	    text_hex_value(text[at - 1]) >= 0)
		return true;
	if (at >= 1 && is_digit(text[at - 1]))
		return false;
	return at < 2 || text[at - 1] != '.' || !is_digit(text[at - 2]);
}

/* Length of "1.1.1.1" at text + at, 0 where there is none. */
static size_t v4_length(const char *text, size_t len, size_t at)
{
	size_t end = at, dots = 0;

	if (!is_digit(text[at]) || !is_start(text, at))
		return 0;
	while (end < len && (is_digit(text[end]) ||
			     (text[end] == '.' && end + 1 < len &&
			      is_digit(text[end + 1]) && ++dots <= 4)))
		end++;
	return dots == 3 ? end - at : 0;
}

/* Length of "[2001:db8::1]" at text + at, 0 where there is none. */
static size_t v6_length(const char *text, size_t len, size_t at)
{
	const char *end;

	if (text[at] != '[')
		return 0;
	end = memchr(text + at, ']', len - at);
	return end ? (size_t)(end + 1 - (text + at)) : 0;
}

/* "[2001:db8:::1.1.1.1]": not one, but what is in it may be; all of it goes. */
static bool is_no_address(const char *text, size_t size)
{
	bool is_like_one = false;

	if (size < 3 || text[0] != '[')
		return false;
	for (size_t i = 1; i < size - 1; i++) {
		if (text_hex_value(text[i]) < 0 && text[i] != ':' &&
		    text[i] != '.')
			return false;
		is_like_one |= text[i] == ':' && text[i + 1] == ':';
	}
	return is_like_one;
}

/* Length of the address at text + at that is hidden; 0: none is there. */
static size_t hidden_length(const struct hide *hide, const char *text,
			    size_t len, size_t at, size_t *ret_seen)
{
	size_t size = v4_length(text, len, at);
	struct ip_addr addr;
	int r = -1;

	*ret_seen = 0;
	if (size) {
		r = ip_addr_parse(text + at, size, &addr);
	} else {
		size = v6_length(text, len, at);
		if (size > 2)
			r = ip_addr_parse(text + at + 1, size - 2, &addr);
	}
	if (r && is_no_address(text + at, size)) {
		*ret_seen = size;
		return size;
	}
	if (r)
		return 0;
	*ret_seen = size;
	return hide->shown(&addr, hide->arg) ? 0 : size;
}

static bool has_hidden(const struct hide *hide, const char *text, size_t len)
{
	size_t seen;

	for (size_t at = 0; at < len; at += seen ? seen : 1) {
		if (hidden_length(hide, text, len, at, &seen))
			return true;
	}
	return false;
}

/* Length of ":5060" at text + at. */
static size_t port_length(const char *text, size_t len, size_t at)
{
	size_t end = at + 1;

	if (at >= len || text[at] != ':')
		return 0;
	while (end < len && is_digit(text[end]))
		end++;
	return end > at + 1 && end - at <= 6 ? end - at : 0;
}

/* An IPv6 address in brackets, whether it comes with them or not. */
static void add_host(struct text *out, const char *host)
{
	bool is_bare = host[0] != '[' && strchr(host, ':') != NULL;

	if (is_bare)
		text_add_string(out, "[");
	text_add_string(out, host);
	if (is_bare)
		text_add_string(out, "]");
}

/* Ours in the place of a hidden host; how much of the input it stands for. */
static size_t replace_host(struct pass *pass, size_t at, size_t size)
{
	size_t port = port_length(pass->in, pass->len, at + size);
	char text[8];

	add_host(&pass->out, pass->hide->host);
	if (port && pass->hide->port) {
		snprintf(text, sizeof(text), ":%u", (unsigned)pass->hide->port);
		text_add_string(&pass->out, text);
	} else if (port) {
		text_add(&pass->out, pass->in + at + size, port);
	}
	pass->changed = true;
	return size + port;
}

/*
 * Length of "sip:user:password@" at `at`: a user part is kept. 0 where no
 * such URI starts.
 */
static size_t user_length(const struct pass *pass, size_t at)
{
	struct text_word rest = { pass->in + at, pass->len - at };
	size_t end;

	if (text_word_starts_case(rest, "sip:"))
		end = at + 4;
	else if (text_word_starts_case(rest, "sips:"))
		end = at + 5;
	else
		return 0;
	for (; end < pass->len; end++) {
		if (pass->in[end] == '@')
			return end + 1 - at;
		if (strchr("<>\",? \t", pass->in[end]))
			return 0;
	}
	return 0;
}

/* One Call-ID, mapped there or back. */
static void pass_call_id(struct pass *pass, const char *text, size_t len)
{
	const struct hide *hide = pass->hide;
	char *other = NULL;

	switch (hide_word_decode(hide->key, text, len, &other)) {
	case HIDE_WORD_NO_MEMORY:
		pass->out.failed = true;
		break;
	case HIDE_WORD_DECODED:
		if (has_hidden(hide, other, strlen(other))) {
			text_add(&pass->out, text, len);
		} else {
			text_add_string(&pass->out, other);
			pass->changed = true;
		}
		break;
	case HIDE_WORD_FOREIGN:
		if (has_hidden(hide, text, len)) {
			hide_word_encode(hide->key, text, len, &pass->out);
			pass->changed = true;
		} else {
			text_add(&pass->out, text, len);
		}
		break;
	}
	free(other);
}

/* Length of "?Replaces=" at `at`; 0 where no header with a Call-ID starts. */
static size_t embedded_length(const struct pass *pass, size_t at)
{
	static const char *const names[] = { "Replaces=", "Join=",
					     "In-Reply-To=", "Target-Dialog=",
					     "Call-ID=" };
	struct text_word rest = { pass->in + at + 1, pass->len - at - 1 };

	if (pass->in[at] != '?' && pass->in[at] != '&')
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_word_starts_case(rest, names[i]))
			return strlen(names[i]) + 1;
	}
	return 0;
}

static void add_escaped(struct text *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    is_digit(c) || strchr("-.!~*'()+_[]/?:$", c)) {
			text_add_char(out, c);
		} else {
			text_add_char(out, '%');
			text_add_hex(out, &c, 1);
		}
	}
}

/* The escaped value, unescaped. What is no escape stays, and so does %00. */
static void add_unescaped(struct text *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;

		if (text[i] == '%' && len - i > 2) {
			high = text_hex_value(text[i + 1]);
			low = text_hex_value(text[i + 2]);
		}
		if (high < 0 || low < 0 || (high | low) == 0) {
			text_add_char(out, text[i]);
			continue;
		}
		text_add_char(out, (char)(high << 4 | low));
		i += 2;
	}
}

/*
 * The Call-ID at the start of an escaped header value; the rest, behind ';',
 * is passed like any other text. How much of the input was taken.
 */
static size_t pass_embedded(struct pass *pass, size_t at)
{
	const char *start = pass->in + at;
	struct pass inner = { .hide = pass->hide };
	struct text plain = { 0 };
	size_t len = 0;

	while (at + len < pass->len && !strchr("&>;, \t", start[len]) &&
	       !(len + at + 2 < pass->len &&
		 strncasecmp(start + len, "%3B", 3) == 0))
		len++;
	add_unescaped(&plain, start, len);
	if (plain.len)
		pass_call_id(&inner, plain.data, plain.len);
	if (plain.failed || inner.out.failed)
		pass->out.failed = true;
	if (inner.changed) {
		add_escaped(&pass->out, inner.out.data, inner.out.len);
		pass->changed = true;
	} else {
		text_add(&pass->out, start, len);
	}
	text_done(&plain);
	text_done(&inner.out);
	return len;
}

static void pass_text(struct pass *pass, bool uris)
{
	const char *in = pass->in;
	size_t at = 0, seen;

	while (at < pass->len) {
		size_t keep = uris ? user_length(pass, at) : 0;
		size_t name = uris ? embedded_length(pass, at) : 0;
		size_t size;

		if (name) {
			text_add(&pass->out, in + at, name);
			at += name;
			at += pass_embedded(pass, at);
			continue;
		}
		if (keep) {
			text_add(&pass->out, in + at, keep);
			at += keep;
			continue;
		}
		size = hidden_length(pass->hide, in, pass->len, at, &seen);
		if (size) {
			at += replace_host(pass, at, size);
		} else {
			keep = seen ? seen : 1;
			text_add(&pass->out, in + at, keep);
			at += keep;
		}
	}
}

/* "call-id;params, call-id;params" */
static void pass_call_ids(struct pass *pass)
{
	size_t at = 0;

	while (at < pass->len) {
		size_t blank = strspn(pass->in + at, " \t,");
		size_t id = strcspn(pass->in + at + blank, " \t,;");
		size_t rest = strcspn(pass->in + at + blank + id, ",");

		text_add(&pass->out, pass->in + at, blank);
		if (id)
			pass_call_id(pass, pass->in + at + blank, id);
		text_add(&pass->out, pass->in + at + blank + id, rest);
		at += blank + id + rest;
	}
}

enum hide_result hide_value(const struct hide *hide, enum hide_kind kind,
			    const char *value, char **ret)
{
	struct pass pass = { .hide = hide, .in = value, .len = strlen(value) };

	switch (kind) {
	case HIDE_NOT:
		return HIDE_SAME;
	case HIDE_DROP:
		return has_hidden(hide, value, pass.len) ? HIDE_DROPPED :
							   HIDE_SAME;
	case HIDE_ADDRESS:
		pass_text(&pass, true);
		break;
	case HIDE_TEXT:
		pass_text(&pass, false);
		break;
	case HIDE_CALL_ID:
		pass_call_id(&pass, value, pass.len);
		break;
	case HIDE_CALL_IDS:
		pass_call_ids(&pass);
		break;
	}
	if (!pass.changed && !pass.out.failed) {
		text_done(&pass.out);
		return HIDE_SAME;
	}
	return text_take(&pass.out, ret, NULL) ? HIDE_NO_MEMORY : HIDE_CHANGED;
}
