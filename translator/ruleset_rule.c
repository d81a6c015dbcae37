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

static const struct condition_run *runs_of(const struct rule_terms *terms)
{
	return (const void *)&terms->conditions[terms->condition_count];
}

static const struct endpoint *targets_of(const struct rule_terms *terms)
{
	return (const void *)&runs_of(terms)[terms->run_count];
}

static const char *group_of(const struct rule_terms *terms)
{
	return (const void *)&targets_of(terms)[terms->target_count];
}

static struct rule_terms *terms_of(const struct ruleset_rule *rule)
{
	return (struct rule_terms *)(uintptr_t)rule->terms;
}

static bool may_latch(const struct rule *rule)
{
	return rule->latch.prefix.addr.family != IP_NONE;
}

/* With the pointer before it, if there is one. */
static struct rule_terms *terms_alloc(size_t size, bool has_latch)
{
	size_t before = has_latch ? sizeof(struct latch *) : 0;
	char *memory = calloc(1, before + size);

	return memory ? (void *)(memory + before) : NULL;
}

static void terms_free(struct rule_terms *terms, bool has_latch)
{
	free((char *)terms - (has_latch ? sizeof(struct latch *) : 0));
}

static void terms_set_latch(struct rule_terms *terms, struct latch *latch)
{
	memcpy((char *)terms - sizeof(latch), &latch, sizeof(latch));
}

static struct rule_terms *terms_new(const struct rule *rule,
				    const struct endpoint *targets,
				    uint16_t target_count)
{
	uint16_t runs = condition_runs(rule->conditions, rule->condition_count,
				       NULL);
	size_t conditions = rule->condition_count * sizeof(*rule->conditions);
	size_t group = strlen(rule->group) + 1;
	struct rule_terms *terms;
	char *tail;

	terms = terms_alloc(sizeof(*terms) + conditions +
				    runs * sizeof(struct condition_run) +
				    target_count * sizeof(*targets) + group,
			    may_latch(rule));
	if (!terms)
		return NULL;
	terms->users = 1;
	terms->condition_count = rule->condition_count;
	terms->run_count = runs;
	terms->target_count = target_count;
	tail = (char *)terms->conditions;
	if (conditions > 0)
		memcpy(tail, rule->conditions, conditions);
	tail += conditions;
	condition_runs(terms->conditions, terms->condition_count, (void *)tail);
	tail += runs * sizeof(struct condition_run);
	if (target_count > 0)
		memcpy(tail, targets, target_count * sizeof(*targets));
	tail += target_count * sizeof(*targets);
	memcpy(tail, rule->group, group);
	return terms;
}

/* Those of `like`, or new ones. */
static struct rule_terms *terms_get(const struct rule *rule,
				    const struct ruleset_rule *like)
{
	struct rule_terms *terms;
	struct endpoint *targets;
	uint16_t target_count;

	if (like && !like->has_conditions && rule->condition_count == 0 &&
	    !like->has_latch && !may_latch(rule) &&
	    strcmp(ruleset_rule_group(like), rule->group) == 0) {
		terms = terms_of(like);
		terms->users++;
		return terms;
	}
	if (collect_targets(rule, &targets, &target_count))
		return NULL;
	terms = terms_new(rule, targets, target_count);
	free(targets);
	return terms;
}

int ruleset_rule_init(struct ruleset_rule *ret, const struct rule *rule,
		      size_t realm_count, const struct ruleset_rule *like)
{
	struct rule_terms *terms;
	struct latch *latch = NULL;

	if (!rule_is_possible(rule, realm_count))
		return -EINVAL;
	if (may_latch(rule)) {
		latch = latch_new(&rule->latch);
		if (!latch)
			return -ENOMEM;
	}
	terms = terms_get(rule, like);
	if (!terms) {
		free(latch);
		return -ENOMEM;
	}
	if (latch)
		terms_set_latch(terms, latch);
	*ret = (struct ruleset_rule){ .id = rule->id,
				      .inner = rule->inner,
				      .outer = rule->outer,
				      .remote = rule->remote,
				      .timer = rule->timer,
				      .ports = (uint8_t)rule->ports,
				      .kind = rule->kind & 3u,
				      .protocol = rule->protocol,
				      .keep_source = rule->keep_source,
				      .has_conditions = rule->condition_count >
							0,
				      .has_latch = may_latch(rule),
				      .terms = terms };
	return 0;
}

void ruleset_rule_done(struct ruleset_rule *rule)
{
	struct rule_terms *terms = terms_of(rule);

	if (--terms->users > 0)
		return;
	if (rule->has_latch && !terms->latch_is_lent)
		free(ruleset_rule_latch(rule));
	terms_free(terms, rule->has_latch);
}

void ruleset_rule_keep_latch(struct ruleset_rule *rule,
			     const struct ruleset_rule *former)
{
	struct latch *latch = ruleset_rule_latch(rule);
	struct latch *old = ruleset_rule_latch(former);

	if (!latch || !old || latch->round != old->round)
		return;
	free(latch);
	terms_set_latch(terms_of(rule), old);
	terms_of(former)->latch_is_lent = true;
}

/* Of `ports` ports from `first` on. */
static size_t keys_of(uint16_t first, uint8_t ports)
{
	return (first + ports - 1u) / 2 - first / 2 + 1u;
}

static struct endpoint key_at(const struct endpoint *first, size_t i)
{
	struct endpoint key = ruleset_key(first);

	key.port = (uint16_t)(key.port + 2 * i);
	return key;
}

size_t ruleset_rule_outer_keys(const struct ruleset_rule *rule)
{
	return keys_of(rule->outer.port, rule->ports);
}

size_t ruleset_rule_inner_keys(const struct ruleset_rule *rule)
{
	const struct endpoint *targets = targets_of(rule->terms);
	size_t count = keys_of(rule->inner.port, rule->ports);

	for (size_t i = 0; i < rule->terms->target_count; i++)
		count += keys_of(targets[i].port, rule->ports);
	return count;
}

struct endpoint ruleset_rule_outer_key(const struct ruleset_rule *rule,
				       size_t i)
{
	return key_at(&rule->outer, i);
}

struct endpoint ruleset_rule_inner_key(const struct ruleset_rule *rule,
				       size_t i)
{
	const struct endpoint *first = &rule->inner;
	const struct endpoint *next = targets_of(rule->terms);

	for (size_t count; i >= (count = keys_of(first->port, rule->ports));
	     first = next++)
		i -= count;
	return key_at(first, i);
}

const struct rule_condition *
ruleset_rule_conditions(const struct ruleset_rule *rule, uint16_t *ret_count)
{
	*ret_count = rule->terms->condition_count;
	return rule->terms->conditions;
}

const char *ruleset_rule_group(const struct ruleset_rule *rule)
{
	return group_of(rule->terms);
}

const struct rule_condition *
ruleset_rule_condition(const struct ruleset_rule *rule,
		       const struct endpoint *source)
{
	if (!rule->has_conditions)
		return NULL;
	return condition_find(rule->terms->conditions, runs_of(rule->terms),
			      rule->terms->run_count, source);
}

struct rule_counters *ruleset_rule_counters(const struct ruleset_rule *rule)
{
	return (struct rule_counters *)(uintptr_t)rule->counters;
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

	if (rule->has_conditions) {
		condition = ruleset_rule_condition(rule, source);
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
			      .condition_count = rule->terms->condition_count,
			      .conditions = rule->terms->conditions };
	strcpy(ret->group, ruleset_rule_group(rule));
	if (rule->has_latch)
		latch_copy(ruleset_rule_latch(rule), &ret->latch);
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
