/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON-RPC 2.0 server on stream sockets, one object a line (libevent): on a
 * UNIX socket of its own, and for guests, who are brought in by somebody else.
 *
 * How to use it: fill a struct rpcserver_options, rpcserver_new, run the
 * event base. on_request is called for each request and owns the call it is
 * given: it answers it exactly once with rpcserver_result or rpcserver_fail,
 * then and there or at any later time. A call whose client has gone is inert:
 * it is answered all the same, and nothing is sent. Answers of one client
 * leave in the order in which they were given, which may differ from that of
 * the requests. The program must ignore SIGPIPE.
 *
 * A client can be told of something without having asked: rpcserver_client
 * names it while it is there, on_end is the end of that, and in between
 * rpcserver_notify sends, unless too much waits for the client already.
 *
 * What a client can make the server hold is limited: no more requests are read
 * while it has RPCSERVER_PENDING_MAX unanswered ones or RPCSERVER_OUTPUT_HIGH
 * bytes not yet taken; it is closed when RPCSERVER_OUTPUT_MAX bytes wait, when
 * it takes nothing for RPCSERVER_WRITE_SECONDS, or after a line longer than
 * RPC_LINE_MAX.
 */
#ifndef VIADUCT_COMMON_RPCSERVER_H
#define VIADUCT_COMMON_RPCSERVER_H

#include <stdbool.h>

#include "common/conf.h"
#include "common/endpoint.h"
#include "common/rpc.h"
#include "common/sock.h"

#define RPCSERVER_PENDING_MAX   1024
#define RPCSERVER_OUTPUT_HIGH   (256 * 1024)
#define RPCSERVER_OUTPUT_MAX    (4 * 1024 * 1024)
#define RPCSERVER_NOTIFY_MAX    (1024 * 1024)
#define RPCSERVER_WRITE_SECONDS 30
#define RPCSERVER_PEER_TEXT     256

struct bufferevent;
struct event_base;
struct rpcserver;
struct rpcserver_call; /* a request that waits for its answer */
struct rpcserver_client;

/* Who is at the other end. */
struct rpcserver_peer {
	struct sock_peer user;           /* of the socket */
	const struct conf_client *guest; /* not owned; NULL: of the socket */
	struct endpoint from;            /* a guest's */
	unsigned idle_seconds;           /* a guest's; 0: no limit */
};

/* "client uid 1000 pid 77", "client NAME at 10.0.0.7:40000" */
const char *rpcserver_peer_format(const struct rpcserver_peer *peer,
				  char buf[RPCSERVER_PEER_TEXT]);

/*
 * `method` and `params` (an object, or NULL) live until the call is answered.
 * Must not free the server.
 */
typedef void (*rpcserver_request_fn)(struct rpcserver_call *call,
				     const char *method, json_t *params,
				     void *arg);

struct rpcserver_options {
	struct event_base *base; /* not owned */
	const char *path;        /* of the socket; copied */
	mode_t mode;             /* of the socket */
	unsigned max_clients;    /* more are told RPC_LIMIT and closed */
	unsigned max_guests;     /* likewise */
	rpcserver_request_fn on_request;
	/* NULL, or why it is not let in: told to it. May be NULL itself. */
	const char *(*on_client)(const struct rpcserver_peer *peer, void *arg);
	/* One that on_client let in has gone. May be NULL. */
	void (*on_gone)(const struct rpcserver_peer *peer, void *arg);
	/* That name is nobody's any more. May be NULL. */
	void (*on_end)(struct rpcserver_client *client, void *arg);
	void *arg;
};

/* 0 or -Exxx (-EADDRINUSE: a living server answers on that path). */
int rpcserver_new(const struct rpcserver_options *options,
		  struct rpcserver **ret_server);
/* Closes all clients, removes the socket. Calls still held become inert. */
void rpcserver_free(struct rpcserver *server);

/*
 * A guest, whose stream is taken over (made with BEV_OPT_CLOSE_ON_FREE). 0;
 * -EBUSY: it is told that it is not let in, and closed; -ENOMEM: the stream is
 * still the caller's.
 */
int rpcserver_take(struct rpcserver *server, const struct rpcserver_peer *peer,
		   struct bufferevent *stream);

/* Who asked; also valid when the client has gone. */
const struct rpcserver_peer *rpcserver_peer(const struct rpcserver_call *call);

/*
 * Each answers and frees the call. `result` is taken over; NULL (no memory)
 * is answered as RPC_INTERNAL_ERROR. `reason` goes to error.data.reason;
 * NULL: rpc_code_name of the code.
 */
void rpcserver_result(struct rpcserver_call *call, json_t *result);
void rpcserver_fail(struct rpcserver_call *call, enum rpc_code code,
		    const char *message, const char *reason);

/* Whose call it is; NULL: the client has gone. */
struct rpcserver_client *rpcserver_client(const struct rpcserver_call *call);
/*
 * `params` is taken over. 0, or -ENOBUFS: more than RPCSERVER_NOTIFY_MAX bytes
 * wait for that client; -ENOMEM. Never ends the client.
 */
int rpcserver_notify(struct rpcserver_client *client, const char *method,
		     json_t *params);

#endif
