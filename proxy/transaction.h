/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Server and client transactions, on those of the SIP library: what it needs
 * to be told in which order is known here and nowhere above.
 */
#ifndef VIADUCT_PROXY_TRANSACTION_H
#define VIADUCT_PROXY_TRANSACTION_H

#include "proxy/edge.h"

struct server; /* a request that was received and is to be answered */
struct client; /* a request that was sent */

/*
 * A CANCEL for the INVITE came; it has been answered. NULL: none did, another
 * branch has won.
 */
typedef void (*server_cancel_fn)(const sip_t *cancel, void *arg);

/*
 * Takes `msg` (also when it fails). An INVITE is answered with 100 at once.
 * NULL: no memory.
 */
struct server *server_new(const struct flow *from, msg_t *msg, sip_t *sip,
			  server_cancel_fn on_cancel, void *arg);
/* A reference to the request, which may be edited; the caller's. */
msg_t *server_request(struct server *server);
/*
 * An answer of our own. `headers`: further header lines, or NULL. The To tag
 * is that of the first answer that had one, else a random one.
 */
void server_reply(struct server *server, int status, const char *phrase,
		  const char *headers);
/*
 * The answer of the other side; takes `msg`, which must have the Via and
 * CSeq of the request. 0 or -Exxx.
 */
int server_forward(struct server *server, msg_t *msg);
/* Another one is told of the CANCEL. */
void server_rebind(struct server *server, void *arg);
/* What stands for a transaction that several branches share. */
struct server_hooks {
	msg_t *(*request)(void *arg);
	void (*reply)(int status, void *arg);
	int (*forward)(msg_t *msg, void *arg); /* takes `msg` */
	void (*free)(void *arg);
};
/* NULL: no memory. */
struct server *server_of_branch(const struct server_hooks *hooks, void *branch,
				server_cancel_fn on_cancel, void *arg);
/* Tells it of a CANCEL, or that another branch has won. */
void server_cancelled(struct server *server, const sip_t *cancel);
/*
 * Final answers are sent again by the library as long as needed. One that was
 * not answered is answered with 500.
 */
void server_free(struct server *server);

/*
 * `msg` (owned) is NULL when there is no response: 408 (nothing came in time)
 * or 503 (could not be sent). May free the client, also from inside.
 */
typedef void (*client_response_fn)(int status, msg_t *msg, void *arg);

/*
 * Sends a request; takes `msg` (also when it fails). Nothing is called from
 * inside. 0 or -Exxx.
 */
int client_new(const struct flow *to, msg_t *msg, const char *branch,
	       client_response_fn on_response, void *arg,
	       struct client **ret_client);
/*
 * Cancels an INVITE: at once when it has been answered provisionally, else as
 * soon as it is. Its responses keep coming.
 */
void client_cancel(struct client *client, const char *reason);
bool client_is_cancelled(const struct client *client);
/* The response function is not called any more. */
void client_free(struct client *client);

#endif
