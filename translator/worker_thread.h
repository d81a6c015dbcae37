/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread that reads a queue of each TUN, translates, writes. */
#ifndef VIADUCT_TRANSLATOR_WORKER_THREAD_H
#define VIADUCT_TRANSLATOR_WORKER_THREAD_H

#include "translator/handoff.h"
#include "translator/worker.h"

#define WORKER_BATCH 64 /* packets of one TUN before the next has its turn */

struct worker_thread;

struct worker_thread_options {
	const struct worker_options *worker;     /* not owned */
	const struct translate_context *context; /* likewise; is copied */
	struct handoff_bell *bell;               /* likewise */
	const int *tuns; /* by realm; closed with the thread */
	bool gives_flows;
};

int worker_thread_new(const struct worker_thread_options *options,
		      struct worker_thread **ret);
int worker_thread_start(struct worker_thread *thread);
void worker_thread_stop(struct worker_thread *thread);
/* `close_tuns`: or they stay the caller's. */
void worker_thread_free(struct worker_thread *thread, bool close_tuns);

struct handoff *worker_thread_handoff(struct worker_thread *thread);
/* Has it lost a TUN? Which, and why: 0 or -Exxx. */
int worker_thread_lost(const struct worker_thread *thread, realm_id *ret_realm);
void worker_thread_add_counts(const struct worker_thread *thread,
			      struct worker_counts *counts);

/*
 * What comes of a packet leaves by this thread's queues; from any one thread,
 * which has counts of its own.
 */
void worker_thread_forward(struct worker_thread *thread,
			   const struct translation *translation,
			   const uint8_t *data, size_t len,
			   struct worker_counts *counts);

#endif
