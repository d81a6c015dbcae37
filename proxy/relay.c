/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request of a call and its answers: its life. */
#include "proxy/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>

#include "common/log.h"
#include "common/mono.h"
#include "proxy/carrier.h"
#include "proxy/fork.h"
#include "proxy/hunt.h"
#include "proxy/job.h"
#include "proxy/login.h"
#include "proxy/own.h"
#include "proxy/subscription.h"

static struct relay *relay_of(struct list *node)
{
	return container_of(node, struct relay, node);
}

static uint64_t branch_hash(const struct calls *calls, const char *branch)
{
	return hash_bytes(branch, strlen(branch), calls->seed);
}

static bool branch_equal(const struct table_node *node, const void *key)
{
	const struct relay *relay = container_of(node, struct relay, by_branch);

	return strcmp(relay->branch, key) == 0;
}

struct relay *relay_of_branch(const struct calls *calls, const char *branch)
{
	struct table_node *node = NULL;

	if (branch != NULL)
		node = table_find(&calls->by_branch, branch_hash(calls, branch),
				  branch_equal, branch);
	return node != NULL ? container_of(node, struct relay, by_branch) :
			      NULL;
}

static void set_branch(struct relay *relay)
{
	struct calls *calls = relay->call->calls;

	sofia_guard_branch(relay->loop, relay->branch);
	table_add(&calls->by_branch, &relay->by_branch,
		  branch_hash(calls, relay->branch));
}

static int copy_headers(struct relay *relay, const sip_t *sip, const char *uri)
{
	relay->method = sip->sip_request->rq_method;
	relay->cseq = sip->sip_cseq->cs_seq;
	relay->from_header = sip_from_dup(relay->home, sip->sip_from);
	relay->to_header = sip_to_dup(relay->home, sip->sip_to);
	relay->vias = sip_via_dup(relay->home, sip->sip_via);
	if (uri != NULL) {
		relay->request_uri = su_strdup(relay->home, uri);
		if (relay->request_uri == NULL)
			return -ENOMEM;
	}
	return relay->from_header != NULL && relay->to_header != NULL &&
			       relay->vias != NULL ?
		       0 :
		       -ENOMEM;
}

struct relay *relay_new(struct call *call, struct dialog *dialog,
			enum call_side from)
{
	struct relay *relay;

	if (call->relay_count >= CALL_RELAYS_MAX)
		return NULL;
	relay = calloc(1, sizeof(*relay));
	if (relay == NULL)
		return NULL;
	relay->home = su_home_new(sizeof(*relay->home));
	if (relay->home == NULL) {
		free(relay);
		return NULL;
	}
	relay->call = call;
	relay->dialog = dialog;
	relay->from = from;
	relay->end_ms = UINT64_MAX;
	list_add_tail(&call->relays, &relay->node);
	call->relay_count++;
	return relay;
}

void relay_free(struct relay *relay)
{
	struct call *call = relay->call;
	struct dialog *root;

	job_free_of(relay);
	if (relay->branch[0] != '\0')
		table_remove(&call->calls->by_branch, &relay->by_branch);
	root = relay->is_first ? dialog_find(call, NULL) : NULL;
	if (root != NULL) /* no further fork can answer */
		dialog_end(root);
	server_free(relay->server);
	client_free(relay->client);
	if (relay->spare != NULL)
		msg_destroy(relay->spare);
	su_home_unref(relay->home);
	free(relay->ack_body);
	call->relay_count--;
	list_remove(&relay->node);
	free(relay);
}

void relay_answer(struct relay *relay, int status, const char *reason)
{
	char header[192];

	if (relay->server == NULL)
		return;
	if (reason != NULL && reason[0] != '\0') {
		snprintf(header, sizeof(header),
			 "Reason: SIP;cause=%d;text=\"%s\"\r\n", status,
			 reason);
		server_reply(relay->server, status, NULL, header);
	} else {
		server_reply(relay->server, status, NULL, NULL);
	}
	server_free(relay->server);
	relay->server = NULL;
}

void relay_abandon(struct relay *relay)
{
	relay->state = RELAY_ABANDONED;
	if (relay->client == NULL) {
		relay_free(relay);
		return;
	}
	relay->end_ms = mono_ms() + CALL_LINGER_MS;
	if (relay->method == sip_method_invite)
		client_cancel(relay->client, NULL);
}

void relay_finish(struct relay *relay, int status)
{
	struct call *call = relay->call;

	server_free(relay->server);
	relay->server = NULL;
	if (status < 300 && (relay->method == sip_method_invite ||
			     subscription_is_kept(relay))) {
		relay->state = RELAY_LINGERING;
		relay->end_ms = mono_ms() + CALL_LINGER_MS;
		return;
	}
	relay->state = RELAY_ABANDONED;
	if (relay->is_first ||
	    (relay->method == sip_method_bye && call->state == CALL_ENDING))
		call_end(call);
	else
		subscription_finish(relay);
	relay_free(relay);
}

void relay_refuse_answer(struct relay *relay, struct dialog *dialog)
{
	enum call_side to = !relay->from;

	own_ack(relay->call, dialog, to, relay->sent_cseq);
	if (!dialog->is_confirmed)
		relay_bye(relay->call, dialog, to);
}

static void drop_jobs(struct call *call)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &call->jobs) {
		struct job *job = container_of(pos, struct job, node);

		if (job->kind == JOB_RESPONSE && job->status / 100 == 2 &&
		    job->relay->method == sip_method_invite)
			relay_refuse_answer(job->relay, job->dialog);
		job_free(job);
	}
}

void relay_give_up(struct call *call)
{
	struct list *pos, *tmp;

	drop_jobs(call);
	list_for_each_safe(pos, tmp, &call->relays) {
		struct relay *relay = relay_of(pos);

		if (relay->state == RELAY_SENT ||
		    relay->state == RELAY_ABANDONED)
			continue;
		relay_answer(relay, 481, NULL);
		relay_free(relay);
	}
}

void relay_fail_call(struct call *call, int status, const char *reason)
{
	struct list *pos, *tmp;

	log_warn("call %s: ended with %d, %s", call->token, status, reason);
	call->calls->counters.failed++;
	drop_jobs(call);
	list_for_each_safe(pos, tmp, &call->relays) {
		struct relay *relay = relay_of(pos);

		if (relay->server == NULL)
			continue;
		relay_answer(relay, status, reason);
		relay_abandon(relay);
	}
	list_for_each(pos, &call->dialogs) {
		struct dialog *dialog = container_of(pos, struct dialog, node);

		if (!dialog->is_confirmed)
			continue;
		relay_bye(call, dialog, CALL_A);
		relay_bye(call, dialog, CALL_B);
	}
	call_end(call);
}

/* Another branch has won; who answers all the same is told that it is over. */
static void lose(struct relay *relay)
{
	struct call *call = relay->call;

	server_free(relay->server);
	relay->server = NULL;
	if (relay->state == RELAY_SENT)
		relay_abandon(relay);
	call_end(call);
	call_settle(call);
}

static void on_cancel(const sip_t *cancel, void *arg)
{
	struct relay *relay = arg;
	struct call *call = relay->call;

	if (cancel == NULL) {
		lose(relay);
		return;
	}
	relay->is_cancelled = true;
	if (relay->state == RELAY_SENT) {
		client_cancel(relay->client, NULL);
		relay->end_ms = mono_ms() + CALL_LINGER_MS;
		call_schedule(call);
		return;
	}
	if (relay->state != RELAY_WAITING)
		return;
	job_free_of(relay);
	relay_answer(relay, 487, NULL);
	relay_finish(relay, 487);
	job_pump(call);
}

struct dialog *relay_dialog(struct relay *relay, msg_t *msg)
{
	const sip_t *sip = msg != NULL ? sip_object(msg) : NULL;
	struct dialog *dialog;

	if (!relay->is_first || sip == NULL || sip->sip_to->a_tag == NULL)
		return relay->dialog;
	if (sip->sip_status->st_status < 300)
		return dialog_for_tag(relay->call, sip->sip_to->a_tag);
	dialog = dialog_find(relay->call, sip->sip_to->a_tag);
	return dialog != NULL ? dialog : relay->dialog;
}

/* The answer to a request that nobody waits for any more. */
static void finish_abandoned(struct relay *relay, int status, msg_t *msg)
{
	struct call *call = relay->call;
	struct dialog *dialog = relay->is_replaced ? NULL :
						     relay_dialog(relay, msg);

	if (status < 200) {
		if (msg != NULL)
			msg_destroy(msg);
		return;
	}
	if (msg != NULL && status < 300 && dialog != NULL &&
	    relay->method == sip_method_invite) {
		leg_learn(&call->legs[!relay->from], dialog, sip_object(msg));
		relay_refuse_answer(relay, dialog);
	}
	if (msg != NULL && status < 300 && relay->is_replaced &&
	    relay->method == sip_method_invite)
		own_refuse(&relay->hop, sip_object(msg));
	if (msg != NULL)
		msg_destroy(msg);
	relay_free(relay);
	job_pump(call);
}

/* The library ends a transaction by itself; this is for when it did not. */
static void set_limit(struct relay *relay)
{
	uint64_t ring_ms = relay->call->calls->conf->ring_time * 1000ull;

	relay->end_ms = mono_ms() + (relay->method == sip_method_invite ?
					     ring_ms + RELAY_INVITE_MS :
					     RELAY_OTHER_MS);
}

static void on_response(int status, msg_t *msg, void *arg)
{
	struct relay *relay = arg;
	struct call *call = relay->call;
	struct dialog *dialog;

	if (status >= 200) {
		client_free(relay->client);
		relay->client = NULL;
		relay->end_ms = UINT64_MAX;
	}
	if (relay->state == RELAY_ABANDONED) {
		finish_abandoned(relay, status, msg);
		return;
	}
	if (status == 100) {
		if (msg != NULL)
			msg_destroy(msg);
		return;
	}
	if (status < 200 && relay->is_first)
		hunt_sign(call);
	relay->has_sign |= status < 200;
	if (msg != NULL && (status == 401 || status == 407))
		status = login_challenged(relay, status, &msg);
	if (status == 0 || (status >= 300 && hunt_failed(relay, status))) {
		if (msg != NULL)
			msg_destroy(msg);
		return;
	}
	dialog = relay_dialog(relay, msg);
	if (dialog == NULL) /* too many forks */
		dialog = relay->dialog;
	if (msg != NULL && status < 300)
		leg_learn(&call->legs[!relay->from], dialog, sip_object(msg));
	if (status >= 200)
		relay->state = RELAY_ANSWERED;
	else if (!relay->is_cancelled)
		set_limit(relay);
	if (!job_add(relay, dialog, JOB_RESPONSE, !relay->from, status, msg) &&
	    status >= 200) {
		relay_answer(relay, 500, NULL);
		relay_finish(relay, 500);
	}
	job_pump(call);
}

void relay_bye(struct call *call, struct dialog *dialog, enum call_side to)
{
	struct relay *relay;
	struct flow hop;
	msg_t *msg;

	msg = own_request(call, dialog, to, SIP_METHOD_BYE,
			  dialog->cseq[to] + 1);
	if (msg == NULL)
		return;
	relay = relay_new(call, dialog, !to);
	if (relay == NULL) {
		msg_destroy(msg);
		return;
	}
	dialog->cseq[to]++;
	relay->method = sip_method_bye;
	relay->state = RELAY_ABANDONED;
	set_branch(relay);
	set_limit(relay);
	leg_next_hop(&call->legs[to], dialog, &hop);
	if (client_new(&hop, msg, relay->branch, on_response, relay,
		       &relay->client) < 0)
		relay_free(relay);
}

int relay_send(struct relay *relay, msg_t *msg)
{
	set_branch(relay);
	set_limit(relay);
	leg_next_hop(&relay->call->legs[!relay->from], relay->dialog,
		     &relay->hop);
	relay->state = RELAY_SENT;
	if (relay->is_first)
		hunt_sent(relay->call);
	return client_new(&relay->hop, msg, relay->branch, on_response, relay,
			  &relay->client);
}

/* With a new offer the first one is no pattern for further forks. */
static void end_pattern(const struct relay *relay)
{
	struct dialog *root = dialog_find(relay->call, NULL);

	if (root != NULL && relay->dialog->is_confirmed &&
	    (relay->method == sip_method_invite ||
	     relay->method == sip_method_update))
		dialog_end(root);
}

static bool is_first_of_many(const struct relay *relay)
{
	const struct hunt *hunt = relay->call->hunt;

	return relay->is_first && hunt != NULL && hunt->next < hunt->count;
}

void relay_request(struct leg *leg, struct dialog *dialog,
		   const struct relay_origin *origin, msg_t *msg, sip_t *sip)
{
	struct call *call = leg->call;
	struct relay *relay = relay_new(call, dialog, leg->side);

	if (relay == NULL || copy_headers(relay, sip, origin->uri) < 0) {
		if (relay != NULL)
			relay_free(relay);
		if (origin->fork != NULL)
			msg_destroy(msg);
		else
			edge_reply(origin->from, msg, 503, NULL,
				   "Retry-After: 5\r\n");
		return;
	}
	relay->loop = origin->loop;
	relay->is_first = call->state == CALL_SETUP && call->relay_count == 1 &&
			  dialog->tag == NULL;
	relay->server =
		origin->fork != NULL ?
			fork_join(origin->fork, call, msg, on_cancel, relay) :
			server_new(origin->from, msg, sip, on_cancel, relay);
	if (relay->server == NULL) {
		relay_free(relay);
		return;
	}
	end_pattern(relay);
	subscription_request(relay, sip);
	leg_learn(leg, dialog, sip);
	if (is_first_of_many(relay) || carrier_has_login(leg_other(leg)->trunk))
		relay->spare = msg_copy(msg);
	if (!job_add(relay, dialog, JOB_REQUEST, leg->side, 0,
		     server_request(relay->server))) {
		relay_answer(relay, 500, NULL);
		relay_free(relay);
	}
}
