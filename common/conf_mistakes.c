/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistakes of a configuration: collected, then printed in order. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

struct conf_mistake {
	char *path;
	char *text;
	unsigned line;
	bool is_note;
	bool is_first; /* of the file that is printed first */
	size_t place;  /* keeps the order of those of one line */
};

static void __attribute__((format(printf, 5, 0)))
add(struct conf_mistakes *mistakes, bool is_note, const char *path,
    unsigned line, const char *format, va_list args)
{
	struct conf_mistake *items, mistake = { .line = line };

	if (!is_note)
		mistakes->errors++;
	items = reallocarray(mistakes->items, mistakes->count + 1,
			     sizeof(*items));
	if (!items)
		goto fail;
	mistakes->items = items;
	mistake.is_note = is_note;
	mistake.place = mistakes->count;
	mistake.path = strdup(path);
	if (vasprintf(&mistake.text, format, args) < 0)
		mistake.text = NULL;
	if (!mistake.path || !mistake.text) {
		free(mistake.path);
		free(mistake.text);
		goto fail;
	}
	items[mistakes->count++] = mistake;
	return;
fail:
	mistakes->no_memory = true;
}

void conf_mistake_add(struct conf_mistakes *mistakes, const char *path,
		      unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(mistakes, false, path, line, format, args);
	va_end(args);
}

void conf_note_add(struct conf_mistakes *mistakes, const char *path,
		   unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(mistakes, true, path, line, format, args);
	va_end(args);
}

static int compare(const void *a_arg, const void *b_arg)
{
	const struct conf_mistake *a = a_arg, *b = b_arg;
	int order;

	if (a->is_first != b->is_first)
		return a->is_first ? -1 : 1;
	order = strcmp(a->path, b->path);
	if (order != 0)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

void conf_mistakes_print(struct conf_mistakes *mistakes, const char *first,
			 FILE *out)
{
	for (size_t i = 0; i < mistakes->count; i++)
		mistakes->items[i].is_first = strcmp(mistakes->items[i].path,
						     first) == 0;
	if (mistakes->count > 1)
		qsort(mistakes->items, mistakes->count,
		      sizeof(*mistakes->items), compare);
	for (size_t i = 0; i < mistakes->count; i++) {
		const struct conf_mistake *m = &mistakes->items[i];

		if (m->line == 0)
			fprintf(out, "%s: %s\n", m->path, m->text);
		else
			fprintf(out, "%s:%u: %s%s\n", m->path, m->line,
				m->is_note ? "note: " : "", m->text);
	}
}

void conf_mistakes_done(struct conf_mistakes *mistakes)
{
	for (size_t i = 0; i < mistakes->count; i++) {
		free(mistakes->items[i].path);
		free(mistakes->items[i].text);
	}
	free(mistakes->items);
}
