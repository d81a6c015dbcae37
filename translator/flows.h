/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flows that the kernel has: found by the endpoints of a packet of either
 * direction, by rule, by endpoint. Pure; bounded.
 */
#ifndef VIADUCT_TRANSLATOR_FLOWS_H
#define VIADUCT_TRANSLATOR_FLOWS_H

#include "common/list.h"
#include "common/table.h"
#include "translator/flow.h"

#define FLOWS_PER_RULE_MAX 128
#define FLOWS_RULES_MAX    (2 * FLOW_STEPS_MAX)
#define FLOWS_ENDS_MAX     4

struct flows_entry;

struct flows_ref { /* one on a table of the book */
	struct table_node node;
	struct flows_entry *entry; /* not owned */
	uint64_t rule;             /* of a reference by rule */
};

/*
 * One by endpoint. A server may have all the flows there are: the first one of
 * an endpoint is on the table, the others on a ring with it.
 */
struct flows_end {
	struct table_node node;
	struct list same;          /* the ring */
	bool leads;                /* is on the table */
	struct flows_entry *entry; /* not owned */
	const struct endpoint *end;
};

struct flows_entry {
	uint64_t id;               /* grows with each that is added */
	struct list in_all;        /* on flows.all, by id */
	struct table_node id_node; /* on flows.ids */
	struct flow flow;
	bool adopted; /* of an earlier translator: its rules are not known */
	uint64_t packets[2]; /* that are counted: there, back */
	uint64_t round;      /* of counting, in which it was last seen */
	uint64_t since_ms;
	uint64_t tried_ms; /* last offered to the kernel */
	uint32_t mark;
	uint16_t zone;           /* of the way there; 0: as everybody's */
	bool marked;             /* is on the list of flows_mark_* */
	struct list marked_node; /* on it */
	struct flows_ref ways[2];
	struct flows_ref rules[FLOWS_RULES_MAX];
	size_t rule_count;
	struct flows_end ends[FLOWS_ENDS_MAX];
};

struct flows;

/* NULL: no memory. At most `max` flows. `seed`: random, keys the hashes. */
struct flows *flows_new(size_t max, uint64_t seed);
void flows_free(struct flows *flows);
size_t flows_count(const struct flows *flows);

/* By a packet's endpoints as it arrives; *ret_back: it is one of the way back. NULL: none. */
struct flows_entry *flows_find(const struct flows *flows,
			       const struct endpoint *src,
			       const struct endpoint *dst, bool *ret_back);
/*
 * 0 with *ret (owned by the book), -ENOSPC: the book is full, -EDQUOT: one of
 * its rules has its share, -EEXIST: one of its directions is there; -ENOMEM.
 */
int flows_add(struct flows *flows, const struct flow *flow,
	      struct flows_entry **ret);
/* The rules of an adopted flow, now that they are known. */
void flows_set_rules(struct flows *flows, struct flows_entry *entry,
		     const struct flow *flow);
void flows_remove(struct flows *flows, struct flows_entry *entry);

/* The one with the lowest id > `after`; NULL: none. */
struct flows_entry *flows_after(const struct flows *flows, uint64_t after);
/* By id: NULL to start, NULL at the end. */
struct flows_entry *flows_next(const struct flows *flows,
			       const struct flows_entry *entry);

/*
 * Put on `list`, each once: the flows by a rule, those of which a packet has
 * this source or destination as it arrives or as it leaves (its realm does
 * not matter), all.
 */
void flows_mark_rule(struct flows *flows, uint64_t rule, struct list *list);
void flows_mark_end(struct flows *flows, const struct endpoint *end,
		    struct list *list);
void flows_mark_all(struct flows *flows, struct list *list);
void flows_unmark(struct flows_entry *entry);
/* The entry of a node of such a list. */
struct flows_entry *flows_of_mark(struct list *node);

#endif
