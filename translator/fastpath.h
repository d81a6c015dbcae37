/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPINE: flows are given to the kernel's NAT, and taken back.
 *
 * A packet that was translated in userspace offers its flow. When the rules
 * settle the flow (flow.h) an entry of the kernel's conntrack table says the
 * same as they do, and no further packet of it comes here. What the rules say
 * anew after a change is compared with what the entries say: those that differ
 * are removed before the change is acknowledged.
 *
 * Entries outlive the translator. The next one finds them by their mark, keeps
 * those that the rules it is given confirm, and removes the others when all
 * rules are there.
 */
#ifndef VIADUCT_TRANSLATOR_FASTPATH_H
#define VIADUCT_TRANSLATOR_FASTPATH_H

#include "common/conf.h"
#include "translator/flows.h"

struct event_base;
struct fastpath;

struct fastpath_options { /* none owned */
	struct event_base *base;
	const struct conf *conf;
	const struct ruleset *ruleset;
	const struct realms *realms;
	const struct permits *permits;
};

struct fastpath_counts {
	uint64_t flows[FLOW_VERDICT_COUNT]; /* offered: what became of them */
	uint64_t taken_back;                /* by a change of the rules */
	uint64_t ended;                     /* silent for long, or removed */
	uint64_t adopted;                   /* of an earlier translator */
	uint64_t packets;                   /* that the kernel translated */
};

/* 0, or -Exxx: this kernel cannot do it, or we may not. */
int fastpath_new(const struct fastpath_options *options, struct fastpath **ret);
/* The kernel's entries stay. */
void fastpath_free(struct fastpath *fastpath);
/* Removes all entries of this configuration's edge; none must be running. */
int fastpath_clean(const struct conf *conf);

/*
 * A UDP packet, whole, from src to dst, came from realm src.realm and was
 * forwarded. Kept until the next flush.
 */
void fastpath_offer(struct fastpath *fastpath, const struct endpoint *src,
		    const struct endpoint *dst, uint64_t now_ms);
void fastpath_flush(struct fastpath *fastpath, uint64_t now_ms);

/*
 * The ruleset has changed: rules were put, or deleted; or a synchronisation
 * has ended. 0: no packet that arrives from now on is translated by an entry
 * that the rules do not confirm. -Exxx: that is not known; call _synced before
 * anything is said to be in force.
 */
int fastpath_rules_put(struct fastpath *fastpath, const struct rule *rules,
		       size_t count);
int fastpath_rules_deleted(struct fastpath *fastpath, const uint64_t *ids,
			   size_t count);
int fastpath_rules_synced(struct fastpath *fastpath);

/*
 * Adds what the kernel has counted since to the rules' counters. So that a
 * large table does not take all the time, this may do nothing for a while
 * after the last time.
 */
void fastpath_count(struct fastpath *fastpath, uint64_t now_ms);
/* When it was last done; 0: never. */
uint64_t fastpath_counted_ms(const struct fastpath *fastpath);
const struct fastpath_counts *fastpath_counts(const struct fastpath *fastpath);

/* The flows that the kernel has: NULL to start, NULL at the end. */
const struct flows_entry *fastpath_next(const struct fastpath *fastpath,
					const struct flows_entry *entry);
/* The one with the lowest id > `after`; NULL: none. */
const struct flows_entry *fastpath_after(const struct fastpath *fastpath,
					 uint64_t after);
size_t fastpath_flows(const struct fastpath *fastpath);

/* A flow that was lately refused to the kernel, in one direction. */
struct fastpath_refusal {
	struct endpoint src; /* as a packet arrives */
	struct endpoint dst;
	enum flow_verdict why;
	uint64_t change; /* the ruleset's, at that time */
	uint64_t at_ms;
	uint64_t packets; /* since then */
};

#define FASTPATH_REFUSALS 1024

/* 0 .. FASTPATH_REFUSALS - 1; NULL: none in that place. */
const struct fastpath_refusal *fastpath_refused(const struct fastpath *fastpath,
						size_t place);

#endif
