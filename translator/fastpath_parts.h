/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the fast path share: its state. For them only. */
#ifndef VIADUCT_TRANSLATOR_FASTPATH_PARTS_H
#define VIADUCT_TRANSLATOR_FASTPATH_PARTS_H

#include "common/log.h"
#include "translator/conntrack.h"
#include "translator/fastpath.h"

#define FASTPATH_RETRY_MS 1000 /* until a flow is offered again */

struct fastpath {
	struct fastpath_options options;
	struct conntrack *conntrack; /* owned */
	struct flows *flows;         /* owned */
	struct event *ended;         /* owned */
	struct list fresh;           /* flows_entry: not yet in the kernel */
	struct list again; /* flows_entry: its packets have come back here */
	size_t waiting;    /* on both */
	struct fastpath_counts counts;
	struct log_limit failures;
	uint64_t change;     /* of the ruleset, counts up */
	uint64_t round;      /* of counting */
	uint64_t counted_ms; /* all was counted then */
	uint64_t count_ms;   /* not counted again before */
	uint64_t seed;
	uint64_t full_ms; /* the kernel's table is full until then */
	uint32_t tag;
	uint16_t zones[REALM_MAX]; /* 0: no other realm has its addresses */
	bool stays[REALM_MAX];     /* the kernel cannot send by its table */
	bool synced;               /* all rules are known */
	struct fastpath_refusal refusals[FASTPATH_REFUSALS];
};

struct resolve_view fastpath_view(const struct fastpath *fastpath);
/*
 * flow_settle, but FLOW_INTRICATE for a flow of a realm that cannot have any in
 * the kernel; the way there is from a realm with a zone, if one of the two has.
 */
enum flow_verdict fastpath_settle(const struct fastpath *fastpath,
				  const struct resolve_view *view,
				  const struct endpoint *src,
				  const struct endpoint *dst, struct flow *ret);
/* As it is in the kernel. */
struct conntrack_entry fastpath_entry(const struct flows_entry *entry);
bool fastpath_is_entry(const struct conntrack_entry *entry,
		       const struct flow *flow);

/* The first ones of a list. */
struct fastpath_batch {
	struct flows_entry *flows[CONNTRACK_BATCH_MAX];
	struct conntrack_entry entries[CONNTRACK_BATCH_MAX];
	int results[CONNTRACK_BATCH_MAX];
	size_t count;
};

void fastpath_batch_fill(struct fastpath_batch *batch, struct list *list);

/* Those that have ended leave, unless they are on a list; all are counted. */
void fastpath_take_ended(struct fastpath *fastpath);
/*
 * Removes all of the list, from the kernel and from the book; counts them in
 * *count. What is left of it after a failure stays a flow.
 */
int fastpath_remove(struct fastpath *fastpath, struct list *list,
		    uint64_t *count);

#endif
