/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text, and allocation that ends the test program when it fails. */
#ifndef PHONE_TEXT_H
#define PHONE_TEXT_H

#include <stddef.h>

struct text {
	char *data; /* owned, always ends in a NUL, NULL while empty */
	size_t length;
	size_t room;
};

#define TEXT_EMPTY         \
	{                  \
		NULL, 0, 0 \
	}

void text_done(struct text *text);
void text_add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const char *bytes, size_t length);
/* Hands the string over to the caller (never NULL) and empties the text. */
char *text_take(struct text *text);

/* Zeroed memory; a phone without memory is no use to a test, so it exits. */
void *need(size_t size);
/* Copy of a string, or NULL for NULL. */
char *copy(const char *string);
/* Replaces *slot, which is freed, by a copy of the string. */
void keep(char **slot, const char *string);
/* 128 random bits, or fewer, as 2 * bytes hexadecimal digits; for tags. */
char *random_word(unsigned bytes);

#endif
