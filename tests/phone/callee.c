/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The called side: ringing, the answer, its ACK, refusal, a CANCEL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static void refuse(struct server *server, int status, const char *headers)
{
	char *tag = random_word(4);
	struct answer answer = { .status = status,
				 .to_tag = tag,
				 .headers = headers };

	server_answer(server, &answer);
	free(tag);
}

void call_on_server(struct server *server, enum server_news news, void *arg)
{
	struct call *call = arg;
	struct answer answer = { .status = 487,
				 .to_tag = call->dialog.local_tag };

	call->server = NULL;
	switch (news) {
	case SERVER_CANCELLED:
		server_answer(server, &answer);
		call_end(call, "remote", 487, "CANCEL");
		return;
	case SERVER_NO_ACK:
		report_error(call->phone->report, "no ACK came: hanging up");
		call_send_bye(call);
		return;
	}
}

static void report_incoming(struct phone *phone, const struct message *invite)
{
	char *from = message_party(invite->sip->from);
	char *to = message_party(invite->sip->to);

	report_event(phone->report, "incoming",
		     json_pack("{s:o,s:o,s:o,s:o}", "from", report_text(from),
			       "to", report_text(to), "call_id",
			       report_text(invite->call_id), "sdp",
			       report_text(invite->body)));
	free(from);
	free(to);
}

static void act_by_itself(struct call *call)
{
	const struct phone_options *options = call->phone->options;
	struct timeval delay = { options->ring_ms / 1000,
				 (options->ring_ms % 1000) * 1000L };

	if (options->automatic == AUTO_NONE)
		return;
	call_ring(call);
	if (options->automatic != AUTO_ANSWER)
		return;
	if (options->ring_ms)
		event_add(call->timer, &delay);
	else
		call_answer(call);
}

void call_receive_invite(struct phone *phone, struct server *server,
			 const struct message *invite)
{
	struct answer trying = { .status = 100 };
	struct call *call;
	char *tag;

	if (phone->call && phone->call->state != CALL_OVER) {
		refuse(server, 486, NULL);
		return;
	}
	if (!osip_list_get(&invite->sip->contacts, 0)) {
		refuse(server, 400, NULL);
		return;
	}
	server_answer(server, &trying);
	call = call_new(phone, CALL_INCOMING);
	tag = random_word(6);
	dialog_from_invite(&call->dialog, invite, tag, &phone->options->proxy);
	free(tag);
	call->server = server;
	server_watch(server, call_on_server, call);
	call->offer_in_2xx = !*invite->body;
	call_take_far(call, invite->body);
	report_incoming(phone, invite);
	act_by_itself(call);
}

/* The SDP of our answer, made once: early and final ones must be the same. */
static const char *answer_sdp(struct call *call)
{
	if (!call->local_sdp)
		call_describe(call, call->offer_in_2xx ? NULL : call->far_sdp,
			      false);
	return call->local_sdp;
}

int call_ring(struct call *call)
{
	struct answer answer = { .status = 180,
				 .to_tag = call->dialog.local_tag,
				 .headers = call->phone->contact };

	if (call->state != CALL_INCOMING)
		return -EINVAL;
	if (call->phone->options->early && !call->offer_in_2xx &&
	    answer_sdp(call)) {
		answer.status = 183;
		answer.type = "application/sdp";
		answer.body = call->local_sdp;
		media_start(call->phone->media);
	}
	server_answer(call->server, &answer);
	return 0;
}

int call_answer(struct call *call)
{
	struct answer answer = { .status = 200,
				 .to_tag = call->dialog.local_tag,
				 .headers = call->phone->contact };

	if (call->state != CALL_INCOMING)
		return -EINVAL;
	answer.body = answer_sdp(call);
	if (!answer.body)
		return call_reject(call, 488);
	answer.type = "application/sdp";
	event_del(call->timer);
	call->state = CALL_ANSWERED;
	server_answer(call->server, &answer);
	return 0;
}

int call_reject(struct call *call, int status)
{
	struct answer answer = { .status = status,
				 .to_tag = call->dialog.local_tag };
	struct server *server = call->server;

	if (call->state != CALL_INCOMING || status < 300 || status > 699)
		return -EINVAL;
	call->server = NULL;
	server_answer(server, &answer);
	call_end(call, "local", status, "rejected");
	return 0;
}

void call_receive_ack(struct call *call, const struct message *ack)
{
	if (!call->server || message_cseq(ack) != call->dialog.remote_cseq)
		return;
	server_settle(call->server);
	call->server = NULL;
	if (call->offer_in_2xx)
		call_take_far(call, ack->body);
	call->offer_in_2xx = false;
	if (call->state != CALL_ANSWERED)
		return;
	call->state = CALL_UP;
	call_report_established(call);
	if (call->hangup_wanted)
		call_send_bye(call);
}
