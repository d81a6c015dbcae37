/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the translator's rule socket (common/rulewire.h): connects, and
 * connects again; synchronises; sends changes and takes acknowledgements.
 *
 * The link is closed, all changes under way end with -ECONNRESET, and a new
 * one is made after 50 ms to 1 s, when the translator goes, breaks the
 * protocol, or neither acknowledges nor reads for RULELINK_TIMEOUT_MS.
 */
#ifndef VIADUCT_NATCTL_RULELINK_H
#define VIADUCT_NATCTL_RULELINK_H

#include "natctl/record.h"
#include "natctl/translator.h"

#define RULELINK_TIMEOUT_MS  1000
#define RULELINK_BACKOFF_MIN 50 /* ms */
#define RULELINK_BACKOFF_MAX 1000
#define RULELINK_RECORDS_MAX 4096              /* not acknowledged */
#define RULELINK_BYTES_MAX   (8 * 1024 * 1024) /* not sent */
/* Rules that a record removes: packets pass between one and the next. */
#define RULELINK_REMOVE_MAX 512

struct event_base;
struct rulelink;

struct rulelink_sync {
	record_next_fn next; /* the rules in force, one after the other */
	/* The translator says that a port has latched. */
	void (*on_latched)(const struct wire_latched *latched, uint64_t now_ms,
			   void *arg);
	void *arg;
	/* It takes changes from now on, or no longer does. */
	void (*on_link)(bool up, void *arg);
	void (*on_activity)(const struct wire_activity *activity, void *arg);
	uint64_t epoch;
	/*
	 * Rules that are not among them stay for so long after the start, for
	 * clients to announce them again; one that is in the way of another
	 * goes earlier.
	 */
	unsigned grace_seconds;
};

/* A link that is down; `names` are not owned. NULL: no memory. */
struct rulelink *rulelink_new(struct event_base *base, const char *path,
			      const struct realm_names *names);
/* Ends the changes under way with -ECONNRESET. */
void rulelink_free(struct rulelink *link);
/* Connects from now on. */
void rulelink_start(struct rulelink *link, const struct rulelink_sync *sync);

/*
 * With a struct rulelink as `link`. A removal always finds room: there are no
 * more of them under way than there were leases, and while these are many
 * there is none for new ones.
 */
extern const struct translator_ops rulelink_ops;

#endif
