/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An INVITE that rings at several contacts. */
#include "proxy/fork.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proxy/job.h"
#include "proxy/relay.h"

struct fork_target {
	struct flow flow;
	const char *uri; /* in the fork's home */
	unsigned q;
};

struct fork {
	struct calls *calls; /* not owned */
	const struct trunk *caller;
	uint64_t loop;
	su_home_t *home; /* owned */
	struct flow from;
	struct server *server; /* owned: the caller's transaction */
	msg_t *spare;          /* owned: the request as it came */
	struct fork_target targets[LOCATION_CONTACTS_MAX];
	size_t count;
	size_t next;          /* of `targets`: not tried yet */
	struct list branches; /* of struct branch, owned by their servers */
	size_t active;        /* of them: without a final answer */
	unsigned holds;       /* in use up the stack: not to be freed */
	bool is_cancelled;    /* by the caller */
	bool is_over;         /* it has a final answer */
	msg_t *best;          /* owned: the best refusal; NULL: ours */
	int status;           /* of it; 0: none yet */
	struct admission admission; /* until one has won */
};

struct branch {
	struct list node; /* in fork.branches */
	struct fork *fork;
	struct call *call;     /* not owned: that of the branch */
	struct server *server; /* not owned: it owns this */
	msg_t *request;        /* owned */
	bool is_done;          /* it has a final answer */
};

static struct branch *branch_of(struct list *node)
{
	return container_of(node, struct branch, node);
}

struct fork *fork_new(struct calls *calls, const struct trunk *caller,
		      uint64_t loop)
{
	struct fork *fork = calloc(1, sizeof(*fork));

	if (fork == NULL)
		return NULL;
	fork->home = su_home_new(sizeof(*fork->home));
	if (fork->home == NULL) {
		free(fork);
		return NULL;
	}
	fork->calls = calls;
	fork->caller = caller;
	fork->loop = loop;
	list_init(&fork->branches);
	return fork;
}

bool fork_add(struct fork *fork, const struct flow *flow, const char *uri,
	      unsigned q)
{
	struct fork_target *target = &fork->targets[fork->count];

	if (fork->count == LOCATION_CONTACTS_MAX)
		return false;
	target->flow = *flow;
	target->uri = su_strdup(fork->home, uri);
	target->q = q;
	fork->count += target->uri != NULL;
	return target->uri != NULL;
}

static void release(struct fork *fork)
{
	if (fork->holds > 0 || !list_is_empty(&fork->branches))
		return;
	admission_give(&fork->admission);
	server_free(fork->server);
	if (fork->spare != NULL)
		msg_destroy(fork->spare);
	if (fork->best != NULL)
		msg_destroy(fork->best);
	su_home_unref(fork->home);
	free(fork);
}

void fork_free(struct fork *fork)
{
	if (fork != NULL)
		release(fork);
}

/* RFC 3261 16.7: the lower, the more it says to the caller. */
static unsigned rank(int status)
{
	switch (status) {
	case 401:
	case 407:
	case 415:
	case 420:
	case 484:
		return 2;
	case 408:
	case 480:
	case 487:
		return 4;
	case 503:
		return 6;
	default:
		break;
	}
	if (status >= 600)
		return 0;
	return status < 400 ? 1 : status < 500 ? 3 : 5;
}

/* To all that ring; NULL: one has won. They may be gone after it. */
static void cancel_all(struct fork *fork, const sip_t *cancel)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &fork->branches) {
		struct branch *branch = branch_of(pos);

		if (branch->is_done)
			continue;
		if (cancel == NULL) {
			branch->is_done = true;
			fork->active--;
		}
		server_cancelled(branch->server, cancel);
	}
}

static void on_cancel(const sip_t *cancel, void *arg)
{
	struct fork *fork = arg;

	fork->is_cancelled = true;
	fork->holds++;
	cancel_all(fork, cancel);
	fork->holds--;
	release(fork);
}

static void refuse(struct fork *fork)
{
	msg_t *best = fork->best;

	fork->is_over = true;
	fork->best = NULL;
	if (best != NULL && !fork->is_cancelled) {
		server_forward(fork->server, best);
		return;
	}
	if (best != NULL)
		msg_destroy(best);
	if (fork->status == 0)
		fork->status = 503;
	server_reply(fork->server, fork->is_cancelled ? 487 : fork->status,
		     NULL, NULL);
}

static void ring(struct fork *fork, const struct fork_target *target)
{
	msg_t *msg = msg_copy(fork->spare);
	struct relay_origin origin = { .from = &fork->from,
				       .fork = fork,
				       .uri = target->uri,
				       .loop = fork->loop };
	struct call *call;

	if (msg == NULL)
		return;
	call = call_new(fork->calls, &fork->from, &target->flow,
			sip_object(msg));
	if (call == NULL) {
		msg_destroy(msg);
		return;
	}
	call->legs[CALL_A].trunk = fork->caller;
	leg_expect(&call->legs[CALL_B], target->uri);
	log_debug("call %s: a branch of INVITE from %s", call->token,
		  fork->from.listener->host_port);
	relay_request(&call->legs[CALL_A], dialog_find(call, NULL), &origin,
		      msg, sip_object(msg));
	if (list_is_empty(&call->relays))
		call_end(call);
	job_pump(call);
}

/* The next ones while nobody rings; at the end, the best refusal. */
static void go_on(struct fork *fork)
{
	if (fork->holds > 0 || fork->is_over)
		return;
	fork->holds++;
	while (fork->active == 0 && fork->next < fork->count &&
	       !fork->is_cancelled && fork->status < 600) {
		unsigned q = fork->targets[fork->next].q;

		while (fork->next < fork->count &&
		       fork->targets[fork->next].q == q)
			ring(fork, &fork->targets[fork->next++]);
	}
	if (fork->active == 0 && !fork->is_over)
		refuse(fork);
	fork->holds--;
}

/* A refusal of one branch; `msg`: NULL when it is of our own. */
static void note_refusal(struct branch *branch, int status, msg_t *msg)
{
	struct fork *fork = branch->fork;

	if (branch->is_done) {
		if (msg != NULL)
			msg_destroy(msg);
		return;
	}
	branch->is_done = true;
	fork->active--;
	if (fork->status == 0 || rank(status) < rank(fork->status)) {
		if (fork->best != NULL)
			msg_destroy(fork->best);
		fork->best = msg;
		fork->status = status;
	} else if (msg != NULL) {
		msg_destroy(msg);
	}
	if (status >= 600) {
		fork->holds++;
		cancel_all(fork, NULL);
		fork->holds--;
	}
	go_on(fork);
}

static msg_t *branch_request(void *arg)
{
	return msg_ref_create(((struct branch *)arg)->request);
}

static void branch_reply(int status, void *arg)
{
	if (status >= 300)
		note_refusal(arg, status, NULL);
}

static int branch_forward(msg_t *msg, void *arg)
{
	struct branch *branch = arg;
	struct fork *fork = branch->fork;
	int status = sip_object(msg)->sip_status->st_status;
	int error;

	if (status >= 300) {
		note_refusal(branch, status, msg);
		return 0;
	}
	if (branch->is_done || fork->is_over) {
		msg_destroy(msg);
		return 0;
	}
	error = server_forward(fork->server, msg);
	if (status < 200)
		return error;
	branch->is_done = true;
	fork->active--;
	fork->is_over = true;
	branch->call->admission = fork->admission;
	memset(&fork->admission, 0, sizeof(fork->admission));
	fork->holds++;
	cancel_all(fork, NULL);
	fork->holds--;
	return error;
}

static void branch_free(void *arg)
{
	struct branch *branch = arg;
	struct fork *fork = branch->fork;

	note_refusal(branch, 500, NULL);
	list_remove(&branch->node);
	msg_destroy(branch->request);
	free(branch);
	release(fork);
}

struct server *fork_join(struct fork *fork, struct call *call, msg_t *msg,
			 server_cancel_fn cancelled, void *arg)
{
	static const struct server_hooks hooks = { .request = branch_request,
						   .reply = branch_reply,
						   .forward = branch_forward,
						   .free = branch_free };
	struct branch *branch = calloc(1, sizeof(*branch));

	if (branch != NULL)
		branch->server = server_of_branch(&hooks, branch, cancelled,
						  arg);
	if (branch == NULL || branch->server == NULL) {
		free(branch);
		msg_destroy(msg);
		return NULL;
	}
	branch->fork = fork;
	branch->call = call;
	branch->request = msg;
	list_add_tail(&fork->branches, &branch->node);
	fork->active++;
	return branch->server;
}

void fork_start(struct fork *fork, const struct admission *admission,
		const struct flow *from, msg_t *msg, sip_t *sip)
{
	fork->admission = *admission;
	fork->from = *from;
	fork->spare = msg_copy(msg);
	fork->server = server_new(from, msg, sip, on_cancel, fork);
	if (fork->server != NULL && fork->spare != NULL)
		go_on(fork);
	release(fork);
}
