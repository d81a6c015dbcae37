/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of `viaduct` share. */
#ifndef VIADUCT_CLI_COMMAND_H
#define VIADUCT_CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "common/tls.h"

enum exit_code { EXIT_OK, EXIT_ERROR, EXIT_USAGE };

struct command_env {
	const char *conf_path;   /* NULL: the default one, if it is there */
	const char *rundir_path; /* NULL: that of the configuration */
	/* Of an address manager on another host; NULL: on this one. */
	const char *server;      /* "tls://ADDRESS:PORT" */
	const char *server_name; /* the one in its certificate; NULL: as above */
	struct tls_files files;
	bool json; /* print results as they came */
};

/* An option of a command: "--name VALUE", or "--name=VALUE". */
struct command_option {
	const char *name; /* without "--" */
	enum { OPTION_TEXT, OPTION_NUMBER, OPTION_LIST } type;
};

struct command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *purpose;
	const struct command_option *options; /* ends with a NULL name */
	int words;                            /* that must follow */
	/* `options` holds those given by name; words[] has `words` members. */
	enum exit_code (*run)(const struct command_env *env, json_t *options,
			      char *const *words);
};

extern const struct command natctl_commands[];
extern const struct command show_commands[];
extern const struct command local_commands[];

/* Says "viaduct: text" on stderr; returns EXIT_ERROR. */
enum exit_code command_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* RUNDIR/SOCKET, owned by the caller. NULL: there is none; it was reported. */
char *command_socket(const struct command_env *env, const char *socket);

/*
 * Calls a method on RUNDIR/SOCKET. `params` is taken over. Failures are
 * reported. NULL, or the result, owned by the caller.
 */
json_t *command_call(const struct command_env *env, const char *socket,
		     const char *method, json_t *params);
/* The same, but says nothing of a failure. */
json_t *command_try(const struct command_env *env, const char *socket,
		    const char *method, json_t *params);
/* Like command_call for a method that answers `name` in pages: all of them. */
json_t *command_call_pages(const struct command_env *env, const char *socket,
			   const char *method, const char *name,
			   json_t *params);

/*
 * Prints a result: as it is with --json, else its member `name` (an array of
 * objects) as a table of these columns. The result is taken over.
 */
enum exit_code command_print(const struct command_env *env, json_t *result,
			     const char *name, const char *const *columns);

#endif
