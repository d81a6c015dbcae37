/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request until its outcome: answers one challenge, repeats ACKs for 2xx. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

enum {
	ATTEMPTS = 3, /* the first, one challenge, one stale nonce */
	FORKS = 8,    /* distinct 2xx of one INVITE whose ACKs are kept */
};

struct kept_ack {
	char *to_tag; /* owned */
	struct address target;
	struct text text;
};

struct exchange {
	LIST_ENTRY(exchange) entry; /* phone.exchanges */
	struct phone *phone;        /* parent, not owned */
	struct client *client;      /* given up with client_forget */
	unsigned *cseq;             /* not owned */
	exchange_fn fn;
	void *arg;
	struct kept_ack acks[FORKS];
	unsigned n_acks;
	unsigned attempts;
};

static void on_response(const struct message *response, void *arg);

static void transmit(struct exchange *exchange, struct request *request)
{
	struct client *former = exchange->client;

	exchange->attempts++;
	exchange->client = client_new(&exchange->phone->transactions, request,
				      on_response, exchange);
	client_forget(former);
}

static bool has_failed_before(const struct exchange *exchange,
			      const struct message *challenge)
{
	osip_list_t *list = message_status(challenge) == 407 ?
				    &challenge->sip->proxy_authenticates :
				    &challenge->sip->www_authenticates;
	osip_www_authenticate_t *header = osip_list_get(list, 0);

	if (!exchange_request(exchange)->auth)
		return false;
	return !header || !header->stale || !strcasestr(header->stale, "true");
}

/* True when the request is on its way again, with credentials. */
static bool authenticate(struct exchange *exchange,
			 const struct message *challenge)
{
	const struct phone_options *options = exchange->phone->options;
	const struct request *old = exchange_request(exchange);
	struct digest_user user = { options->user, options->password };
	struct request *request;
	char *auth;

	if (!user.name || !user.password || exchange->attempts == ATTEMPTS ||
	    has_failed_before(exchange, challenge))
		return false;
	auth = digest_answer(challenge, &user, old->method, old->uri);
	if (!auth)
		return false;
	request = request_new(old->method);
	request->uri = copy(old->uri);
	request->routes = copy(old->routes);
	request->from = copy(old->from);
	request->to = copy(old->to);
	request->call_id = copy(old->call_id);
	request->headers = copy(old->headers);
	request->auth = auth;
	request_set_body(request, old->type, old->body);
	request->target = old->target;
	request->cseq = ++*exchange->cseq;
	transmit(exchange, request);
	return true;
}

static bool repeat_ack(struct exchange *exchange,
		       const struct message *response)
{
	for (unsigned i = 0; i < exchange->n_acks; i++) {
		const struct kept_ack *ack = &exchange->acks[i];

		if (strcmp(ack->to_tag, message_to_tag(response)) != 0)
			continue;
		wire_send(exchange->phone->wire, &ack->target, ack->text.data,
			  ack->text.length);
		return true;
	}
	return false;
}

static void on_response(const struct message *response, void *arg)
{
	struct exchange *exchange = arg;
	int status = response ? message_status(response) : 0;

	if ((status == 401 || status == 407) &&
	    authenticate(exchange, response))
		return;
	if (status / 100 == 2 && repeat_ack(exchange, response))
		return;
	exchange->fn(exchange, response, exchange->arg);
}

struct exchange *exchange_new(struct phone *phone, struct request *request,
			      unsigned *cseq, exchange_fn fn, void *arg)
{
	struct exchange *exchange = need(sizeof(*exchange));

	exchange->phone = phone;
	exchange->cseq = cseq;
	exchange->fn = fn;
	exchange->arg = arg;
	LIST_INSERT_HEAD(&phone->exchanges, exchange, entry);
	transmit(exchange, request);
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return;
	LIST_REMOVE(exchange, entry);
	client_forget(exchange->client);
	for (unsigned i = 0; i < exchange->n_acks; i++) {
		free(exchange->acks[i].to_tag);
		text_done(&exchange->acks[i].text);
	}
	free(exchange);
}

void exchange_free_of(struct phone *phone, const void *arg)
{
	struct exchange *exchange = LIST_FIRST(&phone->exchanges);

	while (exchange) {
		struct exchange *next = LIST_NEXT(exchange, entry);

		if (exchange->arg == arg)
			exchange_free(exchange);
		exchange = next;
	}
}

void exchange_cancel(struct exchange *exchange)
{
	client_cancel(exchange->client);
}

const struct request *exchange_request(const struct exchange *exchange)
{
	return client_request(exchange->client);
}

void exchange_acknowledge(struct exchange *exchange, struct request *ack,
			  const char *to_tag)
{
	struct kept_ack once = { .to_tag = NULL };
	struct kept_ack *kept = &once;

	if (exchange->n_acks < FORKS) {
		kept = &exchange->acks[exchange->n_acks++];
		kept->to_tag = copy(to_tag);
	}
	kept->target = ack->target;
	ack->auth = copy(exchange_request(exchange)->auth);
	ack->cseq = exchange_request(exchange)->cseq;
	request_format(ack, wire_local(exchange->phone->wire), &kept->text);
	wire_send(exchange->phone->wire, &kept->target, kept->text.data,
		  kept->text.length);
	request_free(ack);
	text_done(&once.text);
}
