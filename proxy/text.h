/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that grows, and the lines and words of text. */
#ifndef VIADUCT_PROXY_TEXT_H
#define VIADUCT_PROXY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is empty. Growing stops at the first lack of memory. */
struct text {
	char *data; /* owned, ended by NUL; NULL while empty */
	size_t len;
	size_t size;
	bool failed;
};

void text_add(struct text *text, const char *bytes, size_t len);
void text_add_string(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
/* Lower case hex, two digits a byte. */
void text_add_hex(struct text *text, const void *bytes, size_t len);
/* Hands the bytes over to the caller: 0, or -ENOMEM and nothing is left. */
int text_take(struct text *text, char **ret, size_t *ret_len);
void text_done(struct text *text);

/* One line: [at, at + len) without its end, [at, next) with it. */
struct text_line {
	size_t at;
	size_t len;
	size_t next;
};

/* The line that starts at `at`, ended by LF or CRLF; false: no more. */
bool text_line(const char *body, size_t len, size_t at, struct text_line *ret);

struct text_word { /* not ended by NUL */
	const char *text;
	size_t len;
};

/* Cuts the next word from *rest (blanks and tabs part words); false: none. */
bool text_word(struct text_word *rest, struct text_word *ret);
bool text_word_is(struct text_word word, const char *string); /* exactly */
bool text_word_is_case(struct text_word word,
		       const char *string); /* any case */
bool text_word_starts_case(struct text_word word, const char *string);
/* Decimal digits only, at most max. 0 or -EINVAL. */
int text_word_number(struct text_word word, unsigned long max,
		     unsigned long *ret);
/* Without blanks, tabs and line ends at both ends. */
struct text_word text_trim(struct text_word word);
/* The value of a hex digit, or -1. */
int text_hex_value(char c);

#endif
