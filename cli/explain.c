/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `viaduct explain`: what would become of a packet, and why. The translator
 * knows the rules, the address manager who asked for them; without the latter
 * the owner is not told.
 */
#include "config.h"

#include "cli/explain.h"

#include <stdio.h>

#include "cli/columns.h"

static const char *const rule_columns[] = { "part",      "id",    "group",
					    "owner",     "kind",  "inner",
					    "outer",     "ports", "remote",
					    "condition", NULL };

/* A rule has the id of its lease. */
static void add_owner(const struct command_env *env, json_t *rule)
{
	json_t *id = json_object_get(rule, "id");
	json_t *result = command_try(env, "natctl.sock", "list",
				     json_pack("{s:I, s:i}", "after",
					       json_integer_value(id) - 1,
					       "limit", 1));
	json_t *lease = json_array_get(json_object_get(result, "leases"), 0);

	if (lease && json_equal(json_object_get(lease, "id"), id))
		json_object_set(rule, "owner", json_object_get(lease, "owner"));
	json_decref(result);
}

static const char *text_of(const json_t *result, const char *name)
{
	const char *text = json_string_value(json_object_get(result, name));

	return text ? text : "-";
}

static void print_text(json_t *result)
{
	json_t *rules = json_object_get(result, "rules");

	printf("%s: %s\n", text_of(result, "verdict"),
	       text_of(result, "reason"));
	printf("arrives  %s > %s  in realm %s\n", text_of(result, "source"),
	       text_of(result, "destination"), text_of(result, "from"));
	if (json_is_true(json_object_get(result, "forwarded")))
		printf("leaves   %s > %s  in realm %s\n",
		       text_of(result, "source_after"),
		       text_of(result, "destination_after"),
		       text_of(result, "to"));
	else
		puts("is discarded");
	if (json_array_size(rules) > 0) {
		putchar('\n');
		columns_print(stdout, rules, rule_columns);
	}
}

enum exit_code explain_run(const struct command_env *env, json_t *options,
			   char *const *words)
{
	json_t *result, *rule;
	size_t i;

	if (!json_object_get(options, "from")) {
		command_fail("explain: --from REALM says where it arrives");
		return EXIT_USAGE;
	}
	result = command_call(env, "translator.sock", "explain",
			      json_pack("{s:s, s:s, s:s, s:O}", "protocol",
					words[0], "source", words[1],
					"destination", words[2], "from",
					json_object_get(options, "from")));
	if (!result)
		return EXIT_ERROR;
	json_array_foreach(json_object_get(result, "rules"), i, rule)
		add_owner(env, rule);
	if (env->json)
		return command_print(env, result, NULL, NULL);
	print_text(result);
	json_decref(result);
	return EXIT_OK;
}
