/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parameters of a request, out of JSON into checked structs. */
#include "natctl/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natctl/filter.h"
#include "natctl/member.h"

static const char *const ask_members[] = { "group", "key", "lifetime", "leases",
					   NULL };
static const char *const want_members[] = {
	"inner",      "realm",  "ports",       "kind",  "protocol", "request",
	"conditions", "remote", "keep_source", "latch", "family",   NULL
};
static const char *const wish_members[] = { "outer", "pool", "mode", NULL };
static const char *const refresh_members[] = { "group", "lease", "lifetime",
					       NULL };
static const char *const tighten_members[] = { "changes", NULL };
static const char *const change_members[] = { "lease", "conditions", "remote",
					      "latch", NULL };
static const char *const release_members[] = { "group", "lease", "leases",
					       NULL };
static const char *const list_members[] = { "group", "after", "limit", NULL };
static const char *const no_members[] = { NULL };

static const char *const kind_words[] = { "both", "terminating", "originating",
					  NULL };
static const char *const protocol_words[] = { "udp", "tcp", NULL };
static const char *const mode_words[] = { "preferred", "strict", NULL };

static int open_params(struct member_place *place, const json_t *params,
		       const char *const *known, struct fault *fault)
{
	place->fault = fault;
	place->where[0] = '\0';
	if (params == NULL)
		return fault_set(fault, RPC_INVALID_PARAMS, "no parameters");
	return member_open(place, params, known);
}

static int read_name(const struct member_place *place, const char *member,
		     bool required, const char **ret)
{
	const char *name = NULL;
	int rc = member_text(place, member, required, &name);

	if (rc != 0 || name == NULL)
		return rc;
	if (name[0] == '\0' || strlen(name) >= RULE_GROUP_MAX)
		return member_fault(place, member, "not of 1..%d bytes",
				    RULE_GROUP_MAX - 1);
	for (const char *p = name; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~')
			return member_fault(place, member,
					    "not printable ASCII");
	}
	*ret = name;
	return 0;
}

int request_read_group(const struct member_place *place, bool required,
		       const char **ret)
{
	return read_name(place, "group", required, ret);
}

static int read_wish(const struct member_place *place, struct pool_wish *ret)
{
	struct member_place inside;
	const char *outer = NULL;
	unsigned mode = 0;
	int rc;

	if (json_object_get(place->object, "request") == NULL)
		return 0;
	rc = member_open_inside(&inside, place, "request", wish_members);
	if (rc == 0)
		rc = member_text(&inside, "outer", false, &outer);
	if (rc == 0)
		rc = member_text(&inside, "pool", false, &ret->name);
	if (rc == 0)
		rc = member_word(&inside, "mode", mode_words, &mode);
	if (rc != 0)
		return rc;
	ret->strict = mode == 1;
	if ((outer == NULL) == (ret->name == NULL))
		return member_fault(&inside, "outer",
				    "either this or \"pool\" is needed");
	if (outer != NULL &&
	    filter_parse_range(outer, &ret->prefix, &ret->ports) != 0)
		return member_fault(&inside, "outer",
				    "\"%s\" is not an address, address:port "
				    "or prefix:ports",
				    outer);
	return 0;
}

static int read_want(const struct member_place *place,
		     const struct realm_names *names, struct request_want *ret)
{
	static const char *const family_words[] = { "any", "ipv4", "ipv6",
						    NULL };
	static const uint8_t families[] = { IP_NONE, IP_V4, IP_V6 };
	static const uint8_t protocols[] = { RULE_UDP, RULE_TCP };
	unsigned family = 0;
	const char *realm = NULL;
	uint64_t ports = 1;
	unsigned kind = RULE_BOTH;
	unsigned protocol = 0;
	int rc = filter_read_endpoint(place, "inner", names, &ret->inner);

	if (rc == 0)
		rc = member_text(place, "realm", true, &realm);
	if (rc == 0)
		rc = member_number(place, "ports", 1, RULE_PORTS_MAX, &ports);
	if (rc == 0)
		rc = member_word(place, "kind", kind_words, &kind);
	if (rc == 0)
		rc = member_word(place, "protocol", protocol_words, &protocol);
	if (rc == 0)
		rc = member_bool(place, "keep_source", &ret->keep_source);
	if (rc == 0)
		rc = member_word(place, "family", family_words, &family);
	if (rc == 0)
		rc = read_wish(place, &ret->wish);
	if (rc != 0)
		return rc;
	ret->family = families[family];
	ret->realm = realm_find(names, realm);
	if (ret->realm == REALM_NONE)
		return fault_set(place->fault, RPC_NO_REALM,
				 "%srealm: there is no realm \"%s\"",
				 place->where, realm);
	ret->ports = (uint16_t)ports;
	ret->kind = (uint8_t)kind;
	ret->protocol = protocols[protocol];
	return filter_read(place, names, &ret->filter);
}

int request_parse_ask(const json_t *params, const struct realm_names *names,
		      struct request_ask *ret, struct fault *fault)
{
	struct request_ask ask = { 0 };
	struct member_place place;
	const json_t *leases;
	uint64_t lifetime = 0;
	int rc = open_params(&place, params, ask_members, fault);

	if (rc == 0)
		rc = request_read_group(&place, true, &ask.group);
	if (rc == 0)
		rc = read_name(&place, "key", false, &ask.key);
	if (rc == 0)
		rc = member_number(&place, "lifetime", 1, REQUEST_LIFETIME_MAX,
				   &lifetime);
	if (rc == 0)
		rc = member_array(&place, "leases", 1, REQUEST_LEASES_MAX,
				  &leases);
	if (rc != 0)
		return rc;
	if (leases == NULL)
		return member_fault(&place, "leases", "missing");
	ask.lifetime = (uint32_t)lifetime;
	ask.wants = calloc(json_array_size(leases), sizeof(*ask.wants));
	if (ask.wants == NULL)
		return fault_no_memory(fault);
	while (rc == 0 && ask.count < json_array_size(leases)) {
		struct member_place inside;

		rc = member_open_element(&inside, &place, "leases", ask.count,
					 want_members);
		if (rc == 0)
			rc = read_want(&inside, names, &ask.wants[ask.count]);
		ask.count++;
	}
	if (rc != 0)
		request_ask_done(&ask);
	else
		*ret = ask;
	return rc;
}

void request_ask_done(struct request_ask *ask)
{
	for (size_t i = 0; i < ask->count; i++)
		filter_done(&ask->wants[i].filter);
	free(ask->wants);
	memset(ask, 0, sizeof(*ask));
}

/* "lease": N, as a list of one. */
static int read_one_id(const struct member_place *place,
		       struct request_target *ret)
{
	uint64_t id = 0;
	int rc = member_number(place, "lease", 1, INT64_MAX, &id);

	if (rc != 0 || id == 0)
		return rc;
	ret->ids = malloc(sizeof(*ret->ids));
	if (ret->ids == NULL)
		return fault_no_memory(place->fault);
	ret->ids[0] = id;
	ret->count = 1;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* "leases": [N, ...], sorted, each once. */
static int read_ids(const struct member_place *place,
		    struct request_target *ret)
{
	const json_t *array;
	size_t count;
	size_t kept = 0;
	int rc = member_array(place, "leases", 1, REQUEST_IDS_MAX, &array);

	if (rc != 0 || array == NULL)
		return rc;
	count = json_array_size(array);
	ret->ids = calloc(count, sizeof(*ret->ids));
	if (ret->ids == NULL)
		return fault_no_memory(place->fault);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(array, i);

		if (!json_is_integer(value) || json_integer_value(value) < 1)
			return member_fault(place, "leases",
					    "element %zu is not an id", i);
		ret->ids[i] = (uint64_t)json_integer_value(value);
	}
	qsort(ret->ids, count, sizeof(*ret->ids), compare_ids);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || ret->ids[i] != ret->ids[kept - 1])
			ret->ids[kept++] = ret->ids[i];
	}
	ret->count = kept;
	return 0;
}

/* Exactly one of group, lease and (with_list) leases. */
static int read_target(const struct member_place *place, bool with_list,
		       struct request_target *ret)
{
	unsigned given = 0;
	int rc;

	memset(ret, 0, sizeof(*ret));
	given += json_object_get(place->object, "group") != NULL;
	given += json_object_get(place->object, "lease") != NULL;
	given += json_object_get(place->object, "leases") != NULL;
	if (given != 1)
		return fault_set(place->fault, RPC_INVALID_PARAMS,
				 with_list ? "one of group, lease and leases "
					     "is needed" :
					     "one of group and lease is "
					     "needed");
	rc = request_read_group(place, false, &ret->group);
	if (rc == 0)
		rc = read_one_id(place, ret);
	if (rc == 0 && with_list)
		rc = read_ids(place, ret);
	if (rc != 0)
		request_target_done(ret);
	return rc;
}

int request_parse_refresh(const json_t *params, struct request_refresh *ret,
			  struct fault *fault)
{
	struct member_place place;
	uint64_t lifetime = 0;
	int rc = open_params(&place, params, refresh_members, fault);

	if (rc == 0)
		rc = member_number(&place, "lifetime", 1, REQUEST_LIFETIME_MAX,
				   &lifetime);
	if (rc == 0 && lifetime == 0)
		rc = member_fault(&place, "lifetime", "missing");
	if (rc == 0)
		rc = read_target(&place, false, &ret->target);
	if (rc == 0)
		ret->lifetime = (uint32_t)lifetime;
	return rc;
}

void request_refresh_done(struct request_refresh *refresh)
{
	request_target_done(&refresh->target);
}

static int read_change(const struct member_place *place,
		       const struct realm_names *names,
		       struct request_change *ret)
{
	int rc = member_number(place, "lease", 1, INT64_MAX, &ret->lease);

	if (rc == 0 && ret->lease == 0)
		rc = member_fault(place, "lease", "missing");
	if (rc == 0)
		rc = filter_read(place, names, &ret->filter);
	return rc;
}

static bool is_repeated(const struct request_tighten *tighten, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (tighten->changes[i].lease == tighten->changes[index].lease)
			return true;
	}
	return false;
}

int request_parse_tighten(const json_t *params, const struct realm_names *names,
			  struct request_tighten *ret, struct fault *fault)
{
	struct request_tighten tighten = { 0 };
	struct member_place place;
	const json_t *changes;
	int rc = open_params(&place, params, tighten_members, fault);

	if (rc == 0)
		rc = member_array(&place, "changes", 1, REQUEST_LEASES_MAX,
				  &changes);
	if (rc != 0)
		return rc;
	if (changes == NULL)
		return member_fault(&place, "changes", "missing");
	tighten.changes = calloc(json_array_size(changes),
				 sizeof(*tighten.changes));
	if (tighten.changes == NULL)
		return fault_no_memory(fault);
	while (rc == 0 && tighten.count < json_array_size(changes)) {
		struct member_place inside;

		rc = member_open_element(&inside, &place, "changes",
					 tighten.count, change_members);
		if (rc == 0)
			rc = read_change(&inside, names,
					 &tighten.changes[tighten.count]);
		tighten.count++;
		if (rc == 0 && is_repeated(&tighten, tighten.count - 1))
			rc = member_fault(&inside, "lease", "stands twice");
	}
	if (rc != 0)
		request_tighten_done(&tighten);
	else
		*ret = tighten;
	return rc;
}

void request_tighten_done(struct request_tighten *tighten)
{
	for (size_t i = 0; i < tighten->count; i++)
		filter_done(&tighten->changes[i].filter);
	free(tighten->changes);
	memset(tighten, 0, sizeof(*tighten));
}

int request_parse_release(const json_t *params, struct request_target *ret,
			  struct fault *fault)
{
	struct member_place place;
	int rc = open_params(&place, params, release_members, fault);

	return rc == 0 ? read_target(&place, true, ret) : rc;
}

void request_target_done(struct request_target *target)
{
	free(target->ids);
	memset(target, 0, sizeof(*target));
}

int request_parse_list(const json_t *params, struct request_list *ret,
		       struct fault *fault)
{
	struct member_place place;
	uint64_t limit = REQUEST_LIST_MAX;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->limit = REQUEST_LIST_MAX;
	if (params == NULL)
		return 0;
	rc = open_params(&place, params, list_members, fault);
	if (rc == 0)
		rc = request_read_group(&place, false, &ret->group);
	if (rc == 0)
		rc = member_number(&place, "after", 0, INT64_MAX, &ret->after);
	if (rc == 0)
		rc = member_number(&place, "limit", 1, REQUEST_LIST_MAX,
				   &limit);
	ret->limit = (size_t)limit;
	return rc;
}

int request_parse_nothing(const json_t *params, struct fault *fault)
{
	struct member_place place;

	return params == NULL ? 0 :
				open_params(&place, params, no_members, fault);
}
