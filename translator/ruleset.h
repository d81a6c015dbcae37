/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force, found by outer and by inner endpoint. Pure.
 *
 * A published rule never changes: a change publishes a new one in its place.
 * What does change, its counters and whom it has latched on to, stands apart
 * and is handed on from one publication of an id to the next.
 */
#ifndef VIADUCT_TRANSLATOR_RULESET_H
#define VIADUCT_TRANSLATOR_RULESET_H

#include "common/rule.h"
#include "common/table.h"
#include "translator/condition.h"
#include "translator/latch.h"

struct rule_counters {
	uint64_t packets_in;  /* whose destination the rule rewrote */
	uint64_t packets_out; /* whose source it took over */
	uint64_t discarded;   /* by its conditions, or as unsolicited */
};

struct ruleset_node { /* one a port, on a table of the ruleset */
	struct table_node node;
	uint32_t index; /* among the rule's nodes */
};

/* A rule as the translator keeps it: read-only, one allocation. */
struct ruleset_rule {
	uint64_t id;
	uint64_t serial;                /* of this publication; no two alike */
	uint64_t first_serial;          /* of its first: ids come round again */
	struct rule_counters *counters; /* owned; live as long as the id */
	struct latch *latch; /* owned; lives for a round; NULL: does not latch */
	struct endpoint inner;
	struct endpoint outer;
	struct rule_remote remote;
	uint32_t timer; /* seconds */
	uint32_t sync;  /* the synchronisation that put it */
	uint16_t ports;
	uint8_t kind;     /* enum rule_kind */
	uint8_t protocol; /* enum rule_protocol */
	bool keep_source;
	uint16_t condition_count;
	uint16_t run_count;
	uint16_t target_count;
	const struct rule_condition *conditions; /* the four: in here */
	const struct condition_run *runs;
	const struct endpoint *targets; /* of conditions, each once */
	const char *group;
	size_t node_count;
	struct ruleset_node nodes[]; /* outer, inner, targets: each `ports` */
};

struct ruleset;

/* NULL: no memory. `seed`: random, keys the hashes. */
struct ruleset *ruleset_new(size_t realm_count, uint64_t seed);
void ruleset_free(struct ruleset *set);
size_t ruleset_count(const struct ruleset *set);

/*
 * Adds or replaces by id, all or nothing; copies everything. -EEXIST: in the
 * end two rules would share an outer endpoint (or `rules` names an id twice),
 * -EINVAL: a rule that cannot be (unknown realm, ports past 65535, a
 * remote or condition of another family than the outer endpoint, conditions not sorted), -ENOMEM.
 */
int ruleset_put(struct ruleset *set, const struct rule *rules, size_t count);
/* Ids that are not there are passed over. Returns how many were removed. */
size_t ruleset_delete(struct ruleset *set, const uint64_t *ids, size_t count);

/*
 * Between the two everything is put anew: what was not put since the begin
 * gives way to a rule that claims its outer endpoint, and is removed by the
 * end, which returns how many it removed. Dynamic mappings have no part in it. A begin without an end is forgotten
 * by the next begin.
 */
void ruleset_sync_begin(struct ruleset *set);
size_t ruleset_sync_end(struct ruleset *set);

/* The first rule with an id > `after`, or NULL. Valid until a change. */
const struct ruleset_rule *ruleset_next(const struct ruleset *set,
					uint64_t after);
const struct ruleset_rule *ruleset_find(const struct ruleset *set, uint64_t id);
/* The wire's form of it; ret->conditions points into the rule. */
void ruleset_rule_copy(const struct ruleset_rule *rule, struct rule *ret);

/* The rule that has this outer endpoint, or NULL. */
const struct ruleset_rule *ruleset_find_outer(const struct ruleset *set,
					      enum rule_protocol protocol,
					      const struct endpoint *outer);
/*
 * The rule that gives `source`, an inner endpoint, its endpoint in realm
 * `into` towards `remote`: of those that `usable` accepts (NULL: all) the one
 * with the most specific remote, then the lowest id. A condition's target is
 * an inner endpoint as well, towards those whom that condition leads to it.
 * *ret_offset: which of the rule's ports.
 */
typedef bool (*ruleset_usable_fn)(const struct ruleset_rule *rule,
				  uint16_t offset,
				  const struct endpoint *remote, void *arg);
struct ruleset_query {
	enum rule_protocol protocol;
	realm_id into;
	const struct endpoint *source;
	const struct endpoint *remote;
};
const struct ruleset_rule *
ruleset_find_source(const struct ruleset *set,
		    const struct ruleset_query *query, ruleset_usable_fn usable,
		    uint16_t *ret_offset, void *arg);

/*
 * Where a packet from `source` to the rule's outer port + offset goes. false:
 * the conditions refuse it.
 */
bool ruleset_rule_target(const struct ruleset_rule *rule,
			 const struct endpoint *source, uint16_t offset,
			 struct endpoint *ret);
/* The remote's endpoint for that port; false: it is not one endpoint. */
bool ruleset_rule_signalled(const struct ruleset_rule *rule, uint16_t offset,
			    struct endpoint *ret);

#endif
