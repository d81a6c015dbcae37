/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 3261 section 17 over UDP: the client and server transactions. */
#ifndef PHONE_TRANSACTIONS_H
#define PHONE_TRANSACTIONS_H

#include <stdbool.h>
#include <sys/queue.h>

#include "message.h"
#include "request.h"
#include "wire.h"

enum {
	T1_MS = 500,
	T2_MS = 4000,
	T4_MS = 5000,
	GIVE_UP_MS = 64 * T1_MS, /* timers B, D, F, H, J, L, M */
};

struct client;
struct server;
LIST_HEAD(client_list, client);
LIST_HEAD(server_list, server);

struct transactions {
	struct wire *wire; /* not owned */
	struct client_list clients;
	struct server_list servers;
};

/* Each response once, provisional ones included, then those 2xx of an INVITE
 * that come again or from another branch of a fork; NULL for a timeout. */
typedef void (*client_fn)(const struct message *response, void *arg);

/* Sends the request (owned from here on). The callback never runs inside. */
struct client *client_new(struct transactions *transactions,
			  struct request *request, client_fn fn, void *arg);
/* The callback is called no more and the pointer is given up. */
void client_forget(struct client *client);
/* CANCEL, at once or as soon as a provisional response allows it. */
void client_cancel(struct client *client);
const struct request *client_request(const struct client *client);
/* A response: false if it belongs to no transaction. */
bool client_receive(struct transactions *transactions,
		    const struct message *message);
void client_free_all(struct transactions *transactions);

enum server_news {
	SERVER_CANCELLED, /* CANCEL came and was answered; INVITE still open */
	SERVER_NO_ACK,    /* 32 s without an ACK for the 2xx */
};

typedef void (*server_fn)(struct server *server, enum server_news news,
			  void *arg);

struct answer {
	int status;
	const char *reason;  /* NULL: the usual one */
	const char *to_tag;  /* added where the request's To has none */
	const char *headers; /* further whole lines, or NULL */
	const char *type;
	const char *body; /* or NULL */
};

/* For a request that server_receive did not know. */
struct server *server_new(struct transactions *transactions,
			  const struct message *request);
/* Who hears of a CANCEL or a missing ACK. */
void server_watch(struct server *server, server_fn fn, void *arg);
/* Sends a response. A final one other than the 2xx of an INVITE ends the
 * watch: the pointer is given up with it. */
void server_answer(struct server *server, const struct answer *answer);
/* The ACK for the 2xx has come, or nobody waits for it any more: resending ends
 * and the pointer is given up. */
void server_settle(struct server *server);
/* Retransmissions, CANCEL, and the ACK of a failure: true if it was one. */
bool server_receive(struct transactions *transactions,
		    const struct message *message);
void server_free_all(struct transactions *transactions);

#endif
