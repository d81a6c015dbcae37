/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON-RPC 2.0 server on stream sockets, one object a line (libevent). */
#include "common/rpcserver.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/list.h"
#include "common/log.h"
#include "common/rpcbatch.h"

/* After accept failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_SECONDS 1

struct rpcserver {
	struct rpcserver_options options;
	char *path; /* owned */
	int fd;
	struct event *readable; /* owned; clients wait to be accepted */
	struct event *resume;   /* owned; accepting was paused */
	struct list clients;    /* of struct rpcserver_client.node */
	unsigned client_count;  /* on the socket */
	unsigned guest_count;
};

struct rpcserver_client {
	struct list node;           /* on rpcserver.clients */
	struct list calls;          /* of struct rpcserver_call.node */
	struct rpcserver *server;   /* parent, not owned */
	struct bufferevent *stream; /* owned */
	struct rpcserver_peer peer;
	unsigned pending; /* calls not yet answered */
	bool reading;     /* client_read is at work: it frees a dead client */
	bool paused;      /* not read from, since it may not ask */
	bool ending;      /* asks no more; closed when all answers are sent */
	bool dead;
	bool admitted; /* options.on_client took it */
};

struct rpcserver_call {
	struct list node; /* on client.calls while there is a client */
	struct rpcserver_client *client; /* NULL: gone */
	struct rpcserver_peer peer;
	struct rpc_request request;
	struct rpcbatch *batch; /* shared by its members; NULL: none */
};

static unsigned *count_of(struct rpcserver *server,
			  const struct rpcserver_peer *peer)
{
	return peer->guest == NULL ? &server->client_count :
				     &server->guest_count;
}

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

static void client_free(struct rpcserver_client *client)
{
	const struct rpcserver_options *options = &client->server->options;
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &client->calls) {
		container_of(pos, struct rpcserver_call, node)->client = NULL;
		list_remove(pos);
	}
	list_remove(&client->node);
	*count_of(client->server, &client->peer) -= 1;
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
		client_free(client);
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
	client_free(client);
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

static void line_too_long(struct rpcserver_client *client)
{
	json_t *id = json_null();

	client->ending = true;
	bufferevent_disable(client->stream, EV_READ);
	client_send(client, rpc_error_format(id, RPC_INVALID_REQUEST,
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
		client_free(client);
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
		client_free(client);
		return;
	}
	client->ending = true;
	bufferevent_disable(client->stream, EV_READ);
	/* TLS has stopped both ways; the answers are still to be sent. */
	bufferevent_enable(client->stream, EV_WRITE);
	client_end_if_done(client);
}

/* A line that is told to who is not let in, owned by the caller. */
static char *refusal(const char *reason)
{
	return rpc_error_format(json_null(), RPC_LIMIT, reason,
				json_pack("{s:s}", "reason", reason));
}

static void refuse(int fd, const char *reason)
{
	char *line = refusal(reason);

	/* Fits an empty socket buffer; a client that misses it sees the end. */
	if (line != NULL &&
	    send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("refused client: %s", strerror(errno));
	free(line);
	close(fd);
}

/* NULL: it may come in. */
static const char *refuse_reason(struct rpcserver *server,
				 const struct rpcserver_peer *peer)
{
	const struct rpcserver_options *options = &server->options;
	unsigned max = peer->guest == NULL ? options->max_clients :
					     options->max_guests;

	if (*count_of(server, peer) >= max)
		return "too many clients";
	return options->on_client == NULL ?
		       NULL :
		       options->on_client(peer, options->arg);
}

/* Takes the stream over. NULL: no memory, and the stream is the caller's. */
static struct rpcserver_client *client_new(struct rpcserver *server,
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
	*count_of(server, peer) += 1;
	bufferevent_setcb(stream, on_readable, on_drained, on_event, client);
	bufferevent_setwatermark(stream, EV_READ, 0, RPC_LINE_MAX);
	bufferevent_set_timeouts(stream, read.tv_sec > 0 ? &read : NULL,
				 &write);
	return client;
}

/* One that may come in. False: no memory, and the stream is the caller's. */
static bool client_start(struct rpcserver *server,
			 const struct rpcserver_peer *peer,
			 struct bufferevent *stream)
{
	struct rpcserver_client *client = client_new(server, peer, stream);

	if (client == NULL)
		return false;
	client->admitted = true;
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	return true;
}

int rpcserver_take(struct rpcserver *server, const struct rpcserver_peer *peer,
		   struct bufferevent *stream)
{
	const char *reason = refuse_reason(server, peer);
	struct rpcserver_client *client;

	if (reason == NULL && !client_start(server, peer, stream)) {
		if (server->options.on_gone != NULL)
			server->options.on_gone(peer, server->options.arg);
		return -ENOMEM;
	}
	if (reason == NULL) {
		/* What came with the end of the handshake raises no event. */
		bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
		return 0;
	}
	client = client_new(server, peer, stream);
	if (client == NULL)
		return -ENOMEM;
	client->ending = true;
	bufferevent_disable(stream, EV_READ);
	bufferevent_enable(stream, EV_WRITE);
	client_send(client, refusal(reason));
	return -EBUSY;
}

/* A client of the socket. Takes the descriptor over. */
static int take_descriptor(struct rpcserver *server, int fd)
{
	struct rpcserver_peer peer = { .guest = NULL };
	struct bufferevent *stream = NULL;
	const char *reason = NULL;
	int err = sock_peer(fd, &peer.user);

	if (err == 0)
		reason = refuse_reason(server, &peer);
	if (reason != NULL) {
		refuse(fd, reason);
		return 0;
	}
	if (err == 0)
		stream = bufferevent_socket_new(server->options.base, fd,
						BEV_OPT_CLOSE_ON_FREE);
	if (stream == NULL) {
		close(fd);
	} else if (client_start(server, &peer, stream)) {
		return 0;
	} else {
		bufferevent_free(stream);
	}
	if (err == 0 && server->options.on_gone != NULL)
		server->options.on_gone(&peer, server->options.arg);
	return err == 0 ? -ENOMEM : err;
}

static void on_client(int listener, short what, void *arg)
{
	struct timeval pause = { .tv_sec = ACCEPT_PAUSE_SECONDS };
	struct rpcserver *server = arg;
	int fd = sock_accept(listener);
	int err = fd;

	(void)what;
	if (fd == -EAGAIN || fd == -ECONNABORTED || fd == -EINTR)
		return;
	if (fd >= 0) {
		err = take_descriptor(server, fd);
		if (err == 0)
			return;
	}
	log_warn("%s: no client taken: %s, trying again in %d s", server->path,
		 strerror(-err), ACCEPT_PAUSE_SECONDS);
	event_del(server->readable);
	event_add(server->resume, &pause);
}

static void on_resume(int fd, short what, void *arg)
{
	struct rpcserver *server = arg;

	(void)fd;
	(void)what;
	event_add(server->readable, NULL);
}

int rpcserver_new(const struct rpcserver_options *options,
		  struct rpcserver **ret_server)
{
	struct rpcserver *server = calloc(1, sizeof(*server));
	int err = -ENOMEM;

	if (server == NULL)
		return -ENOMEM;
	list_init(&server->clients);
	server->options = *options;
	server->fd = -1;
	server->path = strdup(options->path);
	if (server->path == NULL)
		goto fail;
	server->options.path = server->path;
	server->fd = sock_listen(options->path, SOCK_STREAM, options->mode);
	if (server->fd < 0) {
		err = server->fd;
		goto fail;
	}
	server->readable = event_new(options->base, server->fd,
				     EV_READ | EV_PERSIST, on_client, server);
	server->resume = event_new(options->base, -1, 0, on_resume, server);
	if (server->readable == NULL || server->resume == NULL ||
	    event_add(server->readable, NULL) != 0)
		goto fail;
	*ret_server = server;
	return 0;
fail:
	rpcserver_free(server);
	return err;
}

void rpcserver_free(struct rpcserver *server)
{
	struct list *pos, *tmp;

	if (server == NULL)
		return;
	list_for_each_safe(pos, tmp, &server->clients)
		client_free(container_of(pos, struct rpcserver_client, node));
	if (server->readable != NULL)
		event_free(server->readable);
	if (server->resume != NULL)
		event_free(server->resume);
	if (server->fd >= 0) {
		close(server->fd);
		unlink(server->path);
	}
	free(server->path);
	free(server);
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
