/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manager of the test's own at the other end of a natctl client. */
#ifndef VIADUCT_TESTS_NATCTL_SERVER_H
#define VIADUCT_TESTS_NATCTL_SERVER_H

#include "natctl/client/natctl.h"

#define SERVER_TIMEOUT 3000 /* ms that the client waits for an answer */

/* Single quotes stand for double ones; %d is the id of the request. */
#define SERVER_GRANTED                                                  \
	"{'jsonrpc':'2.0','id':%d,'result':{'epoch':7,'group':'g',"     \
	"'leases':[{'id':17,'inner':'2.2.2.2:2222@inside','outer':"     \
	"'3.3.3.3:3333@outside','kind':'terminating','protocol':'tcp'," \
	"'ports':2,'preferred':false,'expires_in':60}]}}"

struct server {
	char path[64];
	int listener;
	int peer; /* the manager's end; -1: none */
	struct natctl *client;
	uint64_t now_ms;
	int ups, news, downs; /* calls of the hooks */
	uint64_t epoch;
};

/* What the callback of a request has seen. */
struct server_seen {
	int count;
	int error;
	char reason[64];
	struct natctl_lease lease;
	size_t lease_count;
	uint64_t answer_count;
};

extern struct server server;
/* One lease. */
extern const struct natctl_want server_want;
extern const struct natctl_ask server_ask;

/* The fixture: a client that is not connected. */
void server_begin(void);
void server_end(void);

/* The client connects and is told the epoch. */
void server_take_client(int epoch);
/* One line that the client has sent; "": none. */
void server_receive(char *line, size_t size);
void server_answer(const char *text);
void server_answer_id(const char *format, int id);
/* The client does what there is to do. */
void server_process(void);

struct natctl_callback server_to(struct server_seen *seen);
void server_on_answer(const struct natctl_answer *answer, void *arg);

#endif
