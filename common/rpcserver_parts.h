/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the JSON-RPC server share. Not for others. */
#ifndef VIADUCT_COMMON_RPCSERVER_PARTS_H
#define VIADUCT_COMMON_RPCSERVER_PARTS_H

#include "common/list.h"
#include "common/rpcserver.h"

struct event;

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

/* Clients of that kind: of the socket, or guests. */
unsigned *rpcserver_count_of(struct rpcserver *server,
			     const struct rpcserver_peer *peer);

/*
 * Takes the stream over; nothing is read from it yet. NULL: no memory, and the
 * stream is the caller's.
 */
struct rpcserver_client *rpcserver_client_new(struct rpcserver *server,
					      const struct rpcserver_peer *peer,
					      struct bufferevent *stream);
void rpcserver_client_free(struct rpcserver_client *client);
/* It may ask no more; ends when this line, which is taken over, is sent. */
void rpcserver_client_end(struct rpcserver_client *client, char *line);

#endif
