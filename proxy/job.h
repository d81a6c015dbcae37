/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of a call that wait for the address manager, and those behind
 * them: each leaves when its turn comes, in the order in which they came.
 */
#ifndef VIADUCT_PROXY_JOB_H
#define VIADUCT_PROXY_JOB_H

#include "proxy/exchange.h"
#include "proxy/relay.h"

enum job_kind {
	JOB_REQUEST,
	JOB_RESPONSE,
	JOB_LATE, /* a 2xx without a transaction */
	JOB_ACK
};

struct job {
	struct list node; /* in call.jobs */
	struct call *call;
	struct relay *relay;
	struct dialog *dialog;
	enum job_kind kind;
	enum call_side from;       /* whose message it is */
	int status;                /* of a response */
	msg_t *msg;                /* owned; NULL: there is none to a status */
	struct exchange *exchange; /* owned, under way; NULL: not started */
};

/*
 * Puts a message into the queue of its call; takes `msg`. Then job_pump() is
 * to be called. False: the queue is full or no memory, `msg` is gone.
 */
bool job_add(struct relay *relay, struct dialog *dialog, enum job_kind kind,
	     enum call_side from, int status, msg_t *msg);
/* Works on the queue until it is empty or waits. The call may be freed. */
void job_pump(struct call *call);
void job_free(struct job *job);
/* The offer in the request came to nothing: it is made once more. */
void job_roll_back(const struct relay *relay, int status);
/* Those of that request; none of them may be the one being worked on. */
void job_free_of(const struct relay *relay);

#endif
