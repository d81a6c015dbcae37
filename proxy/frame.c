/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIP messages in a stream of bytes. Pure. */
#include "config.h"

#include "proxy/frame.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SIP_VERSION "SIP/2.0"

/* One header, its folded lines included; `value` without blanks around it. */
struct line {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
	const char *start;
	const char *next;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind the line end; NULL: there is none. */
static const char *line_end(const char *at, const char *end)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));

	return lf != NULL ? lf + 1 : NULL;
}

/* Behind the blank line that ends the headers; NULL: not there yet. */
static const char *head_end(const char *data, const char *end)
{
	const char *at = data;

	while ((at = line_end(at, end)) != NULL) {
		if (at < end && *at == '\n')
			return at + 1;
		if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
			return at + 2;
	}
	return NULL;
}

/* The header at `at`; false: no further one. */
static bool next_line(const char *at, const char *end, struct line *line)
{
	const char *colon, *stop;

	line->start = at;
	if (at >= end || *at == '\r' || *at == '\n')
		return false;
	stop = line_end(at, end);
	while (stop != NULL && stop < end && is_blank(*stop))
		stop = line_end(stop, end);
	if (stop == NULL)
		stop = end;
	line->next = stop;
	colon = memchr(at, ':', (size_t)(stop - at));
	if (colon == NULL)
		colon = stop;
	line->name = at;
	line->name_len = (size_t)(colon - at);
	while (line->name_len > 0 && is_blank(at[line->name_len - 1]))
		line->name_len--;
	line->value = colon < stop ? colon + 1 : stop;
	while (line->value < stop && strchr(" \t\r\n", *line->value) != NULL)
		line->value++;
	while (stop > line->value && strchr(" \t\r\n", stop[-1]) != NULL)
		stop--;
	line->value_len = (size_t)(stop - line->value);
	return true;
}

static bool is_named(const struct line *line, const char *name,
		     const char *compact)
{
	return (line->name_len == strlen(name) &&
		strncasecmp(line->name, name, line->name_len) == 0) ||
	       (line->name_len == strlen(compact) &&
		strncasecmp(line->name, compact, line->name_len) == 0);
}

static bool starts_with(const char *data, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(data, word, strlen(word)) == 0;
}

static struct frame bad(const char *data, size_t len, int status,
			const char *reason)
{
	bool is_answer = starts_with(data, len, SIP_VERSION);

	return (struct frame){ .kind = FRAME_BAD,
			       .status = is_answer ? 0 : status,
			       .reason = reason };
}

/* Line ends before a message. */
static struct frame next_blank(const char *data, size_t len)
{
	size_t at = 0;

	if (len >= 4 && memcmp(data, "\r\n\r\n", 4) == 0)
		return (struct frame){ .kind = FRAME_PING, .len = 4 };
	/* The second half of a ping may be on its way. */
	if (len < 4 && memcmp(data, "\r\n\r\n", len) == 0)
		return (struct frame){ .kind = FRAME_MORE };
	while (at < len && (data[at] == '\r' || data[at] == '\n') &&
	       !(at > 0 && len - at >= 4 &&
		 memcmp(data + at, "\r\n\r\n", 4) == 0))
		at++;
	return (struct frame){ .kind = FRAME_BLANK, .len = at };
}

/* The number of Content-Length; false: it is none that can be meant. */
static bool read_length(const struct line *line, size_t *ret)
{
	size_t value = 0;

	if (line->value_len == 0)
		return false;
	for (size_t i = 0; i < line->value_len; i++) {
		char c = line->value[i];

		if (c < '0' || c > '9')
			return false;
		if (value < SIZE_MAX / 100)
			value = value * 10 + (size_t)(c - '0');
	}
	*ret = value;
	return true;
}

/* A first line is "METHOD URI SIP/2.0" or "SIP/2.0 STATUS PHRASE". */
static bool is_first_line(const char *data, const char *next)
{
	const char *end = next - 1;

	if (end > data && end[-1] == '\r')
		end--;
	while (end > data && is_blank(end[-1]))
		end--;
	return starts_with(data, (size_t)(end - data), SIP_VERSION " ") ||
	       ((size_t)(end - data) > strlen(SIP_VERSION) &&
		strncasecmp(end - strlen(SIP_VERSION), SIP_VERSION,
			    strlen(SIP_VERSION)) == 0);
}

/* Some take it for a line end, some do not. */
static bool has_bare_cr(const char *data, const char *end)
{
	for (const char *at = data; (at = memchr(at, '\r', (size_t)(end - at)));
	     at++)
		if (at + 1 == end || at[1] != '\n')
			return true;
	return false;
}

/* Of a head that is complete. */
static struct frame measure(const char *data, size_t len, const char *body,
			    size_t max)
{
	const char *at = line_end(data, body);
	size_t length = 0, head = (size_t)(body - data);
	bool is_known = false;
	struct line line;

	if (memchr(data, '\0', head) != NULL)
		return bad(data, len, 400, "NUL in the headers");
	if (has_bare_cr(data, body))
		return bad(data, len, 400, "CR without LF in the headers");
	if (!is_first_line(data, at))
		return bad(data, len, 400, "not SIP/2.0");
	for (; next_line(at, body, &line); at = line.next) {
		if (!is_named(&line, "Content-Length", "l"))
			continue;
		if (is_known)
			return bad(data, len, 400, "Content-Length twice");
		if (!read_length(&line, &length))
			return bad(data, len, 400, "Content-Length malformed");
		is_known = true;
	}
	if (!is_known)
		return bad(data, len, 400, "Content-Length missing");
	if (length > max - head)
		return bad(data, len, 413, "message too long");
	if (len - head < length)
		return (struct frame){ .kind = FRAME_MORE };
	return (struct frame){ .kind = FRAME_MESSAGE, .len = head + length };
}

struct frame frame_next(const char *data, size_t len, size_t max)
{
	const char *body;

	if (len == 0)
		return (struct frame){ .kind = FRAME_MORE };
	if (data[0] == '\r' || data[0] == '\n')
		return next_blank(data, len);
	if ((unsigned char)data[0] <= ' ' || (unsigned char)data[0] >= 127)
		return bad(data, len, 0, "no SIP");
	body = head_end(data, data + len);
	if (body != NULL && (size_t)(body - data) <= max)
		return measure(data, len, body, max);
	if (len >= max)
		return bad(data, len, 413, "headers too long");
	return (struct frame){ .kind = FRAME_MORE };
}

static bool add(char *answer, size_t *at, const char *text, size_t len)
{
	if (len >= FRAME_ANSWER_MAX - *at)
		return false;
	memcpy(answer + *at, text, len);
	*at += len;
	return true;
}

/* Which of the headers that an answer repeats is this one? */
static int place_of(const struct line *line)
{
	static const struct {
		const char *name, *compact;
	} repeated[] = {
		{ "From", "f" },    { "To", "t" },  { "Call-ID", "i" },
		{ "CSeq", "CSeq" }, { "Via", "v" },
	};

	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++)
		if (is_named(line, repeated[i].name, repeated[i].compact))
			return (int)i;
	return -1;
}

size_t frame_refuse(const struct frame *frame, const char *data, size_t len,
		    char answer[FRAME_ANSWER_MAX])
{
	const char *end = data + len, *at = line_end(data, end);
	unsigned seen = 0;
	char text[128];
	size_t used = 0;
	struct line line;
	int place;

	if (frame->status == 0 || at == NULL || starts_with(data, len, "ACK "))
		return 0;
	snprintf(text, sizeof(text), SIP_VERSION " %d %s\r\n", frame->status,
		 frame->status == 413 ? "Request Entity Too Large" :
					"Bad Request");
	if (!add(answer, &used, text, strlen(text)))
		return 0;
	for (; next_line(at, end, &line); at = line.next) {
		place = place_of(&line);
		if (place < 0 || line.next[-1] != '\n')
			continue;
		/* Only Via may stand more than once. */
		if (place < 4 && (seen & 1U << place) != 0)
			return 0;
		seen |= 1U << place;
		if (!add(answer, &used, line.start,
			 (size_t)(line.next - line.start)))
			return 0;
	}
	if (seen != 31)
		return 0;
	snprintf(text, sizeof(text),
		 "Reason: SIP;cause=%d;text=\"%s\"\r\n"
		 "Content-Length: 0\r\n\r\n",
		 frame->status, frame->reason);
	return add(answer, &used, text, strlen(text)) ? used : 0;
}

/* The transport of the topmost Via; NULL: there is none. */
static const char *find_transport(const char *data, size_t len, size_t *ret_len)
{
	const char *end = data + len, *at = line_end(data, end), *word;
	struct line line;

	for (; at != NULL && next_line(at, end, &line); at = line.next) {
		if (!is_named(&line, "Via", "v"))
			continue;
		end = line.value + line.value_len;
		word = line.value;
		for (int slashes = 0; slashes < 2 && word < end; word++)
			slashes += *word == '/';
		while (word < end && strchr(" \t\r\n", *word) != NULL)
			word++;
		for (*ret_len = 0; word + *ret_len < end &&
				   strchr(" \t\r\n", word[*ret_len]) == NULL;)
			++*ret_len;
		return *ret_len > 0 ? word : NULL;
	}
	return NULL;
}

bool frame_set_transport(char *data, size_t len, const char *transport)
{
	size_t old_len, new_len = strlen(transport);
	const char *found = find_transport(data, len, &old_len);
	char *old;

	if (found == NULL || old_len < new_len)
		return false;
	old = data + (found - data);
	memset(old, ' ', old_len);
	memcpy(old, transport, new_len);
	return true;
}

bool frame_is_transport(const char *data, size_t len, const char *transport)
{
	size_t found_len;
	const char *found = find_transport(data, len, &found_len);

	return found != NULL && found_len == strlen(transport) &&
	       strncasecmp(found, transport, found_len) == 0;
}
