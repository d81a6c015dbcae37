/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON-RPC 2.0 server on stream sockets: who comes in (libevent). */
#include "common/rpcserver_parts.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

/* After accept failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_SECONDS 1

unsigned *rpcserver_count_of(struct rpcserver *server,
			     const struct rpcserver_peer *peer)
{
	return peer->guest == NULL ? &server->client_count :
				     &server->guest_count;
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

	if (*rpcserver_count_of(server, peer) >= max)
		return "too many clients";
	return options->on_client == NULL ?
		       NULL :
		       options->on_client(peer, options->arg);
}

/* One that may come in. False: no memory, and the stream is the caller's. */
static bool client_start(struct rpcserver *server,
			 const struct rpcserver_peer *peer,
			 struct bufferevent *stream)
{
	struct rpcserver_client *client = rpcserver_client_new(server, peer,
							       stream);

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
	client = rpcserver_client_new(server, peer, stream);
	if (client == NULL)
		return -ENOMEM;
	rpcserver_client_end(client, refusal(reason));
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
		rpcserver_client_free(
			container_of(pos, struct rpcserver_client, node));
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
