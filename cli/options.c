/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a command by its table. Pure. */
#include "config.h"

#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option *find(const struct command_option *table,
					 const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len &&
		    memcmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

/* Puts the value where it belongs; NULL or what is wrong with it. */
static const char *add(json_t *by_name, const struct command_option *option,
		       const char *text)
{
	json_t *old = json_object_get(by_name, option->name);
	long long number;
	char *end;
	int r;

	if (option->type == OPTION_LIST) {
		if (!old) {
			old = json_array();
			if (json_object_set_new(by_name, option->name, old) < 0)
				return "cannot be kept";
		}
		r = json_array_append_new(old, json_string(text));
		return r < 0 ? "is no UTF-8" : NULL;
	}
	if (old)
		return "is given twice";
	if (option->type == OPTION_TEXT) {
		r = json_object_set_new(by_name, option->name,
					json_string(text));
		return r < 0 ? "is no UTF-8" : NULL;
	}
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0)
		return "is no number";
	r = json_object_set_new(by_name, option->name, json_integer(number));
	return r < 0 ? "cannot be kept" : NULL;
}

/* One "--name value" or "--name=value" at *i; NULL or what is wrong. */
static const char *parse_option(int argc, char **argv, int *i,
				const struct command_option *table,
				struct options *ret)
{
	const char *name = argv[*i] + 2;
	size_t len = strcspn(name, "=");
	const struct command_option *option = find(table, name, len);

	if (strcmp(name, "json") == 0) {
		ret->json = true;
		return NULL;
	}
	if (!option)
		return "is no option of this command";
	if (name[len] == '=')
		return add(ret->by_name, option, name + len + 1);
	if (*i + 1 >= argc)
		return "wants a value";
	return add(ret->by_name, option, argv[++*i]);
}

int options_parse(int argc, char **argv, const struct command_option *table,
		  struct options *ret, char *error, size_t size)
{
	struct options options = { .by_name = json_object() };

	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *wrong = NULL;

		if (strncmp(name, "--", 2) == 0)
			wrong = parse_option(argc, argv, &i, table, &options);
		else if (options.word_count == OPTIONS_WORDS_MAX)
			wrong = "is one word too many";
		else
			options.words[options.word_count++] = argv[i];
		if (wrong) {
			snprintf(error, size, "%s %s", name, wrong);
			json_decref(options.by_name);
			return -EINVAL;
		}
	}
	*ret = options;
	return 0;
}
