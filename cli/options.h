/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a command by its table. Pure. */
#ifndef VIADUCT_CLI_OPTIONS_H
#define VIADUCT_CLI_OPTIONS_H

#include "cli/command.h"

#define OPTIONS_WORDS_MAX 8

struct options {
	json_t *by_name; /* owned */
	char *words[OPTIONS_WORDS_MAX];
	int word_count;
	bool json; /* --json, which every command takes */
};

/*
 * 0, or -EINVAL with a text of at most `size` bytes in `error`. What is
 * there after a failure is nothing that must be freed.
 */
int options_parse(int argc, char **argv, const struct command_option *table,
		  struct options *ret, char *error, size_t size);

#endif
