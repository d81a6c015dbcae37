/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the SDP in a body, and puts an edited one back. Pure. */
#include "config.h"

#include "proxy/mime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/text.h"

#define BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

struct finder {
	const char *body;
	struct mime_part *part;
	size_t parts; /* seen so far, of all depths */
	struct media_error *error;
};

/* The headers of a part that matter. text NULL: absent. */
struct headers {
	struct text_word type;
	struct text_word encoding; /* Content-Encoding */
	struct text_word transfer; /* Content-Transfer-Encoding */
	struct text_word length;
	bool twice; /* one of them is there again */
};

static int refuse(struct finder *finder, int status, const char *text)
{
	finder->error->status = status;
	finder->error->text = text;
	return -EINVAL;
}

static struct text_word word_of(const char *text)
{
	return (struct text_word){ text, text ? strlen(text) : 0 };
}

/* "application/sdp" of "application/sdp; charset=x" */
static bool is_type(struct text_word value, const char *type)
{
	const char *end;

	if (!value.text)
		return false;
	end = memchr(value.text, ';', value.len);
	if (end)
		value.len = (size_t)(end - value.text);
	return text_word_is_case(text_trim(value), type);
}

static bool is_multipart(struct text_word value)
{
	return value.text &&
	       text_word_starts_case(text_trim(value), "multipart/");
}

/* Cuts the next ";name=value" from *rest; quotes are taken off the value. */
static bool next_param(struct text_word *rest, struct text_word *ret_name,
		       struct text_word *ret_value)
{
	const char *start = memchr(rest->text, ';', rest->len);
	const char *end = rest->text + rest->len, *at, *equals;
	bool quoted = false;

	if (!start)
		return false;
	for (at = ++start; at < end && (quoted || *at != ';'); at++) {
		if (*at == '"')
			quoted = !quoted;
	}
	rest->text = at;
	rest->len = (size_t)(end - at);
	*ret_value = (struct text_word){ start, (size_t)(at - start) };
	*ret_name = *ret_value;
	equals = memchr(start, '=', ret_value->len);
	if (equals) {
		ret_name->len = (size_t)(equals - start);
		ret_value->text = equals + 1;
		ret_value->len = (size_t)(at - equals - 1);
	}
	*ret_name = text_trim(*ret_name);
	*ret_value = text_trim(*ret_value);
	if (ret_value->len > 1 && ret_value->text[0] == '"' &&
	    ret_value->text[ret_value->len - 1] == '"') {
		ret_value->text++;
		ret_value->len -= 2;
	}
	return true;
}

static bool boundary_of(struct text_word type, struct text_word *ret)
{
	struct text_word name, value;

	while (next_param(&type, &name, &value)) {
		if (!text_word_is_case(name, "boundary"))
			continue;
		*ret = value;
		return value.len > 0 && value.len <= BOUNDARY_MAX;
	}
	return false;
}

/* "--boundary" or "--boundary--" alone on its line (but for blanks). */
static bool is_delimiter(const char *body, const struct text_line *line,
			 struct text_word boundary, bool *ret_last)
{
	struct text_word rest = { body + line->at, line->len };

	if (rest.len < boundary.len + 2 || memcmp(rest.text, "--", 2) != 0 ||
	    memcmp(rest.text + 2, boundary.text, boundary.len) != 0)
		return false;
	rest.text += boundary.len + 2;
	rest.len -= boundary.len + 2;
	*ret_last = rest.len >= 2 && memcmp(rest.text, "--", 2) == 0;
	if (*ret_last) {
		rest.text += 2;
		rest.len -= 2;
	}
	return text_trim(rest).len == 0;
}

static void read_header(struct text_word line, struct headers *headers)
{
	static const char *const names[] = { "Content-Type",
					     "c",
					     "Content-Encoding",
					     "e",
					     "Content-Transfer-Encoding",
					     "Content-Length",
					     "l" };
	struct text_word *const values[] = {
		&headers->type,     &headers->type,     &headers->encoding,
		&headers->encoding, &headers->transfer, &headers->length,
		&headers->length
	};
	const char *colon = memchr(line.text, ':', line.len);
	struct text_word name = line, value;

	if (!colon)
		return;
	name.len = (size_t)(colon - line.text);
	value.text = colon + 1;
	value.len = line.len - name.len - 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!text_word_is_case(text_trim(name), names[i]))
			continue;
		headers->twice = headers->twice || values[i]->text;
		*values[i] = text_trim(value);
	}
}

static bool is_folded(const char *body, size_t at, size_t to)
{
	return at < to && (body[at] == ' ' || body[at] == '\t');
}

/* Reads the headers at `at`; where the part's own body starts. */
static size_t read_headers(const char *body, size_t at, size_t to,
			   struct headers *headers)
{
	struct text_line line = { .next = at }, more;

	while (text_line(body, to, line.next, &line) && line.len) {
		while (is_folded(body, line.next, to) &&
		       text_line(body, to, line.next, &more)) {
			line.len = more.at + more.len - line.at;
			line.next = more.next;
		}
		read_header((struct text_word){ body + line.at, line.len },
			    headers);
	}
	return line.next;
}

static bool is_plain(const struct headers *headers)
{
	static const char *const plain[] = { "7bit", "8bit", "binary" };

	if (headers->encoding.text &&
	    !text_word_is_case(headers->encoding, "identity"))
		return false;
	if (!headers->transfer.text)
		return true;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (text_word_is_case(headers->transfer, plain[i]))
			return true;
	}
	return false;
}

static int find_parts(struct finder *finder, struct text_word type, size_t at,
		      size_t to, unsigned depth);

/* [at, to) is a part with its headers. */
static int take_part(struct finder *finder, size_t at, size_t to,
		     unsigned depth)
{
	struct headers headers = { 0 };

	if (++finder->parts > MIME_PARTS_MAX)
		return refuse(finder, 488, "too many parts in the body");
	at = read_headers(finder->body, at, to, &headers);
	if (headers.twice)
		return refuse(finder, 488, "a part with a header twice");
	if (is_multipart(headers.type)) {
		if (depth == MIME_DEPTH_MAX)
			return refuse(finder, 488, "parts nested too deep");
		return find_parts(finder, headers.type, at, to, depth + 1);
	}
	if (!is_type(headers.type, "application/sdp"))
		return 0;
	if (!is_plain(&headers))
		return refuse(finder, 415, "encoded SDP");
	if (finder->part->found)
		return refuse(finder, 488, "more than one SDP");
	finder->part->found = true;
	finder->part->sdp = (struct media_span){ (uint32_t)at,
						 (uint32_t)(to - at) };
	if (headers.length.len)
		finder->part->clen = (struct media_span){
			(uint32_t)(headers.length.text - finder->body),
			(uint32_t)headers.length.len
		};
	return 0;
}

/* The line end before a delimiter belongs to the delimiter. */
static size_t part_end(const char *body, size_t start, size_t delimiter)
{
	size_t end = delimiter;

	if (end > start && body[end - 1] == '\n')
		end--;
	if (end > start && body[end - 1] == '\r')
		end--;
	return end;
}

/* The parts of the multipart in [at, to). */
static int find_parts(struct finder *finder, struct text_word type, size_t at,
		      size_t to, unsigned depth)
{
	struct text_line line = { .next = at };
	struct text_word boundary;
	bool inside = false, last = false;
	size_t start = at;

	if (!boundary_of(type, &boundary))
		return refuse(finder, 488, "multipart without a boundary");
	while (!last && text_line(finder->body, to, line.next, &line)) {
		if (!is_delimiter(finder->body, &line, boundary, &last))
			continue;
		if (inside) {
			int r = take_part(finder, start,
					  part_end(finder->body, start,
						   line.at),
					  depth);

			if (r)
				return r;
		}
		inside = true;
		start = line.next;
	}
	if (!last)
		return refuse(finder, 488, "multipart without an end");
	return 0;
}

int mime_find(const char *type, const char *encoding, const char *body,
	      size_t len, struct mime_part *ret, struct media_error *ret_error)
{
	struct mime_part part = { 0 };
	struct finder finder = { body, &part, 0, ret_error };
	struct headers headers = { .type = word_of(type),
				   .encoding = word_of(encoding) };
	int r = 0;

	if (len == 0) {
		*ret = part;
		return 0;
	}
	if (!type && len >= 2 && memcmp(body, "v=", 2) == 0)
		return refuse(&finder, 415, "SDP without a Content-Type");
	if (is_type(headers.type, "application/sdp")) {
		if (!is_plain(&headers))
			return refuse(&finder, 415, "encoded SDP");
		if (len > MEDIA_BODY_MAX)
			return refuse(&finder, 488, "SDP too long");
		part.found = true;
		part.sdp.len = (uint32_t)len;
	} else if (is_multipart(headers.type)) {
		if (!is_plain(&headers))
			return refuse(&finder, 415, "encoded multipart");
		if (len > 2 * MEDIA_BODY_MAX)
			return refuse(&finder, 488, "body too long");
		r = find_parts(&finder, headers.type, 0, len, 1);
	}
	if (r)
		return r;
	*ret = part;
	return 0;
}

int mime_write(const struct mime_part *part, const char *body, size_t len,
	       const char *sdp, size_t sdp_len, char **ret, size_t *ret_len)
{
	size_t behind = part->sdp.at + part->sdp.len, at = 0;
	struct text out = { 0 };
	char number[24];

	if (part->clen.len) {
		snprintf(number, sizeof(number), "%zu", sdp_len);
		text_add(&out, body, part->clen.at);
		text_add_string(&out, number);
		at = part->clen.at + part->clen.len;
	}
	text_add(&out, body + at, part->sdp.at - at);
	text_add(&out, sdp, sdp_len);
	text_add(&out, body + behind, len - behind);
	return text_take(&out, ret, ret_len);
}
