/* SPDX-License-Identifier: GPL-2.0-or-later */
/* re-INVITE, both ways: new media addresses, hold, and glare. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static void on_response(struct exchange *exchange,
			const struct message *response, void *arg)
{
	struct call *call = arg;
	int status = response ? message_status(response) : 408;

	if (status < 200)
		return;
	call->change = NULL;
	if (status < 300) {
		dialog_refresh(&call->dialog, response,
			       &call->phone->options->proxy);
		exchange_acknowledge(exchange,
				     dialog_request(&call->dialog, "ACK"),
				     message_to_tag(response));
		call->hold = call->hold_wanted;
	}
	if (call->phone->call == call)
		media_settle(call->phone->media, status < 300);
	if (status < 300)
		call_take_far(call, response->body);
	phone_report_response(call->phone, "INVITE", response);
	if (status == 408 || status == 481)
		call_end(call, "local", status, "re-INVITE failed");
	if (status >= 300)
		exchange_free(exchange);
}

static int offer(struct call *call, bool hold)
{
	struct request *invite;

	call->dialog.local_cseq++;
	invite = dialog_request(&call->dialog, "INVITE");
	keep(&invite->headers, call->phone->contact);
	request_set_body(invite, "application/sdp",
			 call_describe(call, NULL, hold));
	call->hold_wanted = hold;
	call->change = exchange_new(call->phone, invite,
				    &call->dialog.local_cseq, on_response,
				    call);
	return 0;
}

static bool may_offer(const struct call *call)
{
	return call->state == CALL_UP && !call->change && !call->server;
}

int call_hold(struct call *call, bool hold)
{
	if (!may_offer(call))
		return -EINVAL;
	return offer(call, hold);
}

int call_change(struct call *call, const struct address *locals, unsigned n)
{
	int error = 0;

	if (!may_offer(call) || n > media_count(call->phone->media))
		return -EINVAL;
	for (unsigned i = 0; i < n && !error; i++)
		error = media_move(call->phone->media, i, &locals[i]);
	if (error) {
		media_settle(call->phone->media, false);
		return error;
	}
	return offer(call, call->hold);
}

void call_receive_change(struct call *call, struct server *server,
			 const struct message *invite)
{
	struct answer answer = { .status = 200,
				 .headers = call->phone->contact,
				 .type = "application/sdp" };

	phone_report_request(call->phone, invite);
	if (call->change)
		answer.status = 491;
	else if (call->server || call->state != CALL_UP)
		answer.status = 500;
	else
		answer.body = call_describe(call,
					    *invite->body ? invite->body : NULL,
					    call->hold);
	if (answer.status == 200 && !answer.body)
		answer.status = 488;
	if (answer.status == 500)
		answer.headers = "Retry-After: 1\r\n";
	if (answer.status != 200) {
		server_answer(server, &answer);
		return;
	}
	dialog_refresh(&call->dialog, invite, &call->phone->options->proxy);
	call->offer_in_2xx = !*invite->body;
	call_take_far(call, invite->body);
	call->server = server;
	server_watch(server, call_on_server, call);
	server_answer(server, &answer);
}
