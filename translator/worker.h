/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that read the TUNs, translate and write (worker_thread.h), and what
 * they share. Each reads a queue of every TUN and the rules, and waits for
 * nobody; the thread of the event loop alone changes rules, and does what the
 * others hand to it: mappings and the fast path.
 */
#ifndef VIADUCT_TRANSLATOR_WORKER_H
#define VIADUCT_TRANSLATOR_WORKER_H

#include "common/conf.h"
#include "translator/translate.h"

struct event_base;
struct fastpath;
struct worker;

struct worker_options {
	struct event_base *base; /* not owned */
	const struct conf *conf; /* not owned */
	size_t count;            /* of threads */
	/* A queue of each realm's TUN for each thread; taken over when it
	 * succeeds. */
	const int (*tuns)[REALM_MAX];
	bool fastpath; /* give flows to the kernel, if it can */
	/* A TUN is gone: nothing can be translated any more. */
	void (*on_lost)(realm_id realm, int err, void *arg);
	/*
	 * A packet has latched a port of a rule: natctl is to be told. From
	 * any thread.
	 */
	void (*on_latched)(const struct wire_latched *latched, void *arg);
	void *arg;
};

struct worker_counts {
	uint64_t verdicts[VERDICT_COUNT];
	/* Of those forwarded, in addition: */
	uint64_t tun_full;   /* the kernel took no more */
	uint64_t tun_failed; /* the kernel did not take the packet */
};

/* 0 or -Exxx. Nothing is read before worker_start. */
int worker_new(const struct worker_options *options,
	       struct worker **ret_worker);
/* Threads have the rights that the caller has by now. 0 or -Exxx. */
int worker_start(struct worker *worker);
/* No thread translates any more, nor calls anybody. */
void worker_stop(struct worker *worker);
/* Closes the TUNs; the devices stay. */
void worker_free(struct worker *worker);

/* To be changed by the thread of the event loop only. */
struct ruleset *worker_ruleset(struct worker *worker);
/* To look at; what it points to changes with every packet. */
const struct translate_context *worker_context(const struct worker *worker);
/* NULL: every packet comes by a TUN. */
struct fastpath *worker_fastpath(const struct worker *worker);
/* Of all threads together. */
struct worker_counts worker_counts(const struct worker *worker);
size_t worker_count(const struct worker *worker); /* of threads */
size_t worker_permits(const struct worker *worker);
size_t worker_fragments(const struct worker *worker);
size_t worker_dynamics(const struct worker *worker); /* mappings */

#endif
