/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viaduct: looks at the edge, asks for endpoints, checks its configuration. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"

static const struct command *const groups[] = { local_commands, natctl_commands,
						show_commands };

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static void print_usage(FILE *out)
{
	fputs("usage: viaduct [-c FILE] [--rundir DIR] [--json] COMMAND ...\n"
	      "       viaduct --server tls://ADDRESS:PORT --cert FILE --key FILE "
	      "--ca FILE\n"
	      "               [--server-name NAME] [--json] COMMAND ...\n\n",
	      out);
	for (size_t i = 0; i < GROUPS; i++)
		for (const struct command *c = groups[i]; c->name; c++)
			fprintf(out, "  %s %s\n        %s\n", c->name, c->usage,
				c->purpose);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < GROUPS; i++)
		for (const struct command *c = groups[i]; c->name; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static enum exit_code run(const struct command *command,
			  struct command_env *env, int argc, char **argv)
{
	struct options options;
	enum exit_code code;
	char error[200];

	if (options_parse(argc, argv, command->options, &options, error,
			  sizeof(error)) < 0) {
		command_fail("%s: %s", command->name, error);
		return EXIT_USAGE;
	}
	if (options.word_count != command->words) {
		fprintf(stderr, "usage: viaduct %s %s\n", command->name,
			command->usage);
		json_decref(options.by_name);
		return EXIT_USAGE;
	}
	env->json = env->json || options.json;
	code = command->run(env, options.by_name, options.words);
	json_decref(options.by_name);
	if (fflush(stdout) != 0 && code == EXIT_OK)
		return command_fail("standard output: not all was written");
	return code;
}

/* Where an option with a value belongs; NULL: it is none of these. */
static const char **place_of(struct command_env *env, const char *option)
{
	const struct {
		const char *name;
		const char **place;
	} places[] = {
		{ "-c", &env->conf_path },
		{ "--rundir", &env->rundir_path },
		{ "--server", &env->server },
		{ "--server-name", &env->server_name },
		{ "--cert", &env->files.certificate },
		{ "--key", &env->files.key },
		{ "--ca", &env->files.ca },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].name, option) == 0)
			return places[i].place;
	return NULL;
}

int main(int argc, char **argv)
{
	struct command_env env = { .json = false };
	const struct command *command;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char **place = place_of(&env, argv[i]);

		if (place && i + 1 < argc) {
			*place = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0) {
			env.json = true;
		} else if (strcmp(argv[i], "-V") == 0 ||
			   strcmp(argv[i], "--version") == 0) {
			puts("viaduct " PACKAGE_VERSION);
			return EXIT_OK;
		} else {
			bool help = strcmp(argv[i], "-h") == 0 ||
				    strcmp(argv[i], "--help") == 0;

			print_usage(help ? stdout : stderr);
			return help ? EXIT_OK : EXIT_USAGE;
		}
	}
	command = i < argc ? find(argv[i]) : NULL;
	if (!command) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return (int)run(command, &env, argc - i - 1, argv + i + 1);
}
