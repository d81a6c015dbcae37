/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that only look: status, rules, verdicts, calls ... */
#include "config.h"

#include <stdio.h>

#include "cli/columns.h"
#include "cli/command.h"
#include "cli/explain.h"

static const char *const rule_columns[] = {
	"id",          "group",     "protocol",   "inner",  "outer",
	"ports",       "kind",      "conditions", "remote", "packets_in",
	"packets_out", "discarded", NULL
};

static const char *const call_columns[] = { "id",     "from",    "to",
					    "state",  "seconds", "legs",
					    "groups", NULL };

static enum exit_code run_status(const struct command_env *env, json_t *options,
				 char *const *words)
{
	static const char *const sockets[][2] = {
		{ "natctl", "natctl.sock" },
		{ "translator", "translator.sock" },
		{ "proxy", "proxy.sock" },
	};
	enum exit_code code = EXIT_OK;
	json_t *all = json_object();

	(void)options;
	(void)words;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		json_t *status = command_call(env, sockets[i][1], "status",
					      NULL);

		if (!status)
			code = EXIT_ERROR;
		if (!env->json && status) {
			printf("%s:\n", sockets[i][0]);
			columns_print_members(stdout, status);
		}
		json_object_set_new(all, sockets[i][0],
				    status ? status : json_null());
	}
	if (env->json)
		command_print(env, all, NULL, NULL);
	else
		json_decref(all);
	return code;
}

static enum exit_code run_rules(const struct command_env *env, json_t *options,
				char *const *words)
{
	(void)words;
	return command_print(env,
			     command_call_pages(env, "translator.sock", "rules",
						"rules", json_incref(options)),
			     "rules", rule_columns);
}

static const char *const flow_columns[] = {
	"path", "source", "destination", "back_source",  "back_destination",
	"why",  "rules",  "packets",     "packets_back", "seconds",
	NULL
};

static enum exit_code run_flows(const struct command_env *env, json_t *options,
				char *const *words)
{
	json_t *result = command_call_pages(env, "translator.sock", "flows",
					    "flows", json_object());

	(void)options;
	(void)words;
	if (result && !env->json &&
	    json_is_false(json_object_get(result, "fastpath")))
		fputs("no fast path: every packet comes by a TUN\n", stderr);
	return command_print(env, result, "flows", flow_columns);
}

static enum exit_code run_verdicts(const struct command_env *env,
				   json_t *options, char *const *words)
{
	json_t *result = command_call(env, "translator.sock", "verdicts", NULL);

	(void)options;
	(void)words;
	if (!result || env->json)
		return command_print(env, result, NULL, NULL);
	columns_print_members(stdout, json_object_get(result, "verdicts"));
	printf("fast path:\n");
	columns_print_members(stdout, json_object_get(result, "fastpath"));
	json_decref(result);
	return EXIT_OK;
}

static enum exit_code run_calls(const struct command_env *env, json_t *options,
				char *const *words)
{
	(void)options;
	(void)words;
	return command_print(env,
			     command_call(env, "proxy.sock", "calls", NULL),
			     "calls", call_columns);
}

static enum exit_code run_registrations(const struct command_env *env,
					json_t *options, char *const *words)
{
	(void)options;
	(void)words;
	return command_print(env,
			     command_call(env, "proxy.sock", "registrations",
					  NULL),
			     "registrations", NULL);
}

static enum exit_code run_trunks(const struct command_env *env, json_t *options,
				 char *const *words)
{
	(void)options;
	(void)words;
	return command_print(env,
			     command_call(env, "proxy.sock", "trunks", NULL),
			     "trunks", NULL);
}

static const struct command_option group_options[] = {
	{ "group", OPTION_TEXT },
	{ NULL, OPTION_TEXT },
};

static const struct command_option explain_options[] = {
	{ "from", OPTION_TEXT },
	{ NULL, OPTION_TEXT },
};

static const struct command_option no_options[] = { { NULL, OPTION_TEXT } };

const struct command show_commands[] = {
	{ "status", "", "show how the three programs are", no_options, 0,
	  run_status },
	{ "rules", "[--group G]", "list the rules in force", group_options, 0,
	  run_rules },
	{ "flows", "", "show which flows the kernel has, and which not",
	  no_options, 0, run_flows },
	{ "verdicts", "", "count packets by what became of them", no_options, 0,
	  run_verdicts },
	{ "explain", "PROTOCOL SOURCE DESTINATION --from REALM",
	  "tell what would become of a packet, and why", explain_options, 3,
	  explain_run },
	{ "calls", "", "list the calls", no_options, 0, run_calls },
	{ "registrations", "", "list who is registered where", no_options, 0,
	  run_registrations },
	{ "trunks", "", "list the trunks and how they are", no_options, 0,
	  run_trunks },
	{ .name = NULL },
};
