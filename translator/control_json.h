/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of rules as the translator's socket tells them. */
#ifndef VIADUCT_TRANSLATOR_CONTROL_JSON_H
#define VIADUCT_TRANSLATOR_CONTROL_JSON_H

#include <jansson.h>

#include "common/rule.h"
#include "translator/ruleset.h"

/* Each result belongs to the caller. */
const char *control_kind_name(enum rule_kind kind);
json_t *control_endpoint_json(const struct realm_names *names,
			      const struct endpoint *endpoint);
/* "1.1.1.1", "1.1.1.1:1111", "1.1.0.0/16"; null: anywhere. */
json_t *control_remote_json(const struct rule_remote *remote);
/* Adds whom a rule latches on to, and has latched on to. */
void control_latch_json(const struct ruleset_rule *rule, json_t *object);
json_t *control_condition_json(const struct realm_names *names,
			       const struct rule_condition *condition);

#endif
