/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager tells unasked: out of JSON. */
#include "natctl/client/event.h"

#include <errno.h>
#include <string.h>

#include "common/rpc.h"

static const char *const event_names[] = {
	"expired", "released", "latched",    "silent",
	"heard",   "pool",     "translator", "overrun",
};

#define EVENT_COUNT (sizeof(event_names) / sizeof(event_names[0]))

_Static_assert(EVENT_COUNT == NATCTL_EVENT_OVERRUN + 1, "a name for each");

const char *natctl_event_name(enum natctl_event_type type)
{
	return (size_t)type < EVENT_COUNT ? event_names[type] : "";
}

json_t *event_subscribe(const struct natctl_subscription *wanted)
{
	json_t *names = json_array();
	json_t *params = json_object();
	int failed = 0;

	for (size_t i = 0; i < NATCTL_EVENT_OVERRUN; i++)
		if (wanted->events >> i & 1)
			failed |= json_array_append_new(
				names, json_string(event_names[i]));
	if (wanted->events != 0)
		failed |= json_object_set(params, "events", names);
	if (wanted->group != NULL)
		failed |= json_object_set_new(params, "group",
					      json_string(wanted->group));
	if (wanted->own)
		failed |= json_object_set_new(params, "own", json_true());
	if (wanted->silence != 0)
		failed |= json_object_set_new(params, "silence",
					      json_integer(wanted->silence));
	if (wanted->percent != 0)
		failed |= json_object_set_new(params, "percent",
					      json_integer(wanted->percent));
	json_decref(names);
	if (failed == 0)
		return params;
	json_decref(params);
	return NULL;
}

static const char *text_of(const json_t *params, const char *name)
{
	const char *text = json_string_value(json_object_get(params, name));

	return text == NULL ? "" : text;
}

static uint64_t number_of(const json_t *params, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(params, name));

	return value < 0 ? 0 : (uint64_t)value;
}

static int fill(const json_t *params, struct natctl_event *ret)
{
	const char *name = text_of(params, "event");
	size_t type = 0;

	while (type < EVENT_COUNT && strcmp(event_names[type], name) != 0)
		type++;
	if (type == EVENT_COUNT)
		return -ENOENT;
	*ret = (struct natctl_event){
		.type = (enum natctl_event_type)type,
		.subscription = number_of(params, "subscription"),
		.lease = number_of(params, "lease"),
		.group = text_of(params, "group"),
		.inner = text_of(params, "inner"),
		.outer = text_of(params, "outer"),
		.by = text_of(params, "by"),
		.port = (unsigned)number_of(params, "port"),
		.remote = text_of(params, "remote"),
		.inwards = strcmp(text_of(params, "direction"), "in") == 0,
		.seconds = (unsigned)number_of(params, "seconds"),
		.pool = text_of(params, "pool"),
		.realm = text_of(params, "realm"),
		.state = text_of(params, "state"),
		.percent = (unsigned)number_of(params, "percent"),
		.used = (unsigned)number_of(params, "used"),
		.lost = number_of(params, "lost"),
	};
	return 0;
}

int event_read(const char *line, size_t len, struct natctl_event *ret,
	       json_t **ret_root)
{
	struct rpc_request request;
	const char *error;
	json_t *id;
	int rc = rpc_request_parse(line, len, &request, &id, &error);

	if (rc != 0) {
		json_decref(id);
		return -EBADMSG;
	}
	rc = request.id != NULL                   ? -EBADMSG :
	     strcmp(request.method, "event") != 0 ? -ENOENT :
						    fill(request.params, ret);
	if (rc == 0)
		*ret_root = request.root;
	else
		rpc_request_done(&request);
	return rc;
}
