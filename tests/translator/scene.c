/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text case of the packet path on its way: its words, realms and rules. */
#include "tests/translator/scene.h"

#include <stdlib.h>
#include <string.h>

#include "common/rulewire.h"

const char *scene_word(struct scene *scene)
{
	if (scene->word >= scene->word_count)
		complain(scene, "something is missing at the end");
	return scene->words[scene->word++];
}

bool scene_take(struct scene *scene, const char *word)
{
	if (scene->word >= scene->word_count ||
	    strcmp(scene->words[scene->word], word) != 0)
		return false;
	scene->word++;
	return true;
}

unsigned long scene_number(struct scene *scene)
{
	const char *word = scene_word(scene);
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	if (*end || end == word)
		complain(scene, "\"%s\" is no number", word);
	return number;
}

static struct endpoint next_endpoint(struct scene *scene)
{
	const char *word = scene_word(scene);
	struct endpoint endpoint;

	if (endpoint_parse_bare(word, strlen(word), &endpoint) &&
	    endpoint_parse(word, &scene->names, &endpoint))
		complain(scene, "\"%s\" is no endpoint", word);
	return endpoint;
}

struct endpoint scene_place(struct scene *scene)
{
	const char *word = scene->words[scene->word];
	struct endpoint place = { .realm = REALM_NONE };

	if (scene->word < scene->word_count &&
	    ip_addr_parse(word, strlen(word), &place.addr) == 0) {
		scene->word++;
		return place;
	}
	return next_endpoint(scene);
}

static struct ip_prefix next_prefix(struct scene *scene)
{
	const char *word = scene_word(scene);
	struct ip_prefix prefix;

	if (ip_prefix_parse(word, strlen(word), &prefix))
		complain(scene, "\"%s\" is no prefix", word);
	return prefix;
}

realm_id scene_realm_id(struct scene *scene)
{
	const char *word = scene_word(scene);
	realm_id realm = realm_find(&scene->names, word);

	if (realm == REALM_NONE)
		complain(scene, "\"%s\" is no realm", word);
	return realm;
}

void scene_clear(struct scene *scene)
{
	dynamics_free(scene->context.dynamics);
	ruleset_free(scene->context.ruleset);
	realms_free((struct realms *)(uintptr_t)scene->context.realms);
	permits_free(scene->context.permits);
	fragments_free(scene->context.fragments);
	*scene = (struct scene){ .path = scene->path, .line = scene->line };
	scene->names.names = scene->name_list;
	scene->now_ms = 1000000;
}

static enum conf_filter next_filter(struct scene *scene)
{
	if (scene_take(scene, "any"))
		return CONF_FILTER_ANY;
	if (scene_take(scene, "endpoint"))
		return CONF_FILTER_ENDPOINT;
	if (!scene_take(scene, "address"))
		complain(scene, "no such filter");
	return CONF_FILTER_ADDRESS;
}

/* false: it is no word of a dynamic realm. */
static bool next_dynamic(struct scene *scene, struct scene_realm *realm)
{
	struct conf_range *range = &realm->dynamic[realm->dynamic_count];
	const char *word;

	if (scene_take(scene, "dynamic")) {
		realm->is_dynamic = true;
	} else if (scene_take(scene, "filter")) {
		realm->filter = next_filter(scene);
	} else if (scene_take(scene, "max")) {
		realm->dynamic_max = (unsigned)scene_number(scene);
	} else if (scene_take(scene, "timer")) {
		realm->dynamic_timer = (unsigned)scene_number(scene);
	} else if (scene_take(scene, "dynamic-pool")) {
		range->prefix = next_prefix(scene);
		word = scene_word(scene);
		if (port_range_parse(word, strlen(word), &range->ports))
			complain(scene, "no such ports");
		realm->dynamic_count++;
	} else {
		return false;
	}
	return true;
}

void scene_on_realm(struct scene *scene)
{
	struct scene_realm *realm = &scene->realms[scene->realm_count];

	if (scene->context.realms || scene->realm_count == REALMS_MAX)
		complain(scene, "no realm can be added here");
	snprintf(realm->name, sizeof(realm->name), "%s", scene_word(scene));
	scene->name_list[scene->realm_count++] = realm->name;
	scene->names.count = scene->realm_count;
	while (scene->word < scene->word_count) {
		if (scene_take(scene, "network"))
			realm->networks[realm->network_count++] = next_prefix(
				scene);
		else if (scene_take(scene, "pool"))
			realm->pool[realm->pool_count++].prefix = next_prefix(
				scene);
		else if (scene_take(scene, "reaches"))
			snprintf(realm->reaches[realm->reach_count++],
				 REALM_NAME_MAX, "%s", scene_word(scene));
		else if (!next_dynamic(scene, realm))
			complain(scene, "a realm has no such thing");
	}
}

static void fill_reaches(struct scene *scene, realm_id id)
{
	struct scene_realm *realm = &scene->realms[id];

	for (size_t i = 0; i < realm->reach_count; i++) {
		realm_id to = realm_find(&scene->names, realm->reaches[i]);

		if (to == REALM_NONE)
			complain(scene, "%s reaches no realm %s", realm->name,
				 realm->reaches[i]);
		scene->conf_reaches[id][i] = to;
	}
}

static struct conf_pool pool_of(struct scene_realm *realm, realm_id id,
				bool dynamic)
{
	return (struct conf_pool){ .name = realm->name,
				   .realm = id,
				   .named = dynamic,
				   .dynamic = dynamic,
				   .ranges = dynamic ? realm->dynamic :
						       realm->pool,
				   .range_count = dynamic ?
							  realm->dynamic_count :
							  realm->pool_count };
}

/* The realms as the configuration would give them. */
static void make_conf(struct scene *scene)
{
	scene->conf = (struct conf){ .realms = scene->conf_realms,
				     .realm_count = scene->realm_count,
				     .pools = scene->conf_pools,
				     .names = scene->names };
	for (realm_id i = 0; i < scene->realm_count; i++) {
		struct scene_realm *realm = &scene->realms[i];

		fill_reaches(scene, i);
		scene->conf_realms[i] = (struct conf_realm){
			.name = realm->name,
			.id = i,
			.networks = realm->networks,
			.network_count = realm->network_count,
			.reaches = scene->conf_reaches[i],
			.reach_count = realm->reach_count,
			.dynamic = realm->is_dynamic,
			.filter = realm->filter,
			.dynamic_max = realm->dynamic_max ? realm->dynamic_max :
							    512,
			.dynamic_timer = realm->dynamic_timer ?
						 realm->dynamic_timer :
						 300
		};
		scene->conf_pools[scene->conf.pool_count++] = pool_of(realm, i,
								      false);
		if (realm->dynamic_count > 0)
			scene->conf_pools[scene->conf.pool_count++] =
				pool_of(realm, i, true);
	}
}

void scene_start(struct scene *scene)
{
	if (scene->context.realms)
		return;
	make_conf(scene);
	scene->context.realms = realms_new(&scene->conf);
	scene->context.ruleset = ruleset_new(scene->realm_count, 1);
	scene->context.permits = permits_new(2);
	scene->context.fragments = fragments_new(3);
	scene->context.dynamics = dynamics_new(&scene->conf,
					       scene->context.ruleset, 4);
	ck_assert_ptr_nonnull(scene->context.realms);
	ck_assert_ptr_nonnull(scene->context.ruleset);
	ck_assert_ptr_nonnull(scene->context.permits);
	ck_assert_ptr_nonnull(scene->context.fragments);
	ck_assert_ptr_nonnull(scene->context.dynamics);
}

void scene_close_rule(struct scene *scene)
{
	size_t a, b;
	int err;

	if (!scene->rule_open)
		return;
	scene->rule_open = false;
	err = rule_conditions_sort(scene->conditions,
				   scene->rule.condition_count, &a, &b);
	if (!err)
		err = ruleset_put(scene->context.ruleset, &scene->rule, 1);
	if (err)
		complain(scene, "the rule before is refused: %s",
			 strerror(-err));
}

static uint8_t next_kind(struct scene *scene)
{
	if (scene_take(scene, "originating"))
		return RULE_ORIGINATING;
	if (scene_take(scene, "terminating"))
		return RULE_TERMINATING;
	if (!scene_take(scene, "both"))
		complain(scene, "no such kind");
	return RULE_BOTH;
}

void scene_on_rule(struct scene *scene)
{
	struct rule *rule = &scene->rule;

	scene_start(scene);
	*rule = (struct rule){ .id = scene_number(scene),
			       .group = "case",
			       .timer = 60,
			       .ports = 1,
			       .protocol = RULE_UDP,
			       .conditions = scene->conditions };
	scene->rule_open = true;
	rule->inner = next_endpoint(scene);
	if (!scene_take(scene, "<->"))
		complain(scene, "a rule reads: ID INNER <-> OUTER");
	rule->outer = next_endpoint(scene);
	while (scene->word < scene->word_count) {
		if (scene_take(scene, "ports"))
			rule->ports = (uint16_t)scene_number(scene);
		else if (scene_take(scene, "kind"))
			rule->kind = next_kind(scene);
		else if (scene_take(scene, "timer"))
			rule->timer = (uint32_t)scene_number(scene);
		else if (scene_take(scene, "remote"))
			rule->remote.prefix = next_prefix(scene);
		else if (scene_take(scene, "remote-port"))
			rule->remote.port = (uint16_t)scene_number(scene);
		else if (scene_take(scene, "keep-source"))
			rule->keep_source = true;
		else if (scene_take(scene, "latch"))
			rule->latch.prefix = next_prefix(scene);
		else if (scene_take(scene, "round"))
			rule->latch.round = (uint32_t)scene_number(scene);
		else if (scene_take(scene, "tcp"))
			rule->protocol = RULE_TCP;
		else
			complain(scene, "a rule has no such thing");
	}
}

void scene_on_from(struct scene *scene)
{
	struct rule_condition *condition;
	const char *word;

	if (!scene->rule_open || scene->rule.condition_count == CONDITIONS_MAX)
		complain(scene, "no condition can be added here");
	condition = &scene->conditions[scene->rule.condition_count++];
	*condition = (struct rule_condition){ .ports = { 1, UINT16_MAX } };
	condition->source = next_prefix(scene);
	while (scene->word < scene->word_count) {
		if (scene_take(scene, "ports")) {
			word = scene_word(scene);
			if (port_range_parse(word, strlen(word),
					     &condition->ports))
				complain(scene, "no such ports");
		} else if (scene_take(scene, "to")) {
			condition->target = next_endpoint(scene);
		} else if (scene_take(scene, "discard")) {
			condition->discard = true;
		} else {
			complain(scene, "a condition has no such thing");
		}
	}
}

void scene_split(struct scene *scene, char *line)
{
	char *save, *word;

	line[strcspn(line, "#\n")] = '\0';
	scene->word = 0;
	scene->word_count = 0;
	for (word = strtok_r(line, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		if (scene->word_count == WORDS_MAX)
			complain(scene, "too many words");
		scene->words[scene->word_count++] = word;
	}
}
