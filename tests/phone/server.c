/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Server transactions: RFC 3261 section 17.2, with RFC 6026 for the 2xx. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transactions.h"

struct server {
	LIST_ENTRY(server) entry;          /* transactions.servers */
	struct transactions *transactions; /* parent, not owned */
	char *method;                      /* owned, as the strings below */
	char *branch; /* with call_id, cseq and sent_by: the key */
	char *sent_by;
	char *call_id;
	char *vias;          /* whole lines for the response */
	char *record_routes; /* whole lines for the response, "" for none */
	char *from;
	char *to;
	struct text last;       /* response to repeat */
	struct event *resend;   /* owned */
	struct event *deadline; /* owned */
	server_fn fn;
	void *arg;
	struct address target; /* where responses go */
	unsigned cseq;
	unsigned interval;
	int status; /* of the last response, 0: none */
	bool has_to_tag;
	bool settled; /* nothing is resent unasked any more */
};

static void start(struct event *timer, unsigned milliseconds)
{
	struct timeval delay = { milliseconds / 1000,
				 (milliseconds % 1000) * 1000L };

	event_add(timer, &delay);
}

static void server_free(struct server *server)
{
	LIST_REMOVE(server, entry);
	event_free(server->resend);
	event_free(server->deadline);
	free(server->method);
	free(server->branch);
	free(server->sent_by);
	free(server->call_id);
	free(server->vias);
	free(server->record_routes);
	free(server->from);
	free(server->to);
	text_done(&server->last);
	free(server);
}

static bool is_invite(const struct server *server)
{
	return !strcmp(server->method, "INVITE");
}

static void transmit(struct server *server)
{
	if (server->last.length)
		wire_send(server->transactions->wire, &server->target,
			  server->last.data, server->last.length);
}

static void on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	transmit(server);
	server->interval *= 2;
	if (server->interval > T2_MS)
		server->interval = T2_MS;
	start(server->resend, server->interval);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	server_fn fn = server->fn;

	(void)fd;
	(void)what;
	if (fn)
		fn(server, SERVER_NO_ACK, server->arg);
	server_free(server);
}

static char *sent_by(const osip_via_t *via)
{
	struct text text = TEXT_EMPTY;

	text_add(&text, "%s:%s", via->host ? via->host : "",
		 via->port ? via->port : "5060");
	return text_take(&text);
}

/* RFC 3261 section 18.2.2 and RFC 3581: back to where it came from; to the port
 * named in Via unless the client asks for rport. */
static void route_back(struct server *server, const struct message *request,
		       osip_via_t *via)
{
	osip_generic_param_t *rport = NULL;
	char name[] = "rport", host[ADDRESS_TEXT], port[8];
	unsigned long sent_port = via->port ? strtoul(via->port, NULL, 10) : 0;

	server->target = request->from;
	address_host(&request->from, host);
	snprintf(port, sizeof(port), "%u", address_port(&request->from));
	osip_generic_param_get_byname(&via->via_params, name, &rport);
	if (rport && !rport->gvalue)
		rport->gvalue = osip_strdup(port);
	if (!rport && sent_port < 65536)
		address_set_port(&server->target,
				 sent_port ? (unsigned)sent_port : 5060);
	if (rport || !via->host || strcmp(via->host, host) != 0)
		osip_via_set_received(via, osip_strdup(host));
}

static char *via_lines(osip_list_t *vias)
{
	struct text lines = TEXT_EMPTY;
	osip_via_t *via;

	for (int i = 0; (via = osip_list_get(vias, i)) != NULL; i++) {
		char *value = NULL;

		if (osip_via_to_str(via, &value) == 0)
			text_add(&lines, "Via: %s\r\n", value);
		osip_free(value);
	}
	return text_take(&lines);
}

static char *record_route_lines(osip_list_t *routes)
{
	struct text lines = TEXT_EMPTY;
	osip_record_route_t *route;

	for (int i = 0; (route = osip_list_get(routes, i)) != NULL; i++) {
		char *value = NULL;

		if (osip_record_route_to_str(route, &value) == 0)
			text_add(&lines, "Record-Route: %s\r\n", value);
		osip_free(value);
	}
	return text_take(&lines);
}

struct server *server_new(struct transactions *transactions,
			  const struct message *request)
{
	struct server *server = need(sizeof(*server));
	struct event_base *base = wire_base(transactions->wire);
	osip_message_t *sip = request->sip;
	osip_via_t *via = osip_list_get(&sip->vias, 0);

	server->transactions = transactions;
	server->method = copy(message_method(request));
	server->branch = copy(message_branch(request));
	server->sent_by = sent_by(via);
	server->call_id = copy(request->call_id);
	server->cseq = message_cseq(request);
	server->from = message_party(sip->from);
	server->to = message_party(sip->to);
	server->has_to_tag = *message_to_tag(request) != '\0';
	route_back(server, request, via);
	server->vias = via_lines(&sip->vias);
	server->record_routes = record_route_lines(&sip->record_routes);
	server->resend = evtimer_new(base, on_resend, server);
	server->deadline = evtimer_new(base, on_deadline, server);
	LIST_INSERT_HEAD(&transactions->servers, server, entry);
	return server;
}

void server_watch(struct server *server, server_fn fn, void *arg)
{
	server->fn = fn;
	server->arg = arg;
}

static const char *usual_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 100, "Trying" },
		{ 180, "Ringing" },
		{ 183, "Session Progress" },
		{ 200, "OK" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 420, "Bad Extension" },
		{ 480, "Temporarily Unavailable" },
		{ 481, "Call/Transaction Does Not Exist" },
		{ 486, "Busy Here" },
		{ 487, "Request Terminated" },
		{ 488, "Not Acceptable Here" },
		{ 491, "Request Pending" },
		{ 500, "Server Internal Error" },
		{ 503, "Service Unavailable" },
		{ 603, "Decline" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Refused";
}

static void format(struct server *server, const struct answer *answer)
{
	struct text *text = &server->last;
	const char *body = answer->body ? answer->body : "";

	text_done(text);
	text_add(text, "SIP/2.0 %d %s\r\n%s", answer->status,
		 answer->reason ? answer->reason : usual_reason(answer->status),
		 server->vias);
	if (is_invite(server) && answer->status > 100 && answer->status < 300)
		text_add(text, "%s", server->record_routes);
	text_add(text, "From: %s\r\nTo: %s", server->from, server->to);
	if (!server->has_to_tag && answer->to_tag && answer->status > 100)
		text_add(text, ";tag=%s", answer->to_tag);
	text_add(text, "\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", server->call_id,
		 server->cseq, server->method);
	if (answer->headers)
		text_add(text, "%s", answer->headers);
	if (answer->body)
		text_add(text, "Content-Type: %s\r\n", answer->type);
	text_add(text, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
}

void server_answer(struct server *server, const struct answer *answer)
{
	format(server, answer);
	server->status = answer->status;
	transmit(server);
	if (answer->status < 200)
		return;
	if (is_invite(server)) {
		server->interval = T1_MS;
		start(server->resend, server->interval);
	}
	if (!is_invite(server) || answer->status >= 300)
		server->fn = NULL;
	start(server->deadline, GIVE_UP_MS);
}

void server_settle(struct server *server)
{
	server->fn = NULL;
	server->settled = true;
	event_del(server->resend);
	start(server->deadline, GIVE_UP_MS);
}

static struct server *find(struct transactions *transactions,
			   const struct message *request, const char *method)
{
	char *from = sent_by(osip_list_get(&request->sip->vias, 0));
	struct server *server;

	LIST_FOREACH(server, &transactions->servers, entry)
	{
		if (server->cseq == message_cseq(request) &&
		    !strcmp(server->method, method) &&
		    !strcmp(server->branch, message_branch(request)) &&
		    !strcmp(server->sent_by, from) &&
		    !strcmp(server->call_id, request->call_id))
			break;
	}
	free(from);
	return server;
}

static void take_cancel(struct transactions *transactions,
			const struct message *cancel)
{
	struct server *invite = find(transactions, cancel, "INVITE");
	struct server *server = server_new(transactions, cancel);
	struct answer answer = { .status = invite ? 200 : 481,
				 .to_tag = "cancel" };

	server_answer(server, &answer);
	if (invite && invite->status < 200 && invite->fn)
		invite->fn(invite, SERVER_CANCELLED, invite->arg);
}

bool server_receive(struct transactions *transactions,
		    const struct message *message)
{
	const char *method = message_method(message);
	bool is_ack = !strcmp(method, "ACK");
	struct server *server = find(transactions, message,
				     is_ack ? "INVITE" : method);

	if (is_ack) {
		if (!server || server->status < 300)
			return false;
		server_settle(server);
		return true;
	}
	if (server) {
		if (!server->settled &&
		    !(is_invite(server) && server->status / 100 == 2))
			transmit(server);
		return true;
	}
	if (strcmp(method, "CANCEL") != 0)
		return false;
	take_cancel(transactions, message);
	return true;
}

void server_free_all(struct transactions *transactions)
{
	struct server *server = LIST_FIRST(&transactions->servers);

	while (server) {
		struct server *next = LIST_NEXT(server, entry);

		server_free(server);
		server = next;
	}
}
