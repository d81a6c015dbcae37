/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and checks the translator's form of a rule. Pure. */
#include "translator/ruleset_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/rulewire.h"

struct limits { /* what an endpoint of the rule must keep to */
	size_t realm_count;
	uint16_t ports;
	uint16_t port_min; /* of queries the identifier may be 0 */
	uint8_t family;    /* of what is valid in the outer realm */
};

static bool endpoint_is_possible(const struct endpoint *endpoint,
				 const struct limits *limits)
{
	return endpoint->realm < limits->realm_count &&
	       (endpoint->addr.family == IP_V4 ||
		endpoint->addr.family == IP_V6) &&
	       endpoint->port >= limits->port_min &&
	       endpoint->port + limits->ports - 1 <= UINT16_MAX;
}

static bool conditions_are_possible(const struct rule *rule,
				    const struct limits *limits)
{
	const struct rule_condition *conditions = rule->conditions;

	if (rule->condition_count > RULE_CONDITIONS_MAX)
		return false;
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct endpoint *target = &conditions[i].target;

		if (conditions[i].source.addr.family != limits->family)
			return false;
		if (target->addr.family != IP_NONE &&
		    (conditions[i].discard ||
		     !endpoint_is_possible(target, limits)))
			return false;
		if (i > 0 && rule_condition_compare(&conditions[i - 1],
						    &conditions[i]) >= 0)
			return false;
	}
	return true;
}

static bool rule_is_possible(const struct rule *rule, size_t realm_count)
{
	struct limits limits = { .realm_count = realm_count,
				 .ports = rule->ports,
				 .port_min = rule->protocol == RULE_ICMP ? 0 :
									   1,
				 .family = rule->outer.addr.family };

	/* The source stays: it is valid over there as it is. */
	if (rule->keep_source && rule->inner.addr.family != limits.family)
		return false;
	if (rule->id == 0 || rule->ports == 0 || rule->ports > RULE_PORTS_MAX ||
	    limits.family == IP_NONE)
		return false;
	if (rule->kind > RULE_ORIGINATING ||
	    (rule->protocol != RULE_UDP && rule->protocol != RULE_TCP &&
	     rule->protocol != RULE_ICMP))
		return false;
	if (rule->remote.prefix.addr.family != IP_NONE &&
	    rule->remote.prefix.addr.family != limits.family)
		return false;
	if (rule->latch.prefix.addr.family != IP_NONE &&
	    (rule->latch.prefix.addr.family != limits.family ||
	     rule->protocol != RULE_UDP || rule->kind != RULE_BOTH ||
	     rule->ports > RULE_LATCH_PORTS))
		return false;
	return memchr(rule->group, '\0', sizeof(rule->group)) &&
	       endpoint_is_possible(&rule->outer, &limits) &&
	       endpoint_is_possible(&rule->inner, &limits) &&
	       conditions_are_possible(rule, &limits);
}

static int compare_endpoints(const void *a, const void *b)
{
	return endpoint_compare(a, b);
}

/* The targets other than the inner endpoint, each once. */
static int collect_targets(const struct rule *rule, struct endpoint **ret,
			   uint16_t *ret_count)
{
	size_t all = 0, kept = 0;
	struct endpoint *targets;

	*ret = NULL;
	*ret_count = 0;
	if (rule->condition_count == 0)
		return 0;
	targets = calloc(rule->condition_count, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct endpoint *target = &rule->conditions[i].target;

		if (target->addr.family != IP_NONE &&
		    !endpoint_equal(target, &rule->inner))
			targets[all++] = *target;
	}
	qsort(targets, all, sizeof(*targets), compare_endpoints);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || !endpoint_equal(&targets[i], &targets[kept - 1]))
			targets[kept++] = targets[i];
	*ret = targets;
	*ret_count = (uint16_t)kept;
	return 0;
}

struct sizes { /* of what follows the nodes, in bytes */
	size_t nodes;
	size_t conditions;
	size_t runs;
	size_t targets;
	size_t group;
};

/* Lays conditions, runs, targets and the group's name behind the nodes. */
static void fill_tail(struct ruleset_rule *rule, const struct rule *from,
		      const struct endpoint *targets, const struct sizes *sizes)
{
	char *tail = (char *)rule->nodes + sizes->nodes;
	struct condition_run *runs;

	if (rule->condition_count > 0)
		memcpy(tail, from->conditions, sizes->conditions);
	rule->conditions = (const void *)tail;
	tail += sizes->conditions;
	runs = (void *)tail;
	condition_runs(rule->conditions, rule->condition_count, runs);
	rule->runs = runs;
	tail += sizes->runs;
	if (rule->target_count > 0)
		memcpy(tail, targets, sizes->targets);
	rule->targets = (const void *)tail;
	tail += sizes->targets;
	memcpy(tail, from->group, sizes->group);
	rule->group = tail;
}

static void fill_head(struct ruleset_rule *rule, const struct rule *from)
{
	rule->id = from->id;
	rule->inner = from->inner;
	rule->outer = from->outer;
	rule->remote = from->remote;
	rule->timer = from->timer;
	rule->ports = from->ports;
	rule->kind = from->kind;
	rule->protocol = from->protocol;
	rule->keep_source = from->keep_source;
	rule->condition_count = from->condition_count;
	for (uint32_t i = 0; i < rule->node_count; i++)
		rule->nodes[i].index = i;
}

int ruleset_rule_new(const struct rule *rule, size_t realm_count,
		     struct ruleset_rule **ret)
{
	struct ruleset_rule *made;
	struct endpoint *targets;
	struct sizes sizes;
	uint16_t target_count, run_count;
	size_t node_count;
	int err;

	if (!rule_is_possible(rule, realm_count))
		return -EINVAL;
	err = collect_targets(rule, &targets, &target_count);
	if (err)
		return err;
	run_count = condition_runs(rule->conditions, rule->condition_count,
				   NULL);
	node_count = (size_t)rule->ports * (2u + target_count);
	sizes.nodes = node_count * sizeof(struct ruleset_node);
	sizes.conditions = rule->condition_count * sizeof(*rule->conditions);
	sizes.runs = run_count * sizeof(struct condition_run);
	sizes.targets = target_count * sizeof(*targets);
	sizes.group = strlen(rule->group) + 1;
	made = calloc(1, sizeof(*made) + sizes.nodes + sizes.conditions +
				 sizes.runs + sizes.targets + sizes.group);
	if (made && rule->latch.prefix.addr.family != IP_NONE) {
		made->latch = latch_new(&rule->latch);
		if (!made->latch) {
			free(made);
			made = NULL;
		}
	}
	if (made) {
		made->node_count = node_count;
		made->run_count = run_count;
		made->target_count = target_count;
		fill_head(made, rule);
		fill_tail(made, rule, targets, &sizes);
		*ret = made;
	}
	free(targets);
	return made ? 0 : -ENOMEM;
}

void ruleset_rule_free(struct ruleset_rule *rule)
{
	if (!rule)
		return;
	free(rule->counters);
	free(rule->latch);
	free(rule);
}

const struct ruleset_rule *ruleset_rule_of(const struct ruleset_node *node)
{
	const char *nodes = (const char *)(node - node->index);

	return (const void *)(nodes - offsetof(struct ruleset_rule, nodes));
}

struct endpoint ruleset_rule_endpoint(const struct ruleset_rule *rule,
				      size_t index)
{
	size_t set = index / rule->ports;
	struct endpoint endpoint;

	if (set == 0)
		endpoint = rule->outer;
	else if (set == 1)
		endpoint = rule->inner;
	else
		endpoint = rule->targets[set - 2];
	endpoint.port = (uint16_t)(endpoint.port + index % rule->ports);
	return endpoint;
}

bool ruleset_rule_covers(const struct endpoint *base, uint16_t ports,
			 const struct endpoint *endpoint, uint16_t *ret_offset)
{
	if (base->realm != endpoint->realm || endpoint->port < base->port ||
	    endpoint->port - base->port >= ports ||
	    !ip_addr_equal(&base->addr, &endpoint->addr))
		return false;
	*ret_offset = (uint16_t)(endpoint->port - base->port);
	return true;
}

bool ruleset_rule_target(const struct ruleset_rule *rule,
			 const struct endpoint *source, uint16_t offset,
			 struct endpoint *ret)
{
	const struct rule_condition *condition;
	struct endpoint target = rule->inner;

	if (rule->condition_count > 0) {
		condition = condition_find(rule->conditions, rule->runs,
					   rule->run_count, source);
		if (!condition || condition->discard)
			return false;
		if (condition->target.addr.family != IP_NONE)
			target = condition->target;
	}
	target.port = (uint16_t)(target.port + offset);
	*ret = target;
	return true;
}

void ruleset_rule_copy(const struct ruleset_rule *rule, struct rule *ret)
{
	*ret = (struct rule){ .id = rule->id,
			      .inner = rule->inner,
			      .outer = rule->outer,
			      .remote = rule->remote,
			      .timer = rule->timer,
			      .ports = rule->ports,
			      .kind = rule->kind,
			      .protocol = rule->protocol,
			      .keep_source = rule->keep_source,
			      .condition_count = rule->condition_count,
			      .conditions = rule->conditions };
	memcpy(ret->group, rule->group, strlen(rule->group) + 1);
	if (rule->latch)
		latch_copy(rule->latch, &ret->latch);
}

bool ruleset_rule_signalled(const struct ruleset_rule *rule, uint16_t offset,
			    struct endpoint *ret)
{
	const struct rule_remote *remote = &rule->remote;

	if (remote->port == 0 || ip_prefix_count(&remote->prefix) != 1)
		return false;
	*ret = (struct endpoint){ .addr = remote->prefix.addr,
				  .port = (uint16_t)(remote->port + offset),
				  .realm = rule->outer.realm };
	return true;
}
