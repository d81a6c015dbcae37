/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force, found by outer and by inner endpoint. Pure.
 *
 * A published rule never changes, but for its counters and whom it has latched
 * on to: a change publishes a new one in its place. One thread changes the set
 * and walks it by id. Others may look up rules by their endpoints meanwhile,
 * and add to counters; then ruleset_share tells how to wait until nobody sees
 * what is no longer there.
 */
#ifndef VIADUCT_TRANSLATOR_RULESET_H
#define VIADUCT_TRANSLATOR_RULESET_H

#include <string.h>

#include "common/rule.h"
#include "translator/condition.h"
#include "translator/latch.h"

struct rule_counters {
	_Atomic uint64_t packets_in;  /* whose destination the rule rewrote */
	_Atomic uint64_t packets_out; /* whose source it took over */
	_Atomic uint64_t discarded;   /* by its conditions, or as unsolicited */
};

/*
 * What a look-up seldom needs, of one rule or of several; behind it are the
 * conditions, their runs, their targets, each once, and the group's name. Of a
 * rule that latches, a pointer to its latch is before it.
 */
struct rule_terms {
	uint32_t users; /* rules that have it */
	uint16_t condition_count;
	uint16_t run_count;
	uint16_t target_count;
	bool latch_is_lent; /* to a later publication */
	struct rule_condition conditions[];
};

/* A rule as the translator keeps it: read-only, two cache lines. */
struct ruleset_rule {
	struct endpoint outer;
	struct endpoint inner;
	struct rule_remote remote;
	uint32_t timer; /* seconds */
	uint8_t ports;
	uint8_t protocol;     /* enum rule_protocol */
	uint8_t kind : 2;     /* enum rule_kind */
	bool keep_source : 1; /* and so for a condition's targets */
	bool has_conditions : 1;
	bool has_latch : 1;
	bool is_stale;                    /* not put since the last begin */
	struct rule_counters counters[1]; /* its successor gets them */
	uint64_t id;
	uint64_t serial;                /* of this publication; no two alike */
	uint64_t first_serial;          /* of its first: ids come round again */
	const struct rule_terms *terms; /* owned, with others */
};

_Static_assert(sizeof(struct ruleset_rule) == 128, "two cache lines");

struct ruleset;

/* NULL: no memory. `seed`: random, keys the hashes. */
struct ruleset *ruleset_new(size_t realm_count, uint64_t seed);
void ruleset_free(struct ruleset *set);
size_t ruleset_count(const struct ruleset *set);
/*
 * Others look up meanwhile. `wait` returns when all who have begun to before
 * its call have come to their end. Once put, delete and sync_end return,
 * nobody sees what they removed or replaced.
 */
typedef void (*ruleset_wait_fn)(void *arg);
void ruleset_share(struct ruleset *set, ruleset_wait_fn wait, void *arg);

/*
 * Adds or replaces by id, all or nothing; copies everything. -EEXIST: in the
 * end two rules would share an outer endpoint (or `rules` names an id twice),
 * -EINVAL: a rule that cannot be (unknown realm, ports past 65535, a remote
 * or condition of another family than the outer endpoint, conditions not
 * sorted), -ENOMEM.
 */
int ruleset_put(struct ruleset *set, const struct rule *rules, size_t count);
/* Ids that are not there are passed over. Returns how many were removed. */
size_t ruleset_delete(struct ruleset *set, const uint64_t *ids, size_t count);

/*
 * Between the two everything is put anew: what was not put since the begin
 * gives way to a rule that claims its outer endpoint, and is removed by the
 * end, which returns how many it removed. Dynamic mappings have no part in it.
 * A begin without an end is forgotten by the next begin.
 */
void ruleset_sync_begin(struct ruleset *set);
size_t ruleset_sync_end(struct ruleset *set);

/* The first rule with an id > `after`, or NULL. Valid until a change. */
const struct ruleset_rule *ruleset_next(const struct ruleset *set,
					uint64_t after);
const struct ruleset_rule *ruleset_find(const struct ruleset *set, uint64_t id);
/* The wire's form of it; ret->conditions points into the rule. */
void ruleset_rule_copy(const struct ruleset_rule *rule, struct rule *ret);

/* What conditions and group a rule has. */
const struct rule_condition *
ruleset_rule_conditions(const struct ruleset_rule *rule, uint16_t *ret_count);
const char *ruleset_rule_group(const struct ruleset_rule *rule);
/* The condition that speaks for that source; NULL: none does. */
const struct rule_condition *
ruleset_rule_condition(const struct ruleset_rule *rule,
		       const struct endpoint *source);
/* Of a rule that latches. Lives for a round. */
static inline struct latch *
ruleset_rule_own_latch(const struct ruleset_rule *rule)
{
	struct latch *latch;

	memcpy(&latch, (const char *)rule->terms - sizeof(latch),
	       sizeof(latch));
	return latch;
}
/* NULL: it does not latch. */
static inline struct latch *ruleset_rule_latch(const struct ruleset_rule *rule)
{
	return rule->has_latch ? ruleset_rule_own_latch(rule) : NULL;
}
/* To be added to. */
struct rule_counters *ruleset_rule_counters(const struct ruleset_rule *rule);

/*
 * For those who look up many at once: the first call begins to fetch where the
 * rules of a source and a destination are found, the second the rules. The
 * look-ups may be told what is known then.
 */
struct ruleset_ahead {
	struct endpoint source;
	struct endpoint destination;
	uint32_t source_hash;
	uint32_t destination_hash;
	uint8_t protocol; /* enum rule_protocol; 0: nothing is known */
};

/* The rule that has this outer endpoint, or NULL. */
const struct ruleset_rule *ruleset_find_outer(const struct ruleset *set,
					      enum rule_protocol protocol,
					      const struct endpoint *outer);
/* The same; `ahead` (NULL: nothing) is known. */
const struct ruleset_rule *
ruleset_find_ahead(const struct ruleset *set, enum rule_protocol protocol,
		   const struct endpoint *outer,
		   const struct ruleset_ahead *ahead);
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
	const struct ruleset_ahead *ahead; /* is known; NULL: nothing */
};
const struct ruleset_rule *
ruleset_find_source(const struct ruleset *set,
		    const struct ruleset_query *query, ruleset_usable_fn usable,
		    uint16_t *ret_offset, void *arg);

struct ruleset_ahead ruleset_ahead(const struct ruleset *set,
				   enum rule_protocol protocol,
				   const struct endpoint *source,
				   const struct endpoint *destination);
void ruleset_fetch(const struct ruleset *set,
		   const struct ruleset_ahead *ahead);
/* Is there a point in it? */
bool ruleset_is_large(const struct ruleset *set);

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
