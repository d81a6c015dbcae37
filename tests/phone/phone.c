/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The phone: what its parts share, and how SIP requests find them. */
#include "phone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "registration.h"

static const char allow[] =
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n";

static bool is_known(const char *method)
{
	static const char *const methods[] = { "INVITE", "BYE", "OPTIONS",
					       "INFO" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i], method))
			return true;
	}
	return false;
}

static void answer(struct server *server, int status, const char *headers)
{
	char *tag = random_word(4);
	struct answer answer = { .status = status,
				 .to_tag = tag,
				 .headers = headers };

	server_answer(server, &answer);
	free(tag);
}

static void receive_request(struct phone *phone, const struct message *request)
{
	struct server *server = server_new(&phone->transactions, request);
	const char *method = message_method(request);
	const char *require = message_header(request, "require");
	struct call *call = call_find(phone, request);
	struct text unsupported = TEXT_EMPTY;

	if (!is_known(method)) {
		answer(server, 405, allow);
	} else if (*require) {
		text_add(&unsupported, "Unsupported: %s\r\n", require);
		answer(server, 420, unsupported.data);
		text_done(&unsupported);
	} else if (call) {
		call_receive(call, server, request);
	} else if (*message_to_tag(request) || !strcmp(method, "BYE")) {
		answer(server, 481, NULL);
	} else if (!strcmp(method, "INVITE")) {
		call_receive_invite(phone, server, request);
	} else {
		phone_report_request(phone, request);
		answer(server, 200, allow);
	}
}

static void on_message(struct message *message, void *arg)
{
	struct phone *phone = arg;
	struct call *call;

	if (!message->sip->sip_method) {
		client_receive(&phone->transactions, message);
	} else if (server_receive(&phone->transactions, message)) {
		/* a repetition, a CANCEL, or the ACK of a failure */
	} else if (!strcmp(message_method(message), "ACK")) {
		call = call_find(phone, message);
		if (call)
			call_receive_ack(call, message);
	} else {
		receive_request(phone, message);
	}
	message_free(message);
}

static void make_contact(struct phone *phone)
{
	const struct phone_options *options = phone->options;
	const char *user = strchr(options->aor, ':');
	struct text text = TEXT_EMPTY;
	char local[ADDRESS_TEXT];

	user = user ? user + 1 : options->aor;
	text_add_bytes(&text, user, strcspn(user, "@"));
	phone->name = text_take(&text);
	text_add(&text, "Contact: <sip:%s@%s>\r\n",
		 options->contact_user ? options->contact_user : phone->name,
		 address_format(&options->sip, local));
	phone->contact = text_take(&text);
}

struct phone *phone_new(struct event_base *base,
			const struct phone_options *options)
{
	struct phone *phone = need(sizeof(*phone));
	int error;

	phone->options = options;
	phone->base = base;
	phone->report = report_new(options->log_file);
	if (phone->report)
		phone->wire = wire_new(base, &options->sip, phone->report,
				       on_message, phone);
	if (phone->wire)
		phone->media = media_new(base, options->aor, options->media,
					 options->n_media);
	if (!phone->media) {
		error = errno;
		phone_free(phone);
		errno = error;
		return NULL;
	}
	phone->transactions.wire = phone->wire;
	make_contact(phone);
	phone->registration = registration_new(phone);
	return phone;
}

void phone_free(struct phone *phone)
{
	struct call *call;

	if (!phone)
		return;
	while ((call = LIST_FIRST(&phone->calls)) != NULL) {
		call_free(call);
	}
	exchange_free_of(phone, phone);
	registration_free(phone->registration);
	client_free_all(&phone->transactions);
	server_free_all(&phone->transactions);
	media_free(phone->media);
	wire_free(phone->wire);
	report_free(phone->report);
	free(phone->name);
	free(phone->contact);
	free(phone);
}

struct request *phone_request(const struct phone *phone, const char *method,
			      const char *uri, const char *to)
{
	struct request *request = request_new(method);
	struct text text = TEXT_EMPTY;
	char *tag = random_word(6);

	request->uri = copy(uri);
	text_add(&text, "<%s>;tag=%s", phone->options->aor, tag);
	request->from = text_take(&text);
	text_add(&text, "<%s>", to);
	request->to = text_take(&text);
	request->call_id = random_word(12);
	request->cseq = 1;
	request->target = phone->options->proxy;
	free(tag);
	return request;
}

void phone_report_response(struct phone *phone, const char *method,
			   const struct message *response)
{
	report_event(phone->report, "response",
		     json_pack("{s:s,s:i,s:o,s:o}", "method", method, "status",
			       response ? message_status(response) : 408,
			       "reason",
			       report_text(response ? message_reason(response) :
						      "no answer"),
			       "body",
			       report_text(response ? response->body : "")));
}

void phone_report_request(struct phone *phone, const struct message *request)
{
	report_event(phone->report, "request",
		     json_pack("{s:o,s:o}", "method",
			       report_text(message_method(request)), "body",
			       report_text(request->body)));
}
