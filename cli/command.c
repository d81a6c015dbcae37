/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of `viaduct` share: where to call, what to print. */
#include "config.h"

#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "common/conf.h"

#define PAGES_MAX 100000

enum exit_code command_fail(const char *format, ...)
{
	va_list args;

	fputs("viaduct: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

/* From the configuration; its mistakes are told only when it has some. */
static int rundir_of_conf(const char *path, char *buf, size_t size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	struct conf *conf;
	int r = -1;

	if (!errors)
		return -1;
	conf = conf_read(path, errors);
	fclose(errors);
	if (!conf)
		fputs(text, stderr);
	else if (snprintf(buf, size, "%s", conf->rundir) < (int)size)
		r = 0;
	conf_free(conf);
	free(text);
	return r;
}

static int socket_path(const struct command_env *env, const char *socket,
		       char *buf, size_t size)
{
	char rundir[PATH_MAX] = "/run/viaduct";
	int len;

	if (env->rundir_path) {
		len = snprintf(buf, size, "%s/%s", env->rundir_path, socket);
		return len < 0 || (size_t)len >= size ? -1 : 0;
	}
	if (env->conf_path) {
		if (rundir_of_conf(env->conf_path, rundir, sizeof(rundir)) < 0)
			return -1;
	} else if (access(CONF_DEFAULT_PATH, R_OK) == 0 &&
		   rundir_of_conf(CONF_DEFAULT_PATH, rundir, sizeof(rundir)) <
			   0) {
		return -1;
	}
	len = snprintf(buf, size, "%s/%s", rundir, socket);
	return len < 0 || (size_t)len >= size ? -1 : 0;
}

char *command_socket(const struct command_env *env, const char *socket)
{
	char path[PATH_MAX];

	if (socket_path(env, socket, path, sizeof(path)) == 0)
		return strdup(path);
	command_fail("no socket to ask: the configuration has mistakes, "
		     "or the path is too long");
	return NULL;
}

/* "NAME: message (reason)", and nothing twice. */
static void say_refusal(const struct rpc_answer *answer)
{
	const char *name = rpc_code_name((enum rpc_code)answer->code);
	bool named = strcmp(answer->message, name) == 0;

	if (!answer->reason || strcmp(answer->reason, answer->message) == 0)
		command_fail("%s%s%s", name, named ? "" : ": ",
			     named ? "" : answer->message);
	else if (named || strcmp(answer->reason, name) == 0)
		command_fail("%s: %s", name,
			     named ? answer->reason : answer->message);
	else
		command_fail("%s: %s (%s)", name, answer->message,
			     answer->reason);
}

/* 0, or -1 with `fault` in words. */
static int remote_target(const struct command_env *env, const char *socket,
			 struct channel_target *ret, char *fault)
{
	if (strcmp(socket, "natctl.sock") != 0) {
		snprintf(fault, TLS_FAULT_TEXT,
			 "only the address manager can be asked over TLS");
		return -1;
	}
	if (!env->files.certificate || !env->files.key || !env->files.ca) {
		snprintf(fault, TLS_FAULT_TEXT,
			 "--server needs --cert, --key and --ca");
		return -1;
	}
	return channel_target_tls(ret, env->server, env->server_name,
				  &env->files, fault);
}

static int find_target(const struct command_env *env, const char *socket,
		       struct channel_target *ret, char *fault)
{
	char path[PATH_MAX];

	if (env->server)
		return remote_target(env, socket, ret, fault);
	if (socket_path(env, socket, path, sizeof(path)) < 0) {
		snprintf(fault, TLS_FAULT_TEXT,
			 "no socket to ask: the configuration has mistakes, "
			 "or the path is too long");
		return -1;
	}
	snprintf(fault, TLS_FAULT_TEXT, "%s", strerror(ENOMEM));
	return channel_target_unix(ret, path);
}

/* NULL with `fault`: it did not come to an answer. `params` is taken over. */
static json_t *call(const struct command_env *env, const char *socket,
		    const char *method, json_t *params, bool is_loud)
{
	char fault[TLS_FAULT_TEXT] = "";
	struct channel_target target;
	struct rpc_answer answer;
	json_t *result = NULL;

	if (find_target(env, socket, &target, fault) != 0) {
		json_decref(params);
		if (is_loud)
			command_fail("%s", fault);
		return NULL;
	}
	if (client_call(&target, method, params, &answer, fault) == 0) {
		result = json_incref(answer.result);
		if (!result && is_loud)
			say_refusal(&answer);
		rpc_answer_done(&answer);
	} else if (is_loud) {
		command_fail("%s: %s", env->server ? env->server : target.path,
			     fault);
	}
	channel_target_done(&target);
	return result;
}

json_t *command_call(const struct command_env *env, const char *socket,
		     const char *method, json_t *params)
{
	return call(env, socket, method, params, true);
}

json_t *command_try(const struct command_env *env, const char *socket,
		    const char *method, json_t *params)
{
	return call(env, socket, method, params, false);
}

/* The id of the page's last row; 0: there is none. */
static json_int_t last_id(const json_t *rows)
{
	size_t count = json_array_size(rows);

	if (count == 0)
		return 0;
	return json_integer_value(
		json_object_get(json_array_get(rows, count - 1), "id"));
}

json_t *command_call_pages(const struct command_env *env, const char *socket,
			   const char *method, const char *name, json_t *params)
{
	json_t *all = json_array(), *page = NULL, *rows;
	json_int_t after = 0;
	bool more = true;

	for (unsigned i = 0; more && i < PAGES_MAX; i++) {
		if (after != 0)
			json_object_set_new(params, "after",
					    json_integer(after));
		json_decref(page);
		page = command_call(env, socket, method, json_copy(params));
		rows = json_object_get(page, name);
		if (!page || json_array_extend(all, rows) < 0) {
			if (page)
				command_fail("%s: an answer without \"%s\"",
					     method, name);
			json_decref(page);
			json_decref(all);
			json_decref(params);
			return NULL;
		}
		after = last_id(rows);
		more = json_is_true(json_object_get(page, "more")) &&
		       after != 0;
	}
	json_decref(params);
	/* What else the last page says is true of all of them. */
	json_object_set_new(page, name, all);
	json_object_del(page, "more");
	return page;
}

enum exit_code command_print(const struct command_env *env, json_t *result,
			     const char *name, const char *const *columns)
{
	if (!result)
		return EXIT_ERROR;
	if (env->json) {
		json_dumpf(result, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
		putchar('\n');
	} else {
		columns_print(stdout, json_object_get(result, name), columns);
	}
	json_decref(result);
	return EXIT_OK;
}
