/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message of a call on its way through `exchange`, in order with others. */
#include "proxy/job.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "proxy/pass.h"

bool job_add(struct relay *relay, struct dialog *dialog, enum job_kind kind,
	     enum call_side from, int status, msg_t *msg)
{
	struct call *call = relay->call;
	struct job *job;

	if (call->job_count >= CALL_JOBS_MAX ||
	    (job = calloc(1, sizeof(*job))) == NULL) {
		log_warn("call %s: %zu messages wait, one is dropped",
			 call->token, call->job_count);
		if (msg != NULL)
			msg_destroy(msg);
		return false;
	}
	job->call = call;
	job->relay = relay;
	job->dialog = dialog;
	job->kind = kind;
	job->from = from;
	job->status = status;
	job->msg = msg;
	list_add_tail(&call->jobs, &job->node);
	call->job_count++;
	return true;
}

/* Off the queue: what it does may empty the queue. */
static void job_take(struct job *job)
{
	if (!list_is_empty(&job->node))
		job->call->job_count--;
	list_remove(&job->node);
}

static void job_finish(struct job *job, struct exchange_result *result)
{
	job_take(job);
	pass_message(job, result);
	free(result->body);
	job_free(job);
}

void job_free(struct job *job)
{
	job_take(job);
	exchange_cancel(job->exchange);
	if (job->msg != NULL)
		msg_destroy(job->msg);
	free(job);
}

void job_free_of(const struct relay *relay)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &relay->call->jobs) {
		struct job *job = container_of(pos, struct job, node);

		if (job->relay == relay)
			job_free(job);
	}
}

static enum offer_method offer_method_of(const struct job *job)
{
	if (job->kind == JOB_ACK)
		return OFFER_ACK;
	switch (job->relay->method) {
	case sip_method_invite:
		return OFFER_INVITE;
	case sip_method_prack:
		return OFFER_PRACK;
	case sip_method_update:
		return OFFER_UPDATE;
	default:
		return OFFER_OTHER;
	}
}

void job_roll_back(const struct relay *relay, int status)
{
	static const sip_t none;
	struct job job = { .relay = (struct relay *)(uintptr_t)relay };
	struct exchange_result result;
	struct exchange *exchange;
	struct exchange_input input = {
		.call = relay->call,
		.dialog = relay->dialog,
		.from = !relay->from,
		.event = { .from = (enum offer_side) !relay->from,
			   .method = offer_method_of(&job),
			   .status = status },
		.sip = &none,
	};

	exchange_start(&input, NULL, NULL, &result, &exchange);
}

static void on_exchanged(struct exchange_result *result, void *arg)
{
	struct job *job = arg;
	struct call *call = job->call;

	job->exchange = NULL;
	job_finish(job, result);
	job_pump(call);
}

/* A repeat leaves as what it repeats did. */
static bool is_repeat(const struct job *job, struct exchange_result *result)
{
	const struct dialog_answer *answer = &job->dialog->answer;
	const struct relay *relay = job->relay;
	const char *body = NULL;
	size_t len = 0;

	if (job->kind == JOB_ACK && relay->is_ack_sent) {
		body = relay->ack_body;
		len = relay->ack_len;
	} else if (job->kind == JOB_LATE && answer->is_known &&
		   answer->cseq == relay->cseq &&
		   answer->from == (int)relay->from) {
		body = answer->body;
		len = answer->len;
		if (!answer->is_changed)
			return true;
	} else {
		return false;
	}
	result->verdict = EXCHANGE_STRIP;
	if (body == NULL)
		return true;
	result->body = malloc(len + 1);
	if (result->body != NULL) {
		memcpy(result->body, body, len);
		result->len = len;
		result->verdict = EXCHANGE_BODY;
	}
	return true;
}

/* True: it waits for the manager. */
static bool start(struct job *job)
{
	struct exchange_result result = { .verdict = EXCHANGE_PASS };
	struct exchange_input input = {
		.call = job->call,
		.dialog = job->dialog,
		.from = job->from,
		.event = { .from = (enum offer_side)job->from,
			   .method = offer_method_of(job),
			   .status = job->status },
	};
	static const sip_t none;

	/* No other fork may send from the moment at which this one answers. */
	if (input.event.method == OFFER_INVITE && job->status / 100 == 2)
		call_choose(job->call, job->dialog);
	input.sip = job->msg != NULL ? sip_object(job->msg) : &none;
	input.event.reliable = input.sip->sip_rseq != NULL;
	if (!is_repeat(job, &result) && job->call->state < CALL_ENDING &&
	    exchange_start(&input, on_exchanged, job, &result,
			   &job->exchange) == 1)
		return true;
	if (job->call->state >= CALL_ENDING && input.sip->sip_payload != NULL)
		result.verdict = EXCHANGE_STRIP;
	job_finish(job, &result);
	return false;
}

void job_pump(struct call *call)
{
	if (call->is_pumping)
		return;
	call->is_pumping = true;
	while (!list_is_empty(&call->jobs)) {
		struct job *job = container_of(call->jobs.next, struct job,
					       node);

		if (job->exchange != NULL || start(job))
			break;
	}
	call->is_pumping = false;
	call_settle(call);
}
