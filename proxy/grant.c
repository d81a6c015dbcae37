/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The leases that a call holds, each with the limits that are in force. */
#include "proxy/grant.h"

#include <stdlib.h>
#include <string.h>

static struct grant *grant_of(struct list *node)
{
	return container_of(node, struct grant, node);
}

void grants_init(struct grants *grants)
{
	list_init(&grants->list);
	grants->count = 0;
}

static void grant_remove(struct grants *grants, struct grant *grant)
{
	list_remove(&grant->node);
	grants->count--;
	free(grant);
}

void grants_done(struct grants *grants)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &grants->list)
		grant_remove(grants, grant_of(pos));
}

struct grant *grant_add(struct grants *grants, const struct grant *value)
{
	struct grant *grant;

	if (grants->count >= GRANTS_MAX)
		return NULL;
	grant = malloc(sizeof(*grant));
	if (grant == NULL)
		return NULL;
	*grant = *value;
	list_add_tail(&grants->list, &grant->node);
	grants->count++;
	return grant;
}

struct grant *grant_find(const struct grants *grants, int side,
			 const struct endpoint *inner, realm_id realm,
			 uint16_t ports)
{
	struct list *pos;

	list_for_each(pos, &grants->list) {
		struct grant *grant = grant_of(pos);

		if (grant->side == side && grant->outer.realm == realm &&
		    grant->ports >= ports &&
		    endpoint_equal(&grant->inner, inner))
			return grant;
	}
	return NULL;
}

size_t grants_sweep(struct grants *grants, uint64_t ids[GRANTS_MAX])
{
	struct list *pos, *tmp;
	size_t count = 0;

	list_for_each_safe(pos, tmp, &grants->list) {
		struct grant *grant = grant_of(pos);

		if (!grant->marked) {
			ids[count++] = grant->lease;
			grant_remove(grants, grant);
		} else {
			grant->marked = false;
		}
	}
	return count;
}

void grant_limits_from(struct grant_limits *limits,
		       const struct anchor_limits *anchor)
{
	memset(limits, 0, sizeof(*limits));
	limits->count = anchor->condition_count;
	for (size_t i = 0; i < anchor->condition_count; i++)
		limits->conditions[i] = anchor->conditions[i];
	limits->remote = anchor->remote;
	limits->latch = anchor->latch;
}

static bool condition_equal(const struct rule_condition *a,
			    const struct rule_condition *b)
{
	return ip_prefix_equal(&a->source, &b->source) &&
	       a->ports.first == b->ports.first &&
	       a->ports.last == b->ports.last && a->discard == b->discard &&
	       a->target.addr.family == b->target.addr.family &&
	       (a->target.addr.family == IP_NONE ||
		endpoint_equal(&a->target, &b->target));
}

static bool has_condition(const struct grant_limits *limits,
			  const struct rule_condition *condition)
{
	for (size_t i = 0; i < limits->count; i++)
		if (condition_equal(&limits->conditions[i], condition))
			return true;
	return false;
}

static bool remote_equal(const struct rule_remote *a,
			 const struct rule_remote *b)
{
	if (a->prefix.addr.family == IP_NONE ||
	    b->prefix.addr.family == IP_NONE)
		return a->prefix.addr.family == b->prefix.addr.family;
	return a->port == b->port && ip_prefix_equal(&a->prefix, &b->prefix);
}

static bool latch_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	if (a->addr.family == IP_NONE || b->addr.family == IP_NONE)
		return a->addr.family == b->addr.family;
	return ip_prefix_equal(a, b);
}

/* Who might have been the first is let in. */
static void open_latch(struct grant_limits *limits)
{
	if (limits->latch.addr.family == IP_NONE)
		return;
	limits->conditions[0] = (struct rule_condition){
		.source = limits->latch, .ports = { 1, UINT16_MAX }
	};
	limits->count = 1;
	memset(&limits->latch, 0, sizeof(limits->latch));
}

static void unite_opened(struct grant_limits *limits,
			 const struct grant_limits *latching)
{
	struct grant_limits opened = *latching;

	open_latch(limits);
	open_latch(&opened);
	grant_limits_unite(limits, &opened);
}

void grant_limits_unite(struct grant_limits *limits,
			const struct grant_limits *more)
{
	if (!latch_equal(&limits->latch, &more->latch)) {
		unite_opened(limits, more);
		return;
	}
	if (!remote_equal(&limits->remote, &more->remote))
		memset(&limits->remote, 0, sizeof(limits->remote));
	if (limits->count == 0 || more->count == 0) {
		limits->count = 0;
		return;
	}
	for (size_t i = 0; i < more->count; i++) {
		if (has_condition(limits, &more->conditions[i]))
			continue;
		if (limits->count == GRANT_CONDITIONS_MAX)
			return;
		limits->conditions[limits->count++] = more->conditions[i];
	}
}

bool grant_limits_equal(const struct grant_limits *a,
			const struct grant_limits *b)
{
	if (a->count != b->count || !remote_equal(&a->remote, &b->remote) ||
	    !latch_equal(&a->latch, &b->latch))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!has_condition(b, &a->conditions[i]))
			return false;
	return true;
}

bool grant_limits_open(const struct grant_limits *limits)
{
	return limits->count == 0 && limits->latch.addr.family == IP_NONE;
}

bool grant_limits_latch_anew(const struct grant_limits *before,
			     const struct grant_limits *now)
{
	return now->latch.addr.family != IP_NONE &&
	       (!latch_equal(&before->latch, &now->latch) ||
		!remote_equal(&before->remote, &now->remote));
}
