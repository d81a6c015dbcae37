/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the users of our domains can be reached. Time is an argument. */
#include "config.h"

#include "proxy/location.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/uri.h"
#include "proxy/users.h"

#define AOR_MAX (2 * USERS_NAME_MAX)

int location_init(struct location *location, uint64_t seed)
{
	*location = (struct location){
		.seed = seed,
		.expires_min = 60,
		.expires_max = 3600,
		.expires_default = 3600,
	};
	return table_init(&location->aors);
}

static struct location_aor *aor_of(const struct table_node *node)
{
	/* The table hands out nodes of our own objects, which may be changed. */
	return (struct location_aor *)((uintptr_t)node -
				       offsetof(struct location_aor, node));
}

static void binding_free(struct location_binding *binding)
{
	free(binding->uri);
	free(binding->instance);
	free(binding->call_id);
	free(binding);
}

static void binding_remove(struct location *location,
			   struct location_binding *binding)
{
	list_remove(&binding->node);
	binding->aor->count--;
	location->binding_count--;
	binding_free(binding);
}

/* With the last binding the AOR goes. */
static void aor_settle(struct location *location, struct location_aor *aor)
{
	if (aor->count)
		return;
	table_remove(&location->aors, &aor->node);
	free(aor);
}

void location_remove(struct location *location,
		     struct location_binding *binding)
{
	struct location_aor *aor = binding->aor;

	binding_remove(location, binding);
	aor_settle(location, aor);
}

static size_t aor_expire(struct location *location, struct location_aor *aor,
			 uint64_t now_ms)
{
	struct list *pos, *tmp;
	size_t count = 0;

	list_for_each_safe(pos, tmp, &aor->bindings) {
		struct location_binding *binding = location_binding_of(pos);

		if (binding->expires_ms > now_ms)
			continue;
		binding_remove(location, binding);
		count++;
	}
	return count;
}

void location_done(struct location *location)
{
	struct table_node *pos, *tmp;

	table_for_each_safe(pos, tmp, &location->aors) {
		struct location_aor *aor = aor_of(pos);

		aor_expire(location, aor, UINT64_MAX);
		aor_settle(location, aor);
	}
	table_done(&location->aors);
}

size_t location_expire(struct location *location, uint64_t now_ms)
{
	struct table_node *pos, *tmp;
	size_t count = 0;

	table_for_each_safe(pos, tmp, &location->aors) {
		struct location_aor *aor = aor_of(pos);

		count += aor_expire(location, aor, now_ms);
		aor_settle(location, aor);
	}
	return count;
}

static bool is_aor(const struct table_node *node, const void *key)
{
	return strcmp(aor_of(node)->aor, key) == 0;
}

/* "user@domain" with the domain in lower case; false: too long. */
static bool aor_text(const char *user, const char *domain, char buf[AOR_MAX])
{
	int len = snprintf(buf, AOR_MAX, "%s@%s", user, domain);

	if (len >= AOR_MAX)
		return false;
	for (char *c = buf + strlen(user); *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

static struct location_aor *aor_find(const struct location *location,
				     const char *text)
{
	uint64_t hash = hash_bytes(text, strlen(text), location->seed);
	struct table_node *node = table_find(&location->aors, hash, is_aor,
					     text);

	return node ? aor_of(node) : NULL;
}

struct location_aor *location_find(struct location *location, const char *user,
				   const char *domain, uint64_t now_ms)
{
	struct location_aor *aor;
	char text[AOR_MAX];

	if (!aor_text(user, domain, text))
		return NULL;
	aor = aor_find(location, text);
	if (!aor)
		return NULL;
	aor_expire(location, aor, now_ms);
	if (aor->count)
		return aor;
	aor_settle(location, aor);
	return NULL;
}

uint32_t location_left(const struct location_binding *binding, uint64_t now_ms)
{
	if (binding->expires_ms <= now_ms)
		return 0;
	return (uint32_t)((binding->expires_ms - now_ms + 999) / 1000);
}

struct location_binding *location_by_id(struct location *location,
					const char *aor, uint64_t id)
{
	struct location_aor *found = aor_find(location, aor);
	struct list *pos;

	if (!found)
		return NULL;
	list_for_each(pos, &found->bindings) {
		if (location_binding_of(pos)->id == id)
			return location_binding_of(pos);
	}
	return NULL;
}

static bool is_uri_same(const char *left, const char *right)
{
	struct uri a, b;

	return strcmp(left, right) == 0 ||
	       (uri_parse(left, strlen(left), &a) == 0 &&
		uri_parse(right, strlen(right), &b) == 0 && uri_equal(&a, &b));
}

static bool is_text_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Same phone (RFC 5626), or same URI. */
static bool is_match(const struct location_binding *binding,
		     const struct location_contact *contact)
{
	if (contact->instance && contact->reg_id)
		return is_text_same(binding->instance, contact->instance) &&
		       binding->reg_id == contact->reg_id;
	return is_uri_same(binding->uri, contact->uri);
}

static struct location_binding *
binding_find(struct location_aor *aor, const struct location_contact *contact)
{
	struct list *pos;

	if (!aor)
		return NULL;
	list_for_each(pos, &aor->bindings) {
		struct location_binding *binding = location_binding_of(pos);

		if (is_match(binding, contact))
			return binding;
	}
	return NULL;
}

/* RFC 3261 10.3 step 7: within one Call-ID the CSeq must rise. */
static bool is_old(const struct location_binding *binding,
		   const struct location_request *request)
{
	return strcmp(binding->call_id, request->call_id) == 0 &&
	       request->cseq <= binding->cseq;
}

static uint32_t expires_of(const struct location *location,
			   const struct location_request *request,
			   const struct location_contact *contact)
{
	uint32_t expires = contact->expires;

	if (expires == LOCATION_EXPIRES_NONE)
		expires = request->expires;
	if (expires == LOCATION_EXPIRES_NONE)
		expires = location->expires_default;
	return expires < location->expires_max ? expires :
						 location->expires_max;
}

static struct location_binding *
binding_new(const struct location *location,
	    const struct location_request *request,
	    const struct location_contact *contact, struct location_aor *aor)
{
	struct location_binding *binding = calloc(1, sizeof(*binding));
	uint64_t left = expires_of(location, request, contact);

	if (!binding)
		return NULL;
	binding->aor = aor;
	binding->uri = strdup(contact->uri);
	binding->call_id = strdup(request->call_id);
	if (contact->instance)
		binding->instance = strdup(contact->instance);
	if (!binding->uri || !binding->call_id ||
	    (contact->instance && !binding->instance)) {
		binding_free(binding);
		return NULL;
	}
	binding->reg_id = contact->reg_id;
	binding->cseq = request->cseq;
	binding->q = contact->q;
	binding->expires_ms = request->now_ms + left * 1000;
	binding->received = request->received;
	binding->listen = request->listen;
	binding->connection = request->connection;
	return binding;
}

static struct location_aor *aor_new(struct location *location, const char *text)
{
	size_t len = strlen(text);
	struct location_aor *aor = calloc(1, sizeof(*aor) + len + 1);

	if (!aor)
		return NULL;
	memcpy(aor->aor, text, len + 1);
	list_init(&aor->bindings);
	table_add(&location->aors, &aor->node,
		  hash_bytes(text, len, location->seed));
	return aor;
}

/* Behind those of the same q: the older one comes first. */
static void binding_add(struct location *location, struct location_aor *aor,
			struct location_binding *binding)
{
	struct list *pos;

	list_for_each(pos, &aor->bindings) {
		if (location_binding_of(pos)->q < binding->q)
			break;
	}
	list_add_tail(pos, &binding->node);
	aor->count++;
	location->binding_count++;
	binding->id = ++location->last_id;
}

static enum location_result star(struct location *location,
				 struct location_aor *aor,
				 const struct location_request *request)
{
	struct list *pos;

	if (request->contact_count || request->expires != 0)
		return LOCATION_INVALID;
	if (!aor)
		return LOCATION_OK;
	list_for_each(pos, &aor->bindings) {
		if (is_old(location_binding_of(pos), request))
			return LOCATION_OLD;
	}
	aor_expire(location, aor, UINT64_MAX);
	return LOCATION_OK;
}

/* Which of the two would be meant to stay? */
static bool is_twice(const struct location_request *request, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (is_uri_same(request->contacts[i].uri,
				request->contacts[at].uri))
			return true;
	}
	return false;
}

/* Is all of the request good? Nothing is changed yet. */
static enum location_result check(const struct location *location,
				  struct location_aor *aor,
				  const struct location_request *request)
{
	size_t count = aor ? aor->count : 0;

	if (request->contact_count > 2 * LOCATION_CONTACTS_MAX)
		return LOCATION_TOO_MANY;
	for (size_t i = 0; i < request->contact_count; i++) {
		const struct location_contact *contact = &request->contacts[i];
		struct location_binding *binding = binding_find(aor, contact);
		uint32_t expires = expires_of(location, request, contact);

		if (strlen(contact->uri) > LOCATION_URI_MAX ||
		    is_twice(request, i))
			return LOCATION_INVALID;
		if (binding && is_old(binding, request))
			return LOCATION_OLD;
		if (expires && expires < location->expires_min)
			return LOCATION_TOO_BRIEF;
		if (expires && !binding)
			count++;
	}
	if (count > LOCATION_CONTACTS_MAX ||
	    (!aor && count && location->aors.count >= LOCATION_AORS_MAX))
		return LOCATION_TOO_MANY;
	return LOCATION_OK;
}

/*
 * The new bindings are made first, so that want of memory leaves the old ones
 * as they are. They wait on `added`.
 */
static int make_all(const struct location *location,
		    const struct location_request *request,
		    struct location_aor *aor, struct list *added)
{
	for (size_t i = 0; i < request->contact_count; i++) {
		const struct location_contact *contact = &request->contacts[i];
		struct location_binding *binding;

		if (expires_of(location, request, contact) == 0)
			continue;
		binding = binding_new(location, request, contact, aor);
		if (!binding)
			return -ENOMEM;
		list_add_tail(added, &binding->node);
	}
	return 0;
}

static enum location_result apply(struct location *location,
				  struct location_aor *aor,
				  const struct location_request *request)
{
	struct list added, *pos, *tmp;
	int r;

	list_init(&added);
	r = make_all(location, request, aor, &added);
	if (r) {
		list_for_each_safe(pos, tmp, &added)
			binding_free(location_binding_of(pos));
		return LOCATION_NO_MEMORY;
	}
	for (size_t i = 0; i < request->contact_count; i++) {
		struct location_binding *old =
			binding_find(aor, &request->contacts[i]);

		if (old)
			binding_remove(location, old);
	}
	list_for_each_safe(pos, tmp, &added) {
		list_remove(pos);
		binding_add(location, aor, location_binding_of(pos));
	}
	return LOCATION_OK;
}

enum location_result location_register(struct location *location,
				       const struct location_request *request)
{
	enum location_result result;
	struct location_aor *aor;
	char text[AOR_MAX];

	if (!aor_text(request->user, request->domain, text))
		return LOCATION_INVALID;
	/* Past its time, a binding neither counts nor orders anything. */
	aor = location_find(location, request->user, request->domain,
			    request->now_ms);
	if (request->star) {
		result = star(location, aor, request);
	} else {
		result = check(location, aor, request);
		if (result != LOCATION_OK || request->contact_count == 0)
			return result;
		if (!aor)
			aor = aor_new(location, text);
		result = aor ? apply(location, aor, request) :
			       LOCATION_NO_MEMORY;
	}
	if (aor)
		aor_settle(location, aor);
	return result;
}
