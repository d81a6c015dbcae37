/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that grows, and the lines and words of text. Pure. */
#include "config.h"

#include "proxy/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool text_reserve(struct text *text, size_t more)
{
	size_t size = text->size ? text->size : 256;
	char *data;

	if (text->failed)
		return false;
	if (more < text->size - text->len && text->data)
		return true;
	while (size - text->len <= more)
		size *= 2;
	data = realloc(text->data, size);
	if (!data) {
		text->failed = true;
		return false;
	}
	text->data = data;
	text->size = size;
	return true;
}

void text_add(struct text *text, const char *bytes, size_t len)
{
	if (!text_reserve(text, len))
		return;
	if (len)
		memcpy(text->data + text->len, bytes, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
	text_add(text, &c, 1);
}

void text_add_hex(struct text *text, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < len; i++) {
		text_add_char(text, digits[byte[i] >> 4]);
		text_add_char(text, digits[byte[i] & 15]);
	}
}

int text_take(struct text *text, char **ret, size_t *ret_len)
{
	text_add(text, "", 0);
	if (text->failed) {
		text_done(text);
		return -ENOMEM;
	}
	*ret = text->data;
	if (ret_len)
		*ret_len = text->len;
	memset(text, 0, sizeof(*text));
	return 0;
}

void text_done(struct text *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}

bool text_line(const char *body, size_t len, size_t at, struct text_line *ret)
{
	const char *end;

	if (at >= len)
		return false;
	ret->at = at;
	end = memchr(body + at, '\n', len - at);
	if (!end) {
		ret->len = len - at;
		ret->next = len;
		return true;
	}
	ret->len = (size_t)(end - body) - at;
	ret->next = at + ret->len + 1;
	if (ret->len && body[at + ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool text_word(struct text_word *rest, struct text_word *ret)
{
	size_t start = 0, end;

	while (start < rest->len && is_blank(rest->text[start]))
		start++;
	if (start == rest->len)
		return false;
	for (end = start; end < rest->len && !is_blank(rest->text[end]); end++)
		;
	ret->text = rest->text + start;
	ret->len = end - start;
	rest->text += end;
	rest->len -= end;
	return true;
}

bool text_word_is(struct text_word word, const char *string)
{
	return word.len == strlen(string) &&
	       memcmp(word.text, string, word.len) == 0;
}

bool text_word_is_case(struct text_word word, const char *string)
{
	return word.len == strlen(string) &&
	       strncasecmp(word.text, string, word.len) == 0;
}

bool text_word_starts_case(struct text_word word, const char *string)
{
	size_t len = strlen(string);

	return word.len >= len && strncasecmp(word.text, string, len) == 0;
}

int text_word_number(struct text_word word, unsigned long max,
		     unsigned long *ret)
{
	unsigned long number = 0;

	if (word.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.text[i];

		if (c < '0' || c > '9')
			return -EINVAL;
		number = number * 10 + (unsigned long)(c - '0');
		if (number > max)
			return -EINVAL;
	}
	*ret = number;
	return 0;
}

/* A folded header has line ends among its blanks. */
static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

struct text_word text_trim(struct text_word word)
{
	while (word.len && is_space(word.text[0])) {
		word.text++;
		word.len--;
	}
	while (word.len && is_space(word.text[word.len - 1]))
		word.len--;
	return word;
}

int text_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
