/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that this phone makes: its parts, and the text made of them. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

struct request *request_new(const char *method)
{
	struct request *request = need(sizeof(*request));

	request->method = copy(method);
	request_new_branch(request);
	return request;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	free(request->method);
	free(request->uri);
	free(request->branch);
	free(request->routes);
	free(request->from);
	free(request->to);
	free(request->call_id);
	free(request->headers);
	free(request->auth);
	free(request->type);
	free(request->body);
	free(request);
}

void request_new_branch(struct request *request)
{
	struct text branch = TEXT_EMPTY;
	char *word = random_word(12);

	text_add(&branch, "z9hG4bK%s", word);
	free(word);
	free(request->branch);
	request->branch = text_take(&branch);
}

void request_set_body(struct request *request, const char *type,
		      const char *body)
{
	keep(&request->type, type);
	keep(&request->body, body);
}

/* A request of the same transaction, without headers or body. */
static struct request *derive(const struct request *request, const char *method,
			      const char *to)
{
	struct request *other = request_new(method);

	keep(&other->branch, request->branch);
	other->uri = copy(request->uri);
	other->routes = copy(request->routes);
	other->from = copy(request->from);
	other->to = copy(to);
	other->call_id = copy(request->call_id);
	other->cseq = request->cseq;
	other->target = request->target;
	return other;
}

struct request *request_cancel(const struct request *request)
{
	return derive(request, "CANCEL", request->to);
}

struct request *request_ack(const struct request *request, const char *to)
{
	struct request *ack = derive(request, "ACK", to);

	ack->auth = copy(request->auth);
	return ack;
}

void request_format(const struct request *request, const struct address *local,
		    struct text *ret_text)
{
	char via[ADDRESS_TEXT];

	text_add(ret_text, "%s %s SIP/2.0\r\n", request->method, request->uri);
	text_add(ret_text, "Via: SIP/2.0/UDP %s;rport;branch=%s\r\n",
		 address_format(local, via), request->branch);
	text_add(ret_text, "Max-Forwards: 70\r\n");
	if (request->routes)
		text_add(ret_text, "%s", request->routes);
	text_add(ret_text, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\n",
		 request->from, request->to, request->call_id);
	text_add(ret_text, "CSeq: %u %s\r\n", request->cseq, request->method);
	if (request->headers)
		text_add(ret_text, "%s", request->headers);
	if (request->auth)
		text_add(ret_text, "%s", request->auth);
	text_add(ret_text, "User-Agent: phone\r\n");
	if (request->body)
		text_add(ret_text, "Content-Type: %s\r\n", request->type);
	text_add(ret_text, "Content-Length: %zu\r\n\r\n%s",
		 request->body ? strlen(request->body) : 0,
		 request->body ? request->body : "");
}
