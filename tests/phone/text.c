/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing text, and allocation that ends the test program when it fails. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void die(void)
{
	fputs("phone: out of memory\n", stderr);
	exit(3);
}

void *need(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		die();
	return memory;
}

char *copy(const char *string)
{
	char *result;

	if (!string)
		return NULL;
	result = strdup(string);
	if (!result)
		die();
	return result;
}

void keep(char **slot, const char *string)
{
	char *old = *slot;

	*slot = copy(string);
	free(old);
}

static void reserve(struct text *text, size_t more)
{
	size_t room = text->room ? text->room : 512;
	char *data;

	if (text->length + more + 1 <= text->room)
		return;
	while (room < text->length + more + 1)
		room *= 2;
	data = realloc(text->data, room);
	if (!data)
		die();
	text->data = data;
	text->room = room;
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text)TEXT_EMPTY;
}

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	reserve(text, length);
	if (length)
		memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
	char *line = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&line, format, args);
	va_end(args);
	if (length < 0)
		die();
	text_add_bytes(text, line, (size_t)length);
	free(line);
}

char *text_take(struct text *text)
{
	char *result;

	reserve(text, 0);
	result = text->data;
	result[text->length] = '\0';
	*text = (struct text)TEXT_EMPTY;
	return result;
}

char *random_word(unsigned bytes)
{
	unsigned char raw[16];
	struct text word = TEXT_EMPTY;

	if (bytes > sizeof(raw))
		bytes = sizeof(raw);
	if (getrandom(raw, bytes, 0) != (ssize_t)bytes)
		die();
	for (unsigned i = 0; i < bytes; i++)
		text_add(&word, "%02x", raw[i]);
	return text_take(&word);
}
