/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as JSON. */
#include "natctl/answer.h"

#include <stdio.h>

static const char *const kind_names[] = { "both", "terminating",
					  "originating" };

static const char *protocol_name(uint8_t protocol)
{
	return protocol == RULE_TCP ? "tcp" : "udp";
}

/* Appends to the list; a value that is NULL (no memory) frees the list. */
static json_t *append(json_t *list, json_t *value)
{
	if (list != NULL && json_array_append_new(list, value) == 0)
		return list;
	if (list == NULL)
		json_decref(value);
	json_decref(list);
	return NULL;
}

/* Seconds, begun ones too; JSON null: never. */
static json_t *expires_in(const struct lease *lease, uint64_t now_ms)
{
	if (lease->group->owner->id == LEASE_OWNER_CONFIG)
		return json_null();
	if (lease->state == LEASE_PENDING)
		return json_integer((json_int_t)lease->lifetime);
	if (lease->expires_ms <= now_ms)
		return json_integer(0);
	return json_integer(
		(json_int_t)((lease->expires_ms - now_ms + 999) / 1000));
}

static json_t *granted(const struct realm_names *names,
		       const struct lease *lease, uint64_t now_ms)
{
	char inner[ENDPOINT_TEXT];
	char outer[ENDPOINT_TEXT];
	const struct rule *rule = &lease->rule;

	endpoint_format(&rule->inner, names, inner);
	endpoint_format(&rule->outer, names, outer);
	return json_pack("{s:I,s:s,s:s,s:s,s:s,s:i,s:b,s:o}", "id",
			 (json_int_t)rule->id, "inner", inner, "outer", outer,
			 "kind", kind_names[rule->kind], "protocol",
			 protocol_name(rule->protocol), "ports",
			 (int)rule->ports, "preferred", (int)lease->preferred,
			 "expires_in", expires_in(lease, now_ms));
}

json_t *answer_ask(uint64_t epoch, const struct realm_names *names,
		   struct lease *const *leases, size_t count, uint64_t now_ms)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && list != NULL; i++)
		list = append(list, granted(names, leases[i], now_ms));
	if (list == NULL)
		return NULL;
	return json_pack("{s:I,s:s,s:o}", "epoch", (json_int_t)epoch, "group",
			 leases[0]->rule.group, "leases", list);
}

static json_t *condition(const struct realm_names *names,
			 const struct rule_condition *condition)
{
	char source[IP_PREFIX_TEXT];
	char ports[16];
	char target[ENDPOINT_TEXT];

	ip_prefix_format(&condition->source, source);
	(void)snprintf(ports, sizeof(ports), "%u-%u", condition->ports.first,
		       condition->ports.last);
	if (condition->discard)
		return json_pack("{s:s,s:s,s:b}", "source", source, "ports",
				 ports, "discard", 1);
	if (condition->target.addr.family == IP_NONE)
		return json_pack("{s:s,s:s}", "source", source, "ports", ports);
	endpoint_format(&condition->target, names, target);
	return json_pack("{s:s,s:s,s:s}", "source", source, "ports", ports,
			 "target", target);
}

/* As it is asked for; JSON null: anywhere. */
static json_t *remote(const struct rule_remote *remote)
{
	struct endpoint endpoint = { .addr = remote->prefix.addr,
				     .port = remote->port,
				     .realm = REALM_NONE };
	char text[ENDPOINT_TEXT];
	char prefix[IP_PREFIX_TEXT];

	if (remote->prefix.addr.family == IP_NONE)
		return json_null();
	if (remote->port == 0)
		return json_string(ip_prefix_format(&remote->prefix, prefix));
	return json_string(endpoint_format(&endpoint, NULL, text));
}

/* By port: whom it has latched on to; null: nobody so far. */
static json_t *latched(const struct rule *rule)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rule->ports && list != NULL; i++) {
		const struct endpoint *remote = &rule->latch.remotes[i];
		char text[ENDPOINT_TEXT];

		list = append(list,
			      remote->addr.family == IP_NONE ?
				      json_null() :
				      json_string(endpoint_format(remote, NULL,
								  text)));
	}
	return list;
}

/* What not every lease has. 0 or -1. */
static int add_rest(json_t *object, const struct rule *rule, size_t told)
{
	char prefix[IP_PREFIX_TEXT];
	int rc = 0;

	if (told < rule->condition_count)
		rc = json_object_set_new(object, "conditions_total",
					 json_integer(rule->condition_count));
	if (rc == 0 && rule->keep_source)
		rc = json_object_set_new(object, "keep_source", json_true());
	if (rc != 0 || rule->latch.prefix.addr.family == IP_NONE)
		return rc;
	rc = json_object_set_new(
		object, "latch",
		json_string(ip_prefix_format(&rule->latch.prefix, prefix)));
	return rc != 0 ? rc :
			 json_object_set_new(object, "latched", latched(rule));
}

/* A number, "config", or the name of a guest: "client:phones". */
static json_t *owner(const struct conf *conf, const struct lease *lease)
{
	uint64_t id = lease->group->owner->id;

	if (id == LEASE_OWNER_CONFIG)
		return json_string("config");
	if (id < LEASE_OWNER_CONFIG)
		return json_integer((json_int_t)id);
	for (size_t i = 0; i < conf->client_count; i++)
		if (conf->clients[i].identity == id)
			return json_sprintf("client:%s", conf->clients[i].name);
	return json_string("client:?");
}

json_t *answer_event(const struct conf *conf, const struct lease *lease,
		     const char *event)
{
	const struct realm_names *names = &conf->names;
	const struct rule *rule = &lease->rule;
	char inner[ENDPOINT_TEXT];
	char outer[ENDPOINT_TEXT];

	endpoint_format(&rule->inner, names, inner);
	endpoint_format(&rule->outer, names, outer);
	return json_pack("{s:s,s:I,s:s,s:o,s:s,s:s}", "event", event, "lease",
			 (json_int_t)rule->id, "group", rule->group, "owner",
			 owner(conf, lease), "inner", inner, "outer", outer);
}

json_t *answer_lease(const struct conf *conf, const struct lease *lease,
		     uint64_t now_ms)
{
	const struct realm_names *names = &conf->names;
	const struct rule *rule = &lease->rule;
	char inner[ENDPOINT_TEXT];
	char outer[ENDPOINT_TEXT];
	json_t *conditions = json_array();
	json_t *result;
	size_t told = rule->condition_count < ANSWER_CONDITIONS_MAX ?
			      rule->condition_count :
			      ANSWER_CONDITIONS_MAX;

	for (size_t i = 0; i < told && conditions != NULL; i++)
		conditions = append(conditions,
				    condition(names, &rule->conditions[i]));
	if (conditions == NULL)
		return NULL;
	endpoint_format(&rule->inner, names, inner);
	endpoint_format(&rule->outer, names, outer);
	result = json_pack("{s:I,s:s,s:o,s:s,s:s,s:s,s:s,s:i,s:o,s:o,s:o}",
			   "id", (json_int_t)rule->id, "group", rule->group,
			   "owner", owner(conf, lease), "inner", inner, "outer",
			   outer, "kind", kind_names[rule->kind], "protocol",
			   protocol_name(rule->protocol), "ports",
			   (int)rule->ports, "conditions", conditions, "remote",
			   remote(&rule->remote), "expires_in",
			   expires_in(lease, now_ms));
	if (result != NULL && add_rest(result, rule, told) != 0) {
		json_decref(result);
		return NULL;
	}
	return result;
}

json_t *answer_count(const char *name, size_t count)
{
	return json_pack("{s:I}", name, (json_int_t)count);
}

static json_int_t free_of(const struct pool_info *info,
			  const struct pool_use *use)
{
	return (json_int_t)(info->endpoints - use->leased - use->held);
}

static json_t *pool(const struct pool_info *info,
		    const struct realm_names *names)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I}}", "name",
			 info->name, "realm", names->names[info->realm],
			 "endpoints", (json_int_t)info->endpoints, "free",
			 free_of(info, &info->udp), "leased",
			 (json_int_t)info->udp.leased, "held",
			 (json_int_t)info->udp.held, "tcp", "free",
			 free_of(info, &info->tcp), "leased",
			 (json_int_t)info->tcp.leased, "held",
			 (json_int_t)info->tcp.held);
}

json_t *answer_pools(const struct pool_set *pools,
		     const struct realm_names *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pool_count(pools) && list != NULL; i++) {
		struct pool_info info;

		pool_describe(pools, i, &info);
		list = append(list, pool(&info, names));
	}
	return list == NULL ? NULL : json_pack("{s:o}", "pools", list);
}
