/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the TUNs, has each packet translated, writes what comes of it. */
#ifndef VIADUCT_TRANSLATOR_WORKER_H
#define VIADUCT_TRANSLATOR_WORKER_H

#include "common/conf.h"
#include "translator/translate.h"

#define WORKER_BATCH 64 /* packets of one TUN before the next has its turn */

struct event_base;
struct fastpath;
struct worker;

struct worker_options {
	struct event_base *base; /* not owned */
	const struct conf *conf; /* not owned */
	const int *tuns;         /* by realm; taken over when it succeeds */
	bool fastpath;           /* give flows to the kernel, if it can */
	/* A TUN is gone: nothing can be translated any more. */
	void (*on_lost)(realm_id realm, int err, void *arg);
	/* A packet has latched a port of a rule: natctl is to be told. */
	void (*on_latched)(const struct wire_latched *latched, void *arg);
	void *arg;
};

struct worker_counts {
	uint64_t verdicts[VERDICT_COUNT];
	/* Of those forwarded, in addition: */
	uint64_t tun_full;   /* the kernel took no more */
	uint64_t tun_failed; /* the kernel did not take the packet */
};

/* 0 or -Exxx. */
int worker_new(const struct worker_options *options,
	       struct worker **ret_worker);
/* Closes the TUNs; the devices stay. */
void worker_free(struct worker *worker);

/* To be changed between two events only. */
struct ruleset *worker_ruleset(struct worker *worker);
/* To look at; what it points to changes with every packet. */
const struct translate_context *worker_context(const struct worker *worker);
/* NULL: every packet comes by a TUN. */
struct fastpath *worker_fastpath(const struct worker *worker);
const struct worker_counts *worker_counts(const struct worker *worker);
size_t worker_permits(const struct worker *worker);
size_t worker_fragments(const struct worker *worker);
size_t worker_dynamics(const struct worker *worker); /* mappings */

#endif
