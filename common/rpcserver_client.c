/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client of the JSON-RPC server: its stream, its requests, its answers. */
#include "common/rpcserver_parts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/rpcbatch.h"

struct rpcserver_call {
	struct list node; /* on client.calls while there is a client */
	struct rpcserver_client *client; /* NULL: gone */
	struct rpcserver_peer peer;
	struct rpc_request request;
	struct rpcbatch *batch; /* shared by its members; NULL: none */
};

const char *rpcserver_peer_format(const struct rpcserver_peer *peer,
				  char buf[RPCSERVER_PEER_TEXT])
{
	char from[ENDPOINT_TEXT];

	if (peer->guest == NULL)
		snprintf(buf, RPCSERVER_PEER_TEXT, "client uid %u pid %d",
			 (unsigned)peer->user.uid, (int)peer->user.pid);
	else
		snprintf(buf, RPCSERVER_PEER_TEXT, "client %.64s at %s",
			 peer->guest->name,
			 endpoint_format(&peer->from, NULL, from));
	return buf;
}

void rpcserver_client_free(struct rpcserver_client *client)
{
	const struct rpcserver_options *options = &client->server->options;
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &client->calls) {
		container_of(pos, struct rpcserver_call, node)->client = NULL;
		list_remove(pos);
	}
	list_remove(&client->node);
	*rpcserver_count_of(client->server, &client->peer) -= 1;
	bufferevent_free(client->stream);
	if (client->admitted && options->on_gone != NULL)
		options->on_gone(&client->peer, options->arg);
	if (options->on_end != NULL)
		options->on_end(client, options->arg);
	free(client);
}

static void client_kill(struct rpcserver_client *client)
{
	client->dead = true;
	if (!client->reading)
		rpcserver_client_free(client);
}

static size_t client_output(const struct rpcserver_client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->stream));
}

static bool client_may_ask(const struct rpcserver_client *client)
{
	return !client->dead && !client->ending &&
	       client->pending < RPCSERVER_PENDING_MAX &&
	       client_output(client) < RPCSERVER_OUTPUT_HIGH;
}

/* Takes over `line`; NULL: no memory, which costs the client its link. */
static void client_send(struct rpcserver_client *client, char *line)
{
	char who[RPCSERVER_PEER_TEXT];
	int failed = line == NULL ||
		     bufferevent_write(client->stream, line, strlen(line)) != 0;

	free(line);
	if (failed || client_output(client) > RPCSERVER_OUTPUT_MAX) {
		log_warn("%s: %s, closing",
			 rpcserver_peer_format(&client->peer, who),
			 failed ? "no memory for an answer" :
				  "does not take its answers");
		client_kill(client);
	}
}

/* True: nothing more was to be sent, and the client is gone. */
static bool client_end_if_done(struct rpcserver_client *client)
{
	if (!client->ending || client->reading || client->pending > 0 ||
	    client_output(client) > 0)
		return false;
	rpcserver_client_free(client);
	return true;
}

/* Answers that client's line, or part of a batch. Takes over `line`. */
static void client_answer(struct rpcserver_client *client,
			  struct rpcbatch *batch, char *line)
{
	bool failed;

	if (batch == NULL) {
		client_send(client, line);
		return;
	}
	if (!rpcbatch_end(batch, line))
		return;
	line = rpcbatch_take(batch);
	failed = batch->failed;
	rpcbatch_free(batch);
	if (failed) {
		free(line);
		line = NULL;
	}
	if (client == NULL || client->dead)
		free(line);
	else if (line != NULL || failed)
		client_send(client, line);
	else
		client_end_if_done(client);
}

static void on_request(struct rpcserver_client *client,
		       struct rpcserver_call *call, struct rpcbatch *batch)
{
	const struct rpcserver_options *options = &client->server->options;

	call->client = client;
	call->peer = client->peer;
	call->batch = batch;
	list_add_tail(&client->calls, &call->node);
	client->pending++;
	options->on_request(call, call->request.method, call->request.params,
			    options->arg);
}

/* One member; it is taken over. */
static void on_member(struct rpcserver_client *client, json_t *member,
		      struct rpcbatch *batch)
{
	struct rpcserver_call *call = calloc(1, sizeof(*call));
	const char *text;
	json_t *id;
	int code;

	if (call == NULL) {
		json_decref(member);
		batch->failed = true;
		client_answer(client, batch, NULL);
		return;
	}
	code = rpc_request_read(member, &call->request, &id, &text);
	if (code == 0) {
		on_request(client, call, batch);
		return;
	}
	free(call);
	client_answer(client, batch,
		      rpc_error_format(id, (enum rpc_code)code, text, NULL));
	json_decref(id);
}

/* The members are independent; their answers leave together. */
static void on_batch(struct rpcserver_client *client, json_t *members)
{
	size_t count = json_array_size(members);
	struct rpcbatch *batch = rpcbatch_new((unsigned)count + 1);

	for (size_t i = 0; batch != NULL && i < count; i++)
		on_member(client, json_incref(json_array_get(members, i)),
			  batch);
	json_decref(members);
	if (batch == NULL)
		client_kill(client);
	else
		client_answer(client, batch, NULL);
}

static void on_single(struct rpcserver_client *client, const char *line,
		      size_t len)
{
	const char *text;
	json_t *id;
	int code;
	struct rpcserver_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		client_kill(client);
		return;
	}
	code = rpc_request_parse(line, len, &call->request, &id, &text);
	if (code == 0) {
		on_request(client, call, NULL);
		return;
	}
	free(call);
	client_send(client,
		    rpc_error_format(id, (enum rpc_code)code, text, NULL));
	json_decref(id);
}

static void on_line(struct rpcserver_client *client, const char *line,
		    size_t len)
{
	json_t *members = rpc_batch_parse(line, len);
	size_t count = json_array_size(members);

	if (count > 0 && count <= RPCBATCH_MAX) {
		on_batch(client, members);
		return;
	}
	json_decref(members);
	if (count > 0)
		client_send(client,
			    rpc_error_format(json_null(), RPC_INVALID_REQUEST,
					     "too many requests in a batch",
					     NULL));
	else
		on_single(client, line, len);
}

void rpcserver_client_end(struct rpcserver_client *client, char *line)
{
	client->ending = true;
	bufferevent_disable(client->stream, EV_READ);
	bufferevent_enable(client->stream, EV_WRITE);
	client_send(client, line);
}

static void line_too_long(struct rpcserver_client *client)
{
	rpcserver_client_end(client,
			     rpc_error_format(json_null(), RPC_INVALID_REQUEST,
					      "line too long", NULL));
}

/*
 * Who may not ask is not read from. Else a full input would be told again and
 * again, without an end.
 */
static void client_pause(struct rpcserver_client *client)
{
	bool paused = !client_may_ask(client);

	if (client->ending || paused == client->paused)
		return;
	client->paused = paused;
	if (paused)
		bufferevent_disable(client->stream, EV_READ);
	else
		bufferevent_enable(client->stream, EV_READ);
}

static void client_read(struct rpcserver_client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->stream);
	char *line = NULL;
	size_t len;

	client->reading = true;
	while (client_may_ask(client) &&
	       (line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) != NULL) {
		on_line(client, line, len);
		free(line);
		line = NULL;
	}
	if (client_may_ask(client) &&
	    evbuffer_get_length(input) >= RPC_LINE_MAX)
		line_too_long(client);
	client->reading = false;
	if (client->dead)
		rpcserver_client_free(client);
	else
		client_pause(client);
}

static void on_readable(struct bufferevent *stream, void *arg)
{
	(void)stream;
	client_read(arg);
}

/* The output has run empty: go on with what was left unread. */
static void on_drained(struct bufferevent *stream, void *arg)
{
	struct rpcserver_client *client = arg;

	(void)stream;
	if (!client_end_if_done(client))
		client_read(client);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct rpcserver_client *client = arg;

	(void)stream;
	/* TLS calls a failed write an end as well. */
	if ((what & BEV_EVENT_EOF) == 0 || (what & BEV_EVENT_WRITING) != 0) {
		rpcserver_client_free(client);
		return;
	}
	client->ending = true;
	bufferevent_disable(client->stream, EV_READ);
	/* TLS has stopped both ways; the answers are still to be sent. */
	bufferevent_enable(client->stream, EV_WRITE);
	client_end_if_done(client);
}

struct rpcserver_client *rpcserver_client_new(struct rpcserver *server,
					      const struct rpcserver_peer *peer,
					      struct bufferevent *stream)
{
	struct timeval write = { .tv_sec = RPCSERVER_WRITE_SECONDS };
	struct timeval read = { .tv_sec = peer->idle_seconds };
	struct rpcserver_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->server = server;
	client->peer = *peer;
	client->stream = stream;
	list_init(&client->calls);
	list_add_tail(&server->clients, &client->node);
	*rpcserver_count_of(server, peer) += 1;
	bufferevent_setcb(stream, on_readable, on_drained, on_event, client);
	bufferevent_setwatermark(stream, EV_READ, 0, RPC_LINE_MAX);
	bufferevent_set_timeouts(stream, read.tv_sec > 0 ? &read : NULL,
				 &write);
	return client;
}

const struct rpcserver_peer *rpcserver_peer(const struct rpcserver_call *call)
{
	return &call->peer;
}

struct rpcserver_client *rpcserver_client(const struct rpcserver_call *call)
{
	return call->client == NULL || call->client->dead ? NULL : call->client;
}

int rpcserver_notify(struct rpcserver_client *client, const char *method,
		     json_t *params)
{
	char *line;
	int rc;

	if (client->dead || client_output(client) > RPCSERVER_NOTIFY_MAX) {
		json_decref(params);
		return -ENOBUFS;
	}
	line = rpc_notification_format(method, params);
	if (line == NULL)
		return -ENOMEM;
	rc = bufferevent_write(client->stream, line, strlen(line));
	free(line);
	return rc == 0 ? 0 : -ENOMEM;
}

/* Takes over `line`. */
static void call_end(struct rpcserver_call *call, char *line)
{
	struct rpcserver_client *client = call->client;
	struct rpcbatch *batch = call->batch;

	if (call->request.id == NULL ||
	    (batch == NULL && (client == NULL || client->dead))) {
		free(line);
		line = NULL;
	}
	list_remove(&call->node);
	rpc_request_done(&call->request);
	free(call);
	/* Never from inside: the caller is not prepared for a new request. */
	if (client != NULL && client->pending-- == RPCSERVER_PENDING_MAX)
		bufferevent_trigger(client->stream, EV_READ,
				    BEV_TRIG_DEFER_CALLBACKS);
	if (line != NULL || batch != NULL)
		client_answer(client, batch, line);
	else if (client != NULL)
		client_end_if_done(client);
}

void rpcserver_result(struct rpcserver_call *call, json_t *result)
{
	if (result == NULL) {
		rpcserver_fail(call, RPC_INTERNAL_ERROR, "no memory", NULL);
		return;
	}
	call_end(call, rpc_result_format(call->request.id, result));
}

void rpcserver_fail(struct rpcserver_call *call, enum rpc_code code,
		    const char *message, const char *reason)
{
	json_t *data = json_pack("{s:s}", "reason",
				 reason != NULL ? reason : rpc_code_name(code));

	call_end(call, rpc_error_format(call->request.id, code, message, data));
}
