/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many calls somebody may have, and begin in a second. Pure. */
#include "config.h"

#include "proxy/limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/list.h"

#define TOKEN 1000 /* one call */

struct user {
	struct table_node node; /* in limits.users */
	struct limit limit;
	const struct conf_domain *domain;
	char name[];
};

/* As many as in one second may begin at once. */
static void refill(struct limit *limit, uint64_t now_ms)
{
	uint64_t most = (uint64_t)limit->conf->calls_per_second * TOKEN;
	uint64_t passed = now_ms - limit->last_ms;

	if (limit->last_ms == 0 || passed >= 1000)
		limit->tokens = most;
	else
		limit->tokens += passed * limit->conf->calls_per_second;
	if (limit->tokens > most)
		limit->tokens = most;
	limit->last_ms = now_ms;
}

bool limit_take(struct limit *limit, enum limit_how how, uint64_t now_ms)
{
	const struct conf_limit *conf = limit->conf;

	if (how == LIMIT_NOT)
		return true;
	if (conf->calls_per_second > 0)
		refill(limit, now_ms);
	if (how == LIMIT_CHECK &&
	    ((conf->max_calls > 0 && limit->calls >= conf->max_calls) ||
	     (conf->calls_per_second > 0 && limit->tokens < TOKEN))) {
		limit->refused++;
		return false;
	}
	if (limit->tokens >= TOKEN)
		limit->tokens -= TOKEN;
	limit->calls++;
	return true;
}

void limit_give(struct limit *limit)
{
	if (limit != NULL)
		limit->calls--;
}

bool admission_take(struct admission *admission, struct limit *limit,
		    enum limit_how how, uint64_t now_ms)
{
	if (limit == NULL || how == LIMIT_NOT)
		return true;
	if (admission->count == LIMIT_HELD_MAX ||
	    !limit_take(limit, how, now_ms))
		return false;
	admission->held[admission->count++] = limit;
	return true;
}

void admission_give(struct admission *admission)
{
	for (size_t i = 0; i < admission->count; i++)
		limit_give(admission->held[i]);
	limit_give(admission->out);
	memset(admission, 0, sizeof(*admission));
}

int limits_init(struct limits *limits, const struct conf *conf, uint64_t seed)
{
	memset(limits, 0, sizeof(*limits));
	limits->conf = conf;
	limits->seed = seed;
	limits->realms = calloc(conf->realm_count + 1, sizeof(*limits->realms));
	if (!limits->realms)
		return -ENOMEM;
	for (size_t i = 0; i < conf->realm_count; i++)
		limits->realms[i].conf = &conf->realms[i].limit;
	if (table_init(&limits->users) < 0) {
		free(limits->realms);
		return -ENOMEM;
	}
	return 0;
}

void limits_done(struct limits *limits)
{
	struct table_node *pos;

	while ((pos = table_next(&limits->users, NULL)) != NULL) {
		table_remove(&limits->users, pos);
		free(container_of(pos, struct user, node));
	}
	table_done(&limits->users);
	free(limits->realms);
}

struct key {
	const char *name;
	const struct conf_domain *domain;
};

static bool user_equal(const struct table_node *node, const void *arg)
{
	const struct user *user = container_of(node, struct user, node);
	const struct key *key = arg;

	return user->domain == key->domain &&
	       strcmp(user->name, key->name) == 0;
}

struct limit *limits_user(struct limits *limits, const char *name,
			  const struct conf_domain *domain)
{
	struct key key = { name, domain };
	size_t len = strlen(name);
	uint64_t hash = hash_bytes(name, len, limits->seed);
	struct table_node *node = table_find(&limits->users, hash, user_equal,
					     &key);
	struct user *user;

	if (node)
		return &container_of(node, struct user, node)->limit;
	user = calloc(1, sizeof(*user) + len + 1);
	if (!user)
		return NULL;
	memcpy(user->name, name, len);
	user->domain = domain;
	user->limit.conf = &domain->limit;
	table_add(&limits->users, &user->node, hash);
	return &user->limit;
}
