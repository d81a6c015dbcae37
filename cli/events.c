/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `viaduct events`: a line for each thing that happens. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/events.h"
#include "natctl/client/natctl.h"

#define TIMEOUT_MS 5000
#define FOREVER_MS (24u * 3600 * 1000)

struct events {
	struct natctl *natctl; /* owned */
	struct natctl_subscription wanted;
	bool json;
	json_int_t left; /* events until the end; 0: there is none */
	bool is_new;     /* the manager that it subscribes at */
	bool ended;
	enum exit_code code;
};

static void say_text(const char *name, const char *value)
{
	if (value[0] != '\0')
		printf(" %s=%s", name, value);
}

static void say_number(const char *name, uint64_t value)
{
	if (value != 0)
		printf(" %s=%llu", name, (unsigned long long)value);
}

/* "in" or "out"; "": the event has no direction. */
static const char *direction_of(const struct natctl_event *event)
{
	if (event->type != NATCTL_EVENT_SILENT &&
	    event->type != NATCTL_EVENT_HEARD)
		return "";
	return event->inwards ? "in" : "out";
}

static void print_line(const struct natctl_event *event)
{
	printf("%s", natctl_event_name(event->type));
	say_number("lease", event->lease);
	say_text("group", event->group);
	say_text("inner", event->inner);
	say_text("outer", event->outer);
	say_text("by", event->by);
	say_number("port", event->port);
	say_text("remote", event->remote);
	say_text("direction", direction_of(event));
	say_number("seconds", event->seconds);
	say_text("pool", event->pool);
	say_text("realm", event->realm);
	say_text("state", event->state);
	say_number("percent", event->percent);
	say_number("used", event->used);
	say_number("lost", event->lost);
	putchar('\n');
}

static void add_text(json_t *object, const char *name, const char *value)
{
	if (value[0] != '\0')
		json_object_set_new(object, name, json_string(value));
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
	if (value != 0)
		json_object_set_new(object, name,
				    json_integer((json_int_t)value));
}

static void print_json(const struct natctl_event *event)
{
	json_t *object = json_object();

	add_text(object, "event", natctl_event_name(event->type));
	add_number(object, "lease", event->lease);
	add_text(object, "group", event->group);
	add_text(object, "inner", event->inner);
	add_text(object, "outer", event->outer);
	add_text(object, "by", event->by);
	add_number(object, "port", event->port);
	add_text(object, "remote", event->remote);
	add_text(object, "direction", direction_of(event));
	add_number(object, "seconds", event->seconds);
	add_text(object, "pool", event->pool);
	add_text(object, "realm", event->realm);
	add_text(object, "state", event->state);
	add_number(object, "percent", event->percent);
	add_number(object, "used", event->used);
	add_number(object, "lost", event->lost);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void on_event(const struct natctl_event *event, void *arg)
{
	struct events *events = arg;

	if (events->ended)
		return;
	if (events->json)
		print_json(event);
	else
		print_line(event);
	events->ended = fflush(stdout) != 0 ||
			(events->left > 0 && --events->left == 0);
}

/* A manager with another one may know of none of the leases of before. */
static void say_epoch(const struct events *events, uint64_t epoch)
{
	if (events->is_new && events->json)
		printf("{\"event\":\"epoch\",\"epoch\":%llu}\n",
		       (unsigned long long)epoch);
	else if (events->is_new)
		printf("epoch %llu\n", (unsigned long long)epoch);
	fflush(stdout);
}

static void on_subscribed(const struct natctl_answer *answer, void *arg)
{
	struct events *events = arg;

	if (answer->error == 0)
		say_epoch(events, answer->epoch);
	if (answer->error == 0 || answer->error == -ECONNRESET)
		return;
	command_fail("subscribe: %s", answer->reason[0] != '\0' ?
					      answer->reason :
					      answer->message);
	events->ended = true;
	events->code = EXIT_ERROR;
}

static void on_up(uint64_t epoch, bool is_new, void *arg)
{
	struct natctl_callback callback = { on_subscribed, arg };
	struct events *events = arg;

	(void)epoch;
	events->is_new = is_new;
	(void)natctl_subscribe(events->natctl, &events->wanted, natctl_clock(),
			       callback, NULL);
}

/* The bits of "--event NAME"; -1: there is no such event. */
static int read_names(const json_t *names, unsigned *ret)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		enum natctl_event_type type = NATCTL_EVENT_EXPIRED;

		while (type < NATCTL_EVENT_OVERRUN &&
		       strcmp(natctl_event_name(type),
			      json_string_value(name)) != 0)
			type++;
		if (type == NATCTL_EVENT_OVERRUN) {
			command_fail("events: there is no event \"%s\"",
				     json_string_value(name));
			return -1;
		}
		*ret |= 1u << type;
	}
	return 0;
}

static json_int_t number_of(const json_t *options, const char *name)
{
	return json_integer_value(json_object_get(options, name));
}

static void follow(struct events *events)
{
	int rc = natctl_wait(events->natctl, TIMEOUT_MS);

	if (rc != 0) {
		events->code = command_fail("the address manager does not "
					    "answer");
		return;
	}
	/* Where the connection is lost, a new one is made. */
	while (!events->ended) {
		rc = natctl_wait_event(events->natctl, FOREVER_MS);
		if (rc == -ENOTCONN)
			(void)natctl_wait(events->natctl, FOREVER_MS);
	}
}

/* NULL, and said why: it cannot be. */
static struct natctl *connect_to(const struct command_env *env,
				 const struct natctl_hooks *hooks)
{
	struct natctl_tls tls = { .server = env->server,
				  .name = env->server_name,
				  .certificate = env->files.certificate,
				  .key = env->files.key,
				  .ca = env->files.ca };
	char fault[NATCTL_FAULT_TEXT] = "no memory";
	struct natctl *natctl;
	char *path;

	if (env->server && (!tls.certificate || !tls.key || !tls.ca)) {
		command_fail("--server needs --cert, --key and --ca");
		return NULL;
	}
	if (env->server) {
		natctl = natctl_new_tls(&tls, TIMEOUT_MS, hooks, fault);
	} else {
		path = command_socket(env, "natctl.sock");
		if (!path)
			return NULL;
		natctl = natctl_new(path, TIMEOUT_MS, hooks);
		free(path);
	}
	if (!natctl)
		command_fail("%s", fault);
	return natctl;
}

enum exit_code events_run(const struct command_env *env, json_t *options,
			  char *const *words)
{
	struct events events = { .json = env->json,
				 .left = number_of(options, "count"),
				 .code = EXIT_OK };
	struct natctl_hooks hooks = { .on_up = on_up,
				      .on_event = on_event,
				      .arg = &events };

	(void)words;
	events.wanted.group = json_string_value(
		json_object_get(options, "group"));
	events.wanted.silence = (unsigned)number_of(options, "silence");
	events.wanted.percent = (unsigned)number_of(options, "percent");
	if (read_names(json_object_get(options, "event"),
		       &events.wanted.events) < 0)
		return EXIT_USAGE;
	events.natctl = connect_to(env, &hooks);
	if (!events.natctl)
		return EXIT_ERROR;
	follow(&events);
	natctl_free(events.natctl);
	return events.code;
}
