/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON as aligned text for people. */
#include "config.h"

#include "cli/columns.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32
#define DEPTH_MAX   4

static void write_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte >= ' ' && byte <= '~')
			fputc(byte, out);
		else
			fprintf(out, "\\x%02x", byte);
	}
}

static void write_cell(FILE *out, json_t *value, unsigned depth)
{
	json_t *item;
	const char *key;
	size_t i;

	if (json_is_string(value)) {
		write_text(out, json_string_value(value));
	} else if (json_is_integer(value)) {
		fprintf(out, "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
	} else if (json_is_real(value)) {
		fprintf(out, "%g", json_real_value(value));
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "yes" : "no", out);
	} else if (json_is_array(value) && json_array_size(value) > 0 &&
		   depth < DEPTH_MAX) {
		json_array_foreach(value, i, item)
		{
			fputs(i > 0 ? "; " : "", out);
			write_cell(out, item, depth + 1);
		}
	} else if (json_is_object(value) && json_object_size(value) > 0 &&
		   depth < DEPTH_MAX) {
		i = 0;
		json_object_foreach(value, key, item)
		{
			fputs(i++ > 0 ? " " : "", out);
			write_text(out, key);
			fputc('=', out);
			write_cell(out, item, depth + 1);
		}
	} else {
		fputc('-', out);
	}
}

char *columns_cell(json_t *value)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	write_cell(out, value, 0);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void print_padded(FILE *out, const char *text, size_t width, bool last)
{
	fputs(text, out);
	if (last) {
		fputc('\n', out);
		return;
	}
	for (size_t len = strlen(text); len < width + 2; len++)
		fputc(' ', out);
}

/* "expires_in" -> "EXPIRES-IN" */
static void print_heading(FILE *out, const char *name, size_t width, bool last)
{
	char heading[64];
	size_t i;

	for (i = 0; name[i] && i < sizeof(heading) - 1; i++)
		heading[i] = name[i] == '_' ?
				     '-' :
				     (char)toupper((unsigned char)name[i]);
	heading[i] = '\0';
	print_padded(out, heading, width, last);
}

static size_t column_width(json_t *rows, const char *name)
{
	size_t width = strlen(name), i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		char *cell = columns_cell(json_object_get(row, name));

		if (cell && strlen(cell) > width)
			width = strlen(cell);
		free(cell);
	}
	return width;
}

static size_t keys_of(json_t *row, const char **ret)
{
	size_t count = 0;
	const char *key;
	json_t *item;

	json_object_foreach(row, key, item)
	{
		if (count < COLUMNS_MAX)
			ret[count++] = key;
	}
	return count;
}

void columns_print(FILE *out, json_t *rows, const char *const *columns)
{
	size_t widths[COLUMNS_MAX], count = 0, i;
	const char *names[COLUMNS_MAX];
	json_t *row;

	if (!columns)
		count = keys_of(json_array_get(rows, 0), names);
	for (; columns && columns[count] && count < COLUMNS_MAX; count++)
		names[count] = columns[count];
	for (size_t c = 0; c < count; c++)
		widths[c] = column_width(rows, names[c]);
	for (size_t c = 0; c < count; c++)
		print_heading(out, names[c], widths[c], c + 1 == count);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < count; c++) {
			char *cell = columns_cell(
				json_object_get(row, names[c]));

			print_padded(out, cell ? cell : "?", widths[c],
				     c + 1 == count);
			free(cell);
		}
	}
}

void columns_print_members(FILE *out, json_t *object)
{
	size_t width = 0;
	const char *key;
	json_t *item;

	json_object_foreach(object, key, item)
	{
		if (strlen(key) > width)
			width = strlen(key);
	}
	json_object_foreach(object, key, item)
	{
		char *cell = columns_cell(item);

		print_padded(out, key, width, false);
		fprintf(out, "%s\n", cell ? cell : "?");
		free(cell);
	}
}
