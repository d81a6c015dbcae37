/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calling side: INVITE, its answers, ACK, CANCEL. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static void take_provisional(struct call *call, const struct message *response)
{
	if (call->state != CALL_CALLING || message_status(response) == 100)
		return;
	if (*message_to_tag(response))
		dialog_from_response(&call->dialog, response,
				     &call->phone->options->proxy);
	if (!call->phone->options->late_offer)
		call_take_far(call, response->body);
	report_event(call->phone->report, "ringing",
		     json_pack("{s:i,s:o}", "status", message_status(response),
			       "sdp", report_text(response->body)));
}

static void on_branch_ended(struct exchange *exchange,
			    const struct message *response, void *arg)
{
	(void)arg;
	if (!response || message_status(response) >= 200)
		exchange_free(exchange);
}

/* A second callee answered too (a fork): thanks, and goodbye to it. */
static void dismiss(struct call *call, struct exchange *exchange,
		    const struct message *response)
{
	struct dialog dialog = { .local_cseq = call->dialog.local_cseq + 1 };

	dialog_from_response(&dialog, response, &call->phone->options->proxy);
	exchange_acknowledge(exchange, dialog_request(&dialog, "ACK"),
			     message_to_tag(response));
	exchange_new(call->phone, dialog_request(&dialog, "BYE"),
		     &call->dialog.local_cseq, on_branch_ended, call);
	dialog_done(&dialog);
}

static void take_answer(struct call *call, struct exchange *exchange,
			const struct message *response)
{
	const struct address *proxy = &call->phone->options->proxy;
	struct request *ack;
	const char *sdp = NULL;

	if (call->state == CALL_UP || call->state == CALL_ENDING ||
	    call->state == CALL_OVER) {
		dismiss(call, exchange, response);
		return;
	}
	dialog_from_response(&call->dialog, response, proxy);
	call_take_far(call, response->body);
	ack = dialog_request(&call->dialog, "ACK");
	if (call->phone->options->late_offer)
		sdp = call_describe(call, response->body, false);
	if (sdp)
		request_set_body(ack, "application/sdp", sdp);
	exchange_acknowledge(exchange, ack, message_to_tag(response));

	if (call->state == CALL_CANCELLING) {
		call_send_bye(call);
		return;
	}
	call->state = CALL_UP;
	call_report_established(call);
	if (call->phone->options->late_offer && !sdp) {
		report_error(call->phone->report, "the late offer fits no "
						  "stream of this phone");
		call_send_bye(call);
	}
}

static void on_response(struct exchange *exchange,
			const struct message *response, void *arg)
{
	struct call *call = arg;
	int status = response ? message_status(response) : 408;
	const char *by = call->state == CALL_CANCELLING ? "local" : "remote";

	if (status < 200) {
		take_provisional(call, response);
		return;
	}
	if (status < 300) {
		take_answer(call, exchange, response);
		return;
	}
	call_end(call, response ? by : "local", status,
		 response ? message_reason(response) : "no answer");
}

int call_dial(struct phone *phone, const char *uri)
{
	bool late = phone->options->late_offer;
	struct request *invite;
	struct call *call;

	if (phone->call && phone->call->state != CALL_OVER)
		return -EINVAL;
	if (!media_count(phone->media))
		return -EINVAL;
	call = call_new(phone, CALL_CALLING);
	invite = phone_request(phone, "INVITE", uri, uri);
	keep(&invite->headers, phone->contact);
	if (!late)
		request_set_body(invite, "application/sdp",
				 call_describe(call, NULL, false));
	call->dialog.local_cseq = invite->cseq;
	call->invite = exchange_new(phone, invite, &call->dialog.local_cseq,
				    on_response, call);
	return 0;
}

int call_cancel(struct call *call)
{
	if (call->state != CALL_CALLING)
		return -EINVAL;
	call->state = CALL_CANCELLING;
	exchange_cancel(call->invite);
	return 0;
}
