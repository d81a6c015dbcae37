/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with a message when its body is settled. */
#include "proxy/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>

#include "common/log.h"
#include "proxy/headers.h"
#include "proxy/hunt.h"
#include "proxy/identity.h"
#include "proxy/login.h"
#include "proxy/own.h"
#include "proxy/subscription.h"
#include "proxy/tighten.h"

static void *dup_as(su_home_t *home, msg_hclass_t *hclass, const void *header)
{
	return msg_header_dup_as(home, hclass, header);
}

/* From and To as each side knows them, for requests of our own. */
static int note_parties(struct relay *relay, const sip_t *sent)
{
	struct dialog *dialog = relay->dialog;
	su_home_t *home = relay->call->home;

	if (!relay->is_first)
		return 0;
	dialog->local[CALL_A] = dup_as(home, sip_from_class, relay->to_header);
	dialog->remote[CALL_A] = dup_as(home, sip_to_class, relay->from_header);
	dialog->local[CALL_B] = sip_from_dup(home, sent->sip_from);
	dialog->remote[CALL_B] = sip_to_dup(home, sent->sip_to);
	return dialog->local[CALL_A] != NULL &&
			       dialog->remote[CALL_A] != NULL &&
			       dialog->local[CALL_B] != NULL &&
			       dialog->remote[CALL_B] != NULL ?
		       0 :
		       -ENOMEM;
}

static int set_body(msg_t *msg, sip_t *sip,
		    const struct exchange_result *result)
{
	if (result->verdict == EXCHANGE_PASS)
		return 0;
	return headers_body(msg, sip, result->body, result->len);
}

static int edit_request(struct job *job, const char *uri,
			const struct exchange_result *result)
{
	struct leg *to = &job->call->legs[!job->from];
	const struct dialog_target *target = &job->dialog->targets[to->side];
	sip_t *sip = sip_object(job->msg);
	int error = headers_relay(job->msg, sip, to);

	if (error == 0)
		error = identity_apply(job->relay, to, job->msg, sip);
	if (uri == NULL)
		uri = target->uri;
	if (error == 0)
		error = headers_drop_credentials(job->msg, sip,
						 job->call->calls->conf);
	if (error == 0)
		error = headers_forward(job->msg, sip);
	if (error == 0 && uri != NULL)
		error = headers_target(job->msg, sip, uri, target->routes);
	if (error == 0)
		error = login_request(job->relay, job->kind == JOB_REQUEST,
				      job->msg, sip);
	if (error == 0)
		error = set_body(job->msg, sip, result);
	if (error == 0 && to->call_id == NULL) {
		to->call_id = su_strdup(job->call->home,
					sip->sip_call_id->i_id);
		if (to->call_id == NULL)
			error = -ENOMEM;
	}
	if (sip->sip_cseq->cs_seq > job->dialog->cseq[to->side])
		job->dialog->cseq[to->side] = sip->sip_cseq->cs_seq;
	return error;
}

static void pass_request(struct job *job, const struct exchange_result *result)
{
	struct relay *relay = job->relay;
	int error = edit_request(job, relay->request_uri, result);
	msg_t *msg;

	if (error == 0)
		error = note_parties(relay, sip_object(job->msg));
	if (error == 0) {
		msg = job->msg;
		job->msg = NULL;
		error = relay_send(relay, msg);
	}
	if (error == 0 || (error == -EIO && hunt_failed(relay, 503)))
		return;
	log_warn("call %s: request cannot be sent: %s", job->call->token,
		 strerror(-error));
	relay_answer(relay, error == -EIO ? 503 : 500, NULL);
	relay_finish(relay, 500);
}

static void refuse_request(struct job *job,
			   const struct exchange_result *result)
{
	struct relay *relay = job->relay;

	log_info("call %s: refused with %d, %s", job->call->token,
		 result->status, result->reason);
	job->call->calls->counters.refused++;
	relay_answer(relay, result->status, result->reason);
	relay_finish(relay, result->status);
}

static int edit_response(struct job *job, const struct exchange_result *result)
{
	sip_t *sip = sip_object(job->msg);
	const struct leg *to = &job->call->legs[!job->from];
	int error = headers_relay(job->msg, sip, to);

	if (error == 0)
		error = identity_apply(job->relay, to, job->msg, sip);
	if (sip->sip_cseq->cs_seq != job->relay->cseq) {
		sip->sip_cseq->cs_seq = job->relay->cseq;
		msg_fragment_clear(sip->sip_cseq->cs_common);
	}
	if (error == 0)
		error = headers_answer(job->msg, sip, job->relay->from_header,
				       job->relay->to_header);
	if (error == 0 &&
	    sip_add_tl(job->msg, sip, SIPTAG_VIA(job->relay->vias), TAG_END()) <
		    0)
		error = -ENOMEM;
	if (error == 0)
		error = set_body(job->msg, sip, result);
	return error;
}

static void note_answer(struct job *job, const struct exchange_result *result)
{
	struct dialog_answer *answer = &job->dialog->answer;

	free(answer->body);
	memset(answer, 0, sizeof(*answer));
	answer->cseq = job->relay->cseq;
	answer->from = (int)job->relay->from;
	answer->is_changed = result->verdict != EXCHANGE_PASS;
	if (result->body != NULL) {
		answer->body = malloc(result->len + 1);
		if (answer->body == NULL)
			return;
		memcpy(answer->body, result->body, result->len);
		answer->len = result->len;
	}
	answer->is_known = true;
}

/* To where the INVITE came from, without its transaction. */
static void pass_late(struct job *job)
{
	const struct relay *relay = job->relay;
	msg_t *msg = job->msg;

	job->msg = NULL;
	edge_send_response(job->call->legs[relay->from].flow.listener, msg);
}

static void pass_success(struct job *job, const struct exchange_result *result)
{
	if (job->relay->method != sip_method_invite) {
		subscription_success(job->relay, job->dialog, job->msg);
		return;
	}
	if (job->kind == JOB_RESPONSE || !job->dialog->answer.is_known)
		note_answer(job, result);
	call_establish(job->call, job->dialog);
	tighten_now(job->call);
	job->relay->dialog = job->dialog;
}

static void pass_response(struct job *job, const struct exchange_result *result)
{
	struct relay *relay = job->relay;
	bool is_success = job->status >= 200 && job->status < 300;
	msg_t *msg;

	if (edit_response(job, result) < 0) {
		log_warn("call %s: %d cannot be passed on", job->call->token,
			 job->status);
		if (job->status < 200 || job->kind == JOB_LATE)
			return;
		if (is_success && relay->method == sip_method_invite)
			relay_refuse_answer(relay, job->dialog);
		relay_answer(relay, 500, NULL);
		relay_finish(relay, 500);
		return;
	}
	if (is_success)
		pass_success(job, result);
	if (job->kind == JOB_LATE) {
		pass_late(job);
		return;
	}
	msg = job->msg;
	job->msg = NULL;
	server_forward(relay->server, msg);
	if (job->status >= 200)
		relay_finish(relay, job->status);
}

/* The SDP of an answer cannot be passed on: there is no session. */
static void end_by_response(struct job *job,
			    const struct exchange_result *result)
{
	if (job->relay->method == sip_method_invite && job->status >= 200 &&
	    job->status < 300)
		relay_refuse_answer(job->relay, job->dialog);
	relay_fail_call(job->call, result->status, result->reason);
}

static void response_ready(struct job *job,
			   const struct exchange_result *result)
{
	struct relay *relay = job->relay;

	if (job->kind == JOB_RESPONSE && relay->server == NULL)
		return;
	if (job->msg == NULL) {
		int status = relay->is_cancelled ? 487 : job->status;

		relay_answer(relay, status, NULL);
		relay_finish(relay, status);
	} else if (result->verdict == EXCHANGE_REFUSE ||
		   result->verdict == EXCHANGE_END) {
		end_by_response(job, result);
	} else {
		pass_response(job, result);
	}
}

static void pass_ack(struct job *job, const struct exchange_result *result)
{
	struct relay *relay = job->relay;
	char branch[GUARD_BRANCH_TEXT];
	struct flow hop;
	msg_t *msg;

	if (edit_request(job, NULL, result) < 0)
		return;
	if (!relay->is_ack_sent && result->verdict == EXCHANGE_BODY) {
		relay->ack_body = malloc(result->len + 1);
		if (relay->ack_body != NULL) {
			memcpy(relay->ack_body, result->body, result->len);
			relay->ack_len = result->len;
		}
	}
	relay->is_ack_sent = true;
	leg_next_hop(&job->call->legs[!job->from], job->dialog, &hop);
	sofia_guard_branch(relay->loop, branch);
	msg = job->msg;
	job->msg = NULL;
	edge_send_request(&hop, msg, branch);
}

static void ack_ready(struct job *job, const struct exchange_result *result)
{
	struct relay *relay = job->relay;
	enum call_side to = !job->from;

	if (result->verdict != EXCHANGE_REFUSE &&
	    result->verdict != EXCHANGE_END) {
		pass_ack(job, result);
		return;
	}
	own_ack(job->call, job->dialog, to, relay->sent_cseq);
	relay_fail_call(job->call, result->status, result->reason);
}

void pass_message(struct job *job, const struct exchange_result *result)
{
	switch (job->kind) {
	case JOB_REQUEST:
		if (result->verdict == EXCHANGE_REFUSE ||
		    result->verdict == EXCHANGE_END)
			refuse_request(job, result);
		else
			pass_request(job, result);
		return;
	case JOB_RESPONSE:
	case JOB_LATE:
		response_ready(job, result);
		return;
	case JOB_ACK:
		ack_ready(job, result);
		return;
	}
}
