/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text case of the packet path on its way: its words, realms and rules. */
#ifndef VIADUCT_TESTS_TRANSLATOR_SCENE_H
#define VIADUCT_TESTS_TRANSLATOR_SCENE_H

#include <check.h>

#include "tests/translator/sample.h"
#include "translator/explain.h"
#include "translator/translate.h"

#define WORDS_MAX      60
#define REALMS_MAX     8
#define PREFIXES_MAX   8
#define CONDITIONS_MAX 16

struct scene_realm {
	char name[REALM_NAME_MAX];
	struct ip_prefix networks[PREFIXES_MAX];
	size_t network_count;
	struct conf_range pool[PREFIXES_MAX];
	size_t pool_count;
	char reaches[PREFIXES_MAX][REALM_NAME_MAX];
	size_t reach_count;
	struct conf_range dynamic[PREFIXES_MAX]; /* a pool for mappings */
	size_t dynamic_count;
	bool is_dynamic;
	enum conf_filter filter;
	unsigned dynamic_max;
	unsigned dynamic_timer;
};

struct scene {            /* one case on its way */
	const char *path; /* of the file */
	unsigned line;
	char *words[WORDS_MAX];
	size_t word_count;
	size_t word; /* the next one */
	struct scene_realm realms[REALMS_MAX];
	size_t realm_count;
	const char *name_list[REALMS_MAX];
	struct realm_names names;
	struct conf_realm conf_realms[REALMS_MAX];
	struct conf_pool conf_pools[2 * REALMS_MAX];
	realm_id conf_reaches[REALMS_MAX][PREFIXES_MAX];
	struct conf conf;                 /* of these */
	struct translate_context context; /* NULLs before the first packet */
	uint64_t count[VERDICT_COUNT];
	uint64_t now_ms;
	bool rule_open; /* `rule` still takes conditions */
	struct rule rule;
	struct rule_condition conditions[CONDITIONS_MAX];
	bool packet_open; /* what it gave has not been asked for yet */
	struct sample sample;
	uint8_t before[SAMPLE_MAX];
	uint8_t room[CROSSING_HEADROOM + SAMPLE_MAX]; /* of `after` */
	uint8_t *after;
	size_t len; /* of `before` */
	size_t after_len;
	size_t pad; /* of it, bytes behind the packet's end */
	struct translation translation;
	bool explained; /* the packet was one that can be explained */
	struct explanation explanation;
};

/* Fails the test, naming file and line. */
#define complain(scene, format, ...)                  \
	ck_abort_msg("%s:%u: " format, (scene)->path, \
		     (scene)->line __VA_OPT__(, ) __VA_ARGS__)

/* Everything but the file and the line starts anew. */
void scene_clear(struct scene *scene);
/* The realms are complete: makes what packets and rules need. */
void scene_start(struct scene *scene);

/* The words of a line, without its comment. */
void scene_split(struct scene *scene, char *line);
const char *scene_word(struct scene *scene);
/* Is this the next word? It is taken then. */
bool scene_take(struct scene *scene, const char *word);
unsigned long scene_number(struct scene *scene);
realm_id scene_realm_id(struct scene *scene);
/* "1.1.1.1:1111", or, where no port is looked at, "1.1.1.1" */
struct endpoint scene_place(struct scene *scene);

/* realm NAME [network PREFIX]... [pool PREFIX]... [reaches REALM]...
 * [dynamic] [filter FILTER] [max N] [timer N] [dynamic-pool PREFIX PORTS]... */
void scene_on_realm(struct scene *scene);
/* rule ID INNER <-> OUTER TRAITS */
void scene_on_rule(struct scene *scene);
/* from PREFIX [ports P-P] [to ENDPOINT | discard] */
void scene_on_from(struct scene *scene);
/* The rule has all its conditions: puts it. */
void scene_close_rule(struct scene *scene);

#endif
