/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and answers of the client library to JSON and back. */
#include "natctl/client/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = { "both", "terminating",
					  "originating" };
static const char *const protocol_names[] = { "udp", "tcp" };

/* The numbers are those of the wire. */
_Static_assert((int)NATCTL_PARSE_ERROR == (int)RPC_PARSE_ERROR, "");
_Static_assert((int)NATCTL_INVALID_REQUEST == (int)RPC_INVALID_REQUEST, "");
_Static_assert((int)NATCTL_METHOD_NOT_FOUND == (int)RPC_METHOD_NOT_FOUND, "");
_Static_assert((int)NATCTL_INVALID_PARAMS == (int)RPC_INVALID_PARAMS, "");
_Static_assert((int)NATCTL_INTERNAL_ERROR == (int)RPC_INTERNAL_ERROR, "");
_Static_assert((int)NATCTL_NO_ENDPOINT == (int)RPC_NO_ENDPOINT, "");
_Static_assert((int)NATCTL_NOT_AVAILABLE == (int)RPC_NOT_AVAILABLE, "");
_Static_assert((int)NATCTL_NOT_AUTHORIZED == (int)RPC_NOT_AUTHORIZED, "");
_Static_assert((int)NATCTL_TRANSLATOR_DOWN == (int)RPC_TRANSLATOR_DOWN, "");
_Static_assert((int)NATCTL_NOT_FOUND == (int)RPC_NOT_FOUND, "");
_Static_assert((int)NATCTL_LIMIT == (int)RPC_LIMIT, "");
_Static_assert((int)NATCTL_OVERLAP == (int)RPC_OVERLAP, "");
_Static_assert((int)NATCTL_NO_REALM == (int)RPC_NO_REALM, "");

/* Appends to the list; a value that is NULL frees the list. */
static json_t *append(json_t *list, json_t *value)
{
	if (list != NULL && json_array_append_new(list, value) == 0)
		return list;
	if (list == NULL)
		json_decref(value);
	json_decref(list);
	return NULL;
}

static json_t *build_conditions(const struct natctl_condition *conditions,
				size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list != NULL; i++) {
		const struct natctl_condition *condition = &conditions[i];

		list = append(list, json_pack("{s:s,s:s*,s:s*,s:b}", "source",
					      condition->source, "ports",
					      condition->ports, "target",
					      condition->target, "discard",
					      (int)condition->discard));
	}
	return list;
}

/* "request": {...}, or nothing where nothing is wished. */
static int add_wish(json_t *object, const struct natctl_want *want)
{
	if (want->outer == NULL && want->pool == NULL)
		return 0;
	return json_object_set_new(object, "request",
				   json_pack("{s:s*,s:s*,s:s}", "outer",
					     want->outer, "pool", want->pool,
					     "mode",
					     want->strict ? "strict" :
							    "preferred"));
}

static json_t *build_want(const struct natctl_want *want)
{
	json_t *object = json_pack("{s:s,s:s,s:i,s:s,s:s,s:o,s:s*,s:s*,s:s*}",
				   "inner", want->inner, "realm", want->realm,
				   "ports",
				   want->ports == 0 ? 1 : (int)want->ports,
				   "kind", kind_names[want->kind], "protocol",
				   protocol_names[want->protocol], "conditions",
				   build_conditions(want->conditions,
						    want->condition_count),
				   "remote", want->remote, "latch", want->latch,
				   "family", want->family);

	if (object != NULL && want->keep_source &&
	    json_object_set_new(object, "keep_source", json_true()) != 0) {
		json_decref(object);
		return NULL;
	}
	if (object != NULL && add_wish(object, want) == 0)
		return object;
	json_decref(object);
	return NULL;
}

json_t *message_ask(const struct natctl_ask *ask)
{
	json_t *params = json_pack("{s:s,s:s*}", "group", ask->group, "key",
				   ask->key);
	json_t *list = json_array();

	for (size_t i = 0; i < ask->want_count && list != NULL; i++)
		list = append(list, build_want(&ask->wants[i]));
	if (json_object_set_new(params, "leases", list) != 0)
		goto fail;
	if (ask->lifetime != 0 &&
	    json_object_set_new(params, "lifetime",
				json_integer(ask->lifetime)) != 0)
		goto fail;
	return params;
fail:
	json_decref(params);
	return NULL;
}

json_t *message_refresh(const char *group, unsigned lifetime)
{
	return json_pack("{s:s,s:I}", "group", group, "lifetime",
			 (json_int_t)lifetime);
}

static json_t *build_change(const struct natctl_change *change)
{
	json_t *object = json_pack("{s:I,s:o,s:s?,s:s*}", "lease",
				   (json_int_t)change->lease, "conditions",
				   build_conditions(change->conditions,
						    change->condition_count),
				   "remote", change->remote, "latch",
				   change->latch);

	if (object != NULL && change->no_latch &&
	    json_object_set_new(object, "latch", json_null()) != 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *message_tighten(const struct natctl_change *changes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list != NULL; i++)
		list = append(list, build_change(&changes[i]));
	return list == NULL ? NULL : json_pack("{s:o}", "changes", list);
}

json_t *message_release(const char *group)
{
	return json_pack("{s:s}", "group", group);
}

json_t *message_release_leases(const uint64_t *leases, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list != NULL; i++)
		list = append(list, json_integer((json_int_t)leases[i]));
	return list == NULL ? NULL : json_pack("{s:o}", "leases", list);
}

/* Index of the text in `words`, or -1. */
static int find_word(const char *const *words, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i], text) == 0)
			return (int)i;
	}
	return -1;
}

static int read_lease(json_t *value, struct natctl_lease *ret)
{
	const char *inner;
	const char *outer;
	const char *kind;
	const char *protocol;
	json_int_t id;
	json_int_t expires_in;
	int ports;
	int preferred;
	int index;

	if (json_unpack(value, "{s:I,s:s,s:s,s:s,s:s,s:i,s:b,s:I}", "id", &id,
			"inner", &inner, "outer", &outer, "kind", &kind,
			"protocol", &protocol, "ports", &ports, "preferred",
			&preferred, "expires_in", &expires_in) != 0)
		return -EBADMSG;
	if (id < 1 || ports < 1 || expires_in < 0 || expires_in > INT32_MAX ||
	    strlen(inner) >= sizeof(ret->inner) ||
	    strlen(outer) >= sizeof(ret->outer))
		return -EBADMSG;
	index = find_word(kind_names, 3, kind);
	if (index < 0)
		return -EBADMSG;
	ret->kind = (enum natctl_kind)index;
	index = find_word(protocol_names, 2, protocol);
	if (index < 0)
		return -EBADMSG;
	ret->protocol = (enum natctl_protocol)index;
	ret->id = (uint64_t)id;
	strcpy(ret->inner, inner);
	strcpy(ret->outer, outer);
	ret->ports = (unsigned)ports;
	ret->preferred = preferred != 0;
	ret->expires_in = (unsigned)expires_in;
	return 0;
}

static int read_granted(json_t *result, struct natctl_answer *ret)
{
	struct natctl_lease *leases;
	json_t *list;
	json_int_t epoch;
	size_t count;

	if (json_unpack(result, "{s:I,s:o}", "epoch", &epoch, "leases",
			&list) != 0 ||
	    !json_is_array(list) || json_array_size(list) == 0)
		return -EBADMSG;
	count = json_array_size(list);
	leases = calloc(count, sizeof(*leases));
	if (leases == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (read_lease(json_array_get(list, i), &leases[i]) != 0) {
			free(leases);
			return -EBADMSG;
		}
	}
	ret->epoch = (uint64_t)epoch;
	ret->leases = leases;
	ret->lease_count = count;
	return 0;
}

/* Of refresh, tighten and release: {"NAME": count}. */
static int read_count(json_t *result, const char *method,
		      struct natctl_answer *ret)
{
	static const char *const names[][2] = { { "refresh", "refreshed" },
						{ "tighten", "changed" },
						{ "release", "released" },
						{ "unsubscribe",
						  "unsubscribed" } };
	json_int_t count;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i][0], method) != 0)
			continue;
		if (json_unpack(result, "{s:I}", names[i][1], &count) != 0 ||
		    count < 0)
			return -EBADMSG;
		ret->count = (uint64_t)count;
	}
	return 0;
}

static int read_epoch(json_t *result, struct natctl_answer *ret)
{
	json_int_t epoch;

	if (json_unpack(result, "{s:I}", "epoch", &epoch) != 0 || epoch < 0)
		return -EBADMSG;
	ret->epoch = (uint64_t)epoch;
	return 0;
}

static int read_subscription(json_t *result, struct natctl_answer *ret)
{
	json_int_t id;

	if (json_unpack(result, "{s:I}", "subscription", &id) != 0 || id < 1)
		return -EBADMSG;
	ret->subscription = (uint64_t)id;
	return read_epoch(result, ret);
}

void message_answer(const struct rpc_answer *answer, const char *method,
		    struct natctl_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->message = "";
	ret->reason = "";
	if (answer->result == NULL) {
		ret->error = answer->code < 0 && answer->code > INT32_MIN ?
				     (int)answer->code :
				     -EBADMSG;
		ret->message = answer->message;
		if (answer->reason != NULL)
			ret->reason = answer->reason;
		return;
	}
	if (strcmp(method, "ask") == 0)
		ret->error = read_granted(answer->result, ret);
	else if (strcmp(method, "subscribe") == 0)
		ret->error = read_subscription(answer->result, ret);
	else if (strcmp(method, "status") == 0)
		ret->error = read_epoch(answer->result, ret);
	else
		ret->error = read_count(answer->result, method, ret);
}

void message_answer_done(struct natctl_answer *answer)
{
	struct natctl_lease *leases;

	/* Made by read_granted; const is for the callback. */
	memcpy(&leases, &answer->leases, sizeof(leases));
	free(leases);
	answer->leases = NULL;
}
