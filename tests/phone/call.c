/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both sides of a call have in common: its life and its small requests. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "description.h"

enum { LINGER_S = 40 }; /* longer than any transaction of the call */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)what;
	if (call->state == CALL_INCOMING)
		call_answer(call);
	else if (call->state == CALL_OVER)
		call_free(call);
}

struct call *call_new(struct phone *phone, enum call_state state)
{
	struct call *call = need(sizeof(*call));

	call->phone = phone;
	call->state = state;
	call->sdp_id = arc4random() >> 1 | 1;
	call->timer = evtimer_new(phone->base, on_timer, call);
	LIST_INSERT_HEAD(&phone->calls, call, entry);
	phone->call = call;
	media_reset(phone->media);
	return call;
}

void call_free(struct call *call)
{
	if (!call)
		return;
	LIST_REMOVE(call, entry);
	if (call->phone->call == call)
		call->phone->call = NULL;
	exchange_free_of(call->phone, call);
	if (call->server)
		server_settle(call->server);
	event_free(call->timer);
	dialog_done(&call->dialog);
	free(call->local_sdp);
	free(call->far_sdp);
	free(call);
}

void call_end(struct call *call, const char *by, int status, const char *reason)
{
	struct timeval linger = { LINGER_S, 0 };

	if (call->state == CALL_OVER)
		return;
	call->state = CALL_OVER;
	if (call->server)
		server_settle(call->server);
	call->server = NULL;
	if (call->phone->call == call) {
		media_stop(call->phone->media);
		media_settle(call->phone->media, false);
	}
	event_add(call->timer, &linger);
	report_event(call->phone->report, "ended",
		     json_pack("{s:s,s:i,s:o}", "by", by, "status", status,
			       "reason", report_text(reason)));
}

void call_report_established(struct call *call)
{
	if (call->is_established)
		return;
	call->is_established = true;
	report_event(call->phone->report, "established",
		     json_pack("{s:o,s:o}", "sdp", report_text(call->far_sdp),
			       "local_sdp", report_text(call->local_sdp)));
}

const char *call_describe(struct call *call, const char *offer, bool hold)
{
	struct description_origin origin = { call->phone->name, call->sdp_id,
					     call->sdp_version + 1, hold };
	char *text = offer ? description_answer(call->phone->media, &origin,
						offer) :
			     description_offer(call->phone->media, &origin);

	if (!text)
		return NULL;
	call->sdp_version++;
	free(call->local_sdp);
	call->local_sdp = text;
	return text;
}

void call_take_far(struct call *call, const char *sdp)
{
	if (!*sdp)
		return;
	keep(&call->far_sdp, sdp);
	if (description_apply(call->phone->media, sdp))
		report_error(call->phone->report,
			     "no m= line in the far session description");
}

static void on_bye_answered(struct exchange *exchange,
			    const struct message *response, void *arg)
{
	struct call *call = arg;

	if (response && message_status(response) < 200)
		return;
	phone_report_response(call->phone, "BYE", response);
	call_end(call, "local", response ? message_status(response) : 408,
		 response ? message_reason(response) : "no answer");
	exchange_free(exchange);
}

void call_send_bye(struct call *call)
{
	struct request *bye;

	call->state = CALL_ENDING;
	if (call->phone->call == call)
		media_stop(call->phone->media);
	call->dialog.local_cseq++;
	bye = dialog_request(&call->dialog, "BYE");
	exchange_new(call->phone, bye, &call->dialog.local_cseq,
		     on_bye_answered, call);
}

int call_hangup(struct call *call)
{
	switch (call->state) {
	case CALL_CALLING:
		return call_cancel(call);
	case CALL_INCOMING:
		return call_reject(call, 603);
	case CALL_ANSWERED:
		call->hangup_wanted = true;
		return 0;
	case CALL_UP:
		call_send_bye(call);
		return 0;
	case CALL_CANCELLING:
	case CALL_ENDING:
	case CALL_OVER:
		break;
	}
	return -EINVAL;
}

static void on_info_answered(struct exchange *exchange,
			     const struct message *response, void *arg)
{
	struct call *call = arg;

	if (response && message_status(response) < 200)
		return;
	phone_report_response(call->phone, "INFO", response);
	exchange_free(exchange);
}

int call_info(struct call *call, const char *body)
{
	struct request *info;

	if (call->state != CALL_UP)
		return -EINVAL;
	call->dialog.local_cseq++;
	info = dialog_request(&call->dialog, "INFO");
	request_set_body(info, "text/plain", body);
	exchange_new(call->phone, info, &call->dialog.local_cseq,
		     on_info_answered, call);
	return 0;
}

struct call *call_find(struct phone *phone, const struct message *request)
{
	struct call *call;

	LIST_FOREACH(call, &phone->calls, entry)
	{
		if (dialog_has(&call->dialog, request))
			return call;
	}
	return NULL;
}

static void receive_bye(struct call *call, struct server *server,
			const struct message *bye)
{
	struct answer answer = { .status = 200 };
	struct answer terminated = { .status = 487,
				     .to_tag = call->dialog.local_tag };
	const char *reason = message_header(bye, "reason");

	server_answer(server, &answer);
	if (call->state == CALL_INCOMING && call->server) {
		server_answer(call->server, &terminated);
		call->server = NULL;
	}
	call_end(call, "remote", 200, *reason ? reason : "BYE");
}

void call_receive(struct call *call, struct server *server,
		  const struct message *request)
{
	const char *method = message_method(request);
	struct answer answer = { .status = 200 };

	if (message_cseq(request) <= call->dialog.remote_cseq)
		answer.status = 500;
	else if (call->state == CALL_OVER)
		answer.status = 481;
	else
		call->dialog.remote_cseq = message_cseq(request);

	if (answer.status != 200) {
		server_answer(server, &answer);
		return;
	}
	if (!strcmp(method, "INVITE")) {
		call_receive_change(call, server, request);
		return;
	}
	if (!strcmp(method, "BYE")) {
		receive_bye(call, server, request);
		return;
	}
	phone_report_request(call->phone, request);
	server_answer(server, &answer);
}
