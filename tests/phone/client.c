/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client transactions: RFC 3261 section 17.1, with RFC 6026 for the 2xx. */
#include <stdlib.h>
#include <string.h>

#include "transactions.h"

enum client_state { CLIENT_TRYING, CLIENT_PROCEEDING, CLIENT_OVER };

struct client {
	LIST_ENTRY(client) entry;          /* transactions.clients */
	struct transactions *transactions; /* parent, not owned */
	struct request *request;           /* owned */
	struct text text;
	struct text ack;        /* of a failure; empty until there is one */
	struct event *resend;   /* owned */
	struct event *deadline; /* owned */
	client_fn fn;           /* NULL: forgotten */
	void *arg;
	enum client_state state;
	unsigned interval; /* milliseconds to the next retransmission */
	bool is_invite;
	bool cancel_wanted;
	bool cancelled; /* the deadline waits for the 487 */
	bool lapsed;    /* past its last timer, kept only for its owner */
};

static void start(struct event *timer, unsigned milliseconds)
{
	struct timeval delay = { milliseconds / 1000,
				 (milliseconds % 1000) * 1000L };

	event_add(timer, &delay);
}

static void client_free(struct client *client)
{
	LIST_REMOVE(client, entry);
	event_free(client->resend);
	event_free(client->deadline);
	request_free(client->request);
	text_done(&client->text);
	text_done(&client->ack);
	free(client);
}

static void transmit(struct client *client, const struct text *text)
{
	wire_send(client->transactions->wire, &client->request->target,
		  text->data, text->length);
}

static void on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	transmit(client, &client->text);
	client->interval *= 2;
	if (!client->is_invite && client->interval > T2_MS)
		client->interval = T2_MS;
	if (!client->is_invite && client->state == CLIENT_PROCEEDING)
		client->interval = T2_MS;
	start(client->resend, client->interval);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	bool unanswered = client->state != CLIENT_OVER;

	(void)fd;
	(void)what;
	client->state = CLIENT_OVER;
	event_del(client->resend);
	if (!client->fn) {
		client_free(client);
		return;
	}
	client->lapsed = true;
	if (unanswered)
		client->fn(NULL, client->arg);
}

struct client *client_new(struct transactions *transactions,
			  struct request *request, client_fn fn, void *arg)
{
	struct client *client = need(sizeof(*client));
	struct event_base *base = wire_base(transactions->wire);

	client->transactions = transactions;
	client->request = request;
	client->fn = fn;
	client->arg = arg;
	client->interval = T1_MS;
	client->is_invite = !strcmp(request->method, "INVITE");
	client->resend = evtimer_new(base, on_resend, client);
	client->deadline = evtimer_new(base, on_deadline, client);
	LIST_INSERT_HEAD(&transactions->clients, client, entry);

	request_format(request, wire_local(transactions->wire), &client->text);
	transmit(client, &client->text);
	start(client->resend, client->interval);
	start(client->deadline, GIVE_UP_MS);
	return client;
}

void client_forget(struct client *client)
{
	if (!client)
		return;
	client->fn = NULL;
	if (client->lapsed)
		client_free(client);
}

const struct request *client_request(const struct client *client)
{
	return client->request;
}

static void send_cancel(struct client *client)
{
	client->cancel_wanted = false;
	client->cancelled = true;
	client_new(client->transactions, request_cancel(client->request), NULL,
		   NULL);
	start(client->deadline, GIVE_UP_MS);
}

void client_cancel(struct client *client)
{
	if (client->state == CLIENT_PROCEEDING)
		send_cancel(client);
	else if (client->state == CLIENT_TRYING)
		client->cancel_wanted = true;
}

static void acknowledge(struct client *client, const struct message *response)
{
	char *to = message_party(response->sip->to);
	struct request *ack = request_ack(client->request, to);

	text_done(&client->ack);
	request_format(ack, wire_local(client->transactions->wire),
		       &client->ack);
	request_free(ack);
	free(to);
	transmit(client, &client->ack);
}

/* True if the owner is to hear of it. */
static bool take_provisional(struct client *client)
{
	if (client->state == CLIENT_OVER)
		return false;
	client->state = CLIENT_PROCEEDING;
	if (client->is_invite) {
		event_del(client->resend);
		/* a phone may ring for as long as its user likes */
		if (!client->cancelled)
			event_del(client->deadline);
	}
	if (client->cancel_wanted)
		send_cancel(client);
	return true;
}

static bool take_final(struct client *client, const struct message *response)
{
	bool is_success = message_status(response) < 300;

	if (client->state == CLIENT_OVER) {
		if (client->ack.length)
			transmit(client, &client->ack);
		return client->is_invite && is_success && !client->ack.length;
	}
	client->state = CLIENT_OVER;
	event_del(client->resend);
	start(client->deadline, client->is_invite ? GIVE_UP_MS : T4_MS);
	if (client->is_invite && !is_success)
		acknowledge(client, response);
	return true;
}

bool client_receive(struct transactions *transactions,
		    const struct message *message)
{
	struct client *client;
	bool is_news;

	LIST_FOREACH(client, &transactions->clients, entry)
	{
		if (!strcmp(client->request->branch, message_branch(message)) &&
		    !strcmp(client->request->method, message_method(message)))
			break;
	}
	if (!client)
		return false;
	if (message_status(message) < 200)
		is_news = take_provisional(client);
	else
		is_news = take_final(client, message);
	if (is_news && client->fn)
		client->fn(message, client->arg);
	return true;
}

void client_free_all(struct transactions *transactions)
{
	struct client *client = LIST_FIRST(&transactions->clients);

	while (client) {
		struct client *next = LIST_NEXT(client, entry);

		client_free(client);
		client = next;
	}
}
