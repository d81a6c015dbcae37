/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that talk to the address manager: ask, release, leases, pools. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/events.h"

#define SOCKET "natctl.sock"

static const char *const lease_columns[] = {
	"id",       "group",      "inner",  "outer",      "kind", "ports",
	"protocol", "conditions", "remote", "expires_in", NULL
};

static const char *const grant_columns[] = {
	"id",       "inner",     "outer",      "kind", "ports",
	"protocol", "preferred", "expires_in", NULL
};

static const char *const pool_columns[] = { "name", "realm",  "endpoints",
					    "free", "leased", "held",
					    NULL };

/* Moves an option to `to`, under the name that the protocol has for it. */
static void move(json_t *options, const char *name, json_t *to, const char *key)
{
	json_t *value = json_object_get(options, name);

	if (value)
		json_object_set(to, key, value);
}

/* "10.0.0.0/8" or "10.0.0.0/8:PORTS" -> a condition */
static json_t *condition_of(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *colon = strrchr(slash ? slash : text, ':');

	/* IPv6 has colons of its own: ports only behind its prefix. */
	if (!slash && colon && strchr(text, ':') != colon)
		colon = NULL;
	if (!colon)
		return json_pack("{ss}", "source", text);
	return json_pack("{ss%ss}", "source", text, (size_t)(colon - text),
			 "ports", colon + 1);
}

static json_t *conditions_of(const json_t *sources)
{
	json_t *conditions = json_array();
	const json_t *source;
	size_t i;

	json_array_foreach(sources, i, source)
		json_array_append_new(conditions,
				      condition_of(json_string_value(source)));
	return conditions;
}

static json_t *request_of(json_t *options)
{
	json_t *request = json_object();

	move(options, "outer", request, "outer");
	move(options, "pool", request, "pool");
	move(options, "mode", request, "mode");
	return request;
}

static enum exit_code run_ask(const struct command_env *env, json_t *options,
			      char *const *words)
{
	json_t *params = json_object(), *lease = json_object();
	json_t *request = request_of(options), *leases = json_array();

	(void)words;
	if (!json_object_get(options, "group") ||
	    !json_object_get(options, "inner") ||
	    !json_object_get(options, "realm")) {
		command_fail("ask: --group, --inner and --realm are needed");
		json_decref(params);
		json_decref(lease);
		json_decref(request);
		json_decref(leases);
		return EXIT_USAGE;
	}
	move(options, "group", params, "group");
	move(options, "lifetime", params, "lifetime");
	move(options, "inner", lease, "inner");
	move(options, "realm", lease, "realm");
	move(options, "ports", lease, "ports");
	move(options, "kind", lease, "kind");
	move(options, "protocol", lease, "protocol");
	move(options, "remote", lease, "remote");
	move(options, "latch", lease, "latch");
	if (json_object_size(request) > 0)
		json_object_set(lease, "request", request);
	if (json_object_get(options, "source"))
		json_object_set_new(lease, "conditions",
				    conditions_of(json_object_get(options,
								  "source")));
	json_decref(request);
	json_array_append_new(leases, lease);
	json_object_set_new(params, "leases", leases);
	return command_print(env, command_call(env, SOCKET, "ask", params),
			     "leases", grant_columns);
}

/* Calls the method; "WORD n" of its answer. Takes `params` over. */
static enum exit_code call_count(const struct command_env *env,
				 const char *method, const char *word,
				 json_t *params)
{
	json_t *result = command_call(env, SOCKET, method, params);

	if (!result || env->json)
		return command_print(env, result, NULL, NULL);
	printf("%s %" JSON_INTEGER_FORMAT "\n", word,
	       json_integer_value(json_object_get(result, word)));
	json_decref(result);
	return EXIT_OK;
}

static enum exit_code run_refresh(const struct command_env *env,
				  json_t *options, char *const *words)
{
	(void)words;
	if (json_object_size(options) != 2 ||
	    !json_object_get(options, "lifetime")) {
		command_fail("refresh: --lifetime and either --group or "
			     "--lease are needed");
		return EXIT_USAGE;
	}
	return call_count(env, "refresh", "refreshed", json_incref(options));
}

/* A text, or null for this word. */
static void move_or_null(json_t *from, const char *name, const char *null,
			 json_t *to)
{
	const char *text = json_string_value(json_object_get(from, name));

	if (text)
		json_object_set_new(to, name,
				    strcmp(text, null) == 0 ?
					    json_null() :
					    json_string(text));
}

/* What is not named stays; "any" is any source, or anywhere. */
static enum exit_code run_tighten(const struct command_env *env,
				  json_t *options, char *const *words)
{
	json_t *sources = json_object_get(options, "source");
	json_t *change = json_object();

	(void)words;
	if (!json_object_get(options, "lease") ||
	    json_object_size(options) == 1) {
		command_fail("tighten: --lease and --source, --remote or "
			     "--latch are needed");
		json_decref(change);
		return EXIT_USAGE;
	}
	move(options, "lease", change, "lease");
	if (json_array_size(sources) == 1 &&
	    strcmp(json_string_value(json_array_get(sources, 0)), "any") == 0)
		json_object_set_new(change, "conditions", json_array());
	else if (sources)
		json_object_set_new(change, "conditions",
				    conditions_of(sources));
	move_or_null(options, "remote", "any", change);
	move_or_null(options, "latch", "none", change);
	return call_count(env, "tighten", "changed",
			  json_pack("{s:[o]}", "changes", change));
}

static enum exit_code run_release(const struct command_env *env,
				  json_t *options, char *const *words)
{
	(void)words;
	if (json_object_size(options) != 1) {
		command_fail("release: either --group or --lease is needed");
		return EXIT_USAGE;
	}
	return call_count(env, "release", "released", json_incref(options));
}

static enum exit_code run_leases(const struct command_env *env, json_t *options,
				 char *const *words)
{
	(void)words;
	return command_print(env,
			     command_call_pages(env, SOCKET, "list", "leases",
						json_incref(options)),
			     "leases", lease_columns);
}

static enum exit_code run_pools(const struct command_env *env, json_t *options,
				char *const *words)
{
	(void)words;
	return command_print(env,
			     command_call(env, SOCKET, "pools",
					  json_incref(options)),
			     "pools", pool_columns);
}

static const struct command_option ask_options[] = {
	{ "group", OPTION_TEXT },  { "inner", OPTION_TEXT },
	{ "realm", OPTION_TEXT },  { "ports", OPTION_NUMBER },
	{ "kind", OPTION_TEXT },   { "protocol", OPTION_TEXT },
	{ "outer", OPTION_TEXT },  { "pool", OPTION_TEXT },
	{ "mode", OPTION_TEXT },   { "source", OPTION_LIST },
	{ "remote", OPTION_TEXT }, { "lifetime", OPTION_NUMBER },
	{ "latch", OPTION_TEXT },  { NULL, OPTION_TEXT },
};

static const struct command_option release_options[] = {
	{ "group", OPTION_TEXT },
	{ "lease", OPTION_NUMBER },
	{ NULL, OPTION_TEXT },
};

static const struct command_option refresh_options[] = {
	{ "group", OPTION_TEXT },
	{ "lease", OPTION_NUMBER },
	{ "lifetime", OPTION_NUMBER },
	{ NULL, OPTION_TEXT },
};

static const struct command_option tighten_options[] = {
	{ "lease", OPTION_NUMBER }, { "source", OPTION_LIST },
	{ "remote", OPTION_TEXT },  { "latch", OPTION_TEXT },
	{ NULL, OPTION_TEXT },
};

static const struct command_option event_options[] = {
	{ "event", OPTION_LIST },     { "group", OPTION_TEXT },
	{ "silence", OPTION_NUMBER }, { "percent", OPTION_NUMBER },
	{ "count", OPTION_NUMBER },   { NULL, OPTION_TEXT },
};

static const struct command_option group_options[] = {
	{ "group", OPTION_TEXT },
	{ NULL, OPTION_TEXT },
};

static const struct command_option no_options[] = { { NULL, OPTION_TEXT } };

const struct command natctl_commands[] = {
	{ "ask",
	  "--group G --inner ADDRESS:PORT@REALM --realm R\n"
	  "        [--ports N] [--kind both|terminating|originating] "
	  "[--protocol udp|tcp]\n"
	  "        [--outer X] [--pool P] [--mode strict|preferred] "
	  "[--source PREFIX[:PORTS]]...\n"
	  "        [--remote X] [--latch PREFIX] [--lifetime SECONDS]",
	  "ask for an outer endpoint", ask_options, 0, run_ask },
	{ "release", "--group G | --lease ID", "give back leases",
	  release_options, 0, run_release },
	{ "refresh", "--group G | --lease ID --lifetime SECONDS",
	  "let leases live on for so long", refresh_options, 0, run_refresh },
	{ "tighten",
	  "--lease ID [--source PREFIX[:PORTS]|any]... [--remote X|any]\n"
	  "        [--latch PREFIX|none]",
	  "give a lease other conditions or another far end", tighten_options,
	  0, run_tighten },
	{ "events",
	  "[--event NAME]... [--group G] [--silence SECONDS]\n"
	  "        [--percent N] [--count N]",
	  "print a line for each thing that happens", event_options, 0,
	  events_run },
	{ "leases", "[--group G]", "list the leases", group_options, 0,
	  run_leases },
	{ "pools", "", "show how full the pools are", no_options, 0,
	  run_pools },
	{ .name = NULL },
};
