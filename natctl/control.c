/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel: clients and their requests; and the manager's clock. */
#include "natctl/control.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/rpcserver.h"
#include "natctl/door.h"
#include "natctl/manager.h"

struct control {
	struct event_base *base;   /* not owned */
	const struct conf *conf;   /* not owned */
	struct rpcserver *server;  /* owned; NULL after control_stop */
	struct manager *manager;   /* not owned */
	struct door **doors;       /* owned array; of conf->controls */
	unsigned *connections;     /* owned array; of conf->clients */
	struct guest_count *count; /* not owned; NULL: no doors */
	struct event *timer;       /* owned */
	struct log_limit refusals;
};

/* One request until its answer. */
struct waiting {
	struct control *control;     /* not owned */
	struct rpcserver_call *call; /* owned: answered once */
	char method[32];             /* for the log */
};

static void set_timer(struct control *control)
{
	uint64_t now_ms = mono_ms();
	uint64_t at_ms = manager_deadline(control->manager);
	uint64_t ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval tv = { 0 };

	if (ms > CONTROL_TICK_MS)
		ms = CONTROL_TICK_MS;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	(void)evtimer_add(control->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;

	(void)fd;
	(void)what;
	manager_tick(control->manager, mono_ms());
	set_timer(control);
}

static void give_answer(struct control *control, struct rpcserver_call *call,
			const char *method, struct manager_answer *answer)
{
	const struct fault *fault = &answer->fault;
	char who[RPCSERVER_PEER_TEXT];

	if (answer->result != NULL) {
		rpcserver_result(call, answer->result);
		return;
	}
	log_limited(&control->refusals, mono_ms(), LOG_LEVEL_INFO,
		    "%s: %s refused: %s: %s",
		    rpcserver_peer_format(rpcserver_peer(call), who), method,
		    rpc_code_name(fault->code), fault->reason);
	rpcserver_fail(call, fault->code, rpc_code_name(fault->code),
		       fault->reason);
}

static void on_answer(struct manager_answer *answer, void *arg)
{
	struct waiting *waiting = arg;

	give_answer(waiting->control, waiting->call, waiting->method, answer);
	set_timer(waiting->control);
	free(waiting);
}

static void on_request(struct rpcserver_call *call, const char *method,
		       json_t *params, void *arg)
{
	struct control *control = arg;
	const struct rpcserver_peer *peer = rpcserver_peer(call);
	struct manager_request request = { .uid = peer->user.uid,
					   .guest = peer->guest,
					   .from = peer->from,
					   .client = rpcserver_client(call),
					   .method = method,
					   .params = params };
	struct manager_answer answer;
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (waiting == NULL) {
		rpcserver_fail(call, RPC_INTERNAL_ERROR,
			       rpc_code_name(RPC_INTERNAL_ERROR),
			       "out of memory");
		return;
	}
	waiting->control = control;
	waiting->call = call;
	for (size_t i = 0; method[i] && i + 1 < sizeof(waiting->method); i++)
		waiting->method[i] = method[i];
	if (manager_request(control->manager, &request, mono_ms(), on_answer,
			    waiting, &answer) == 0) {
		give_answer(control, call, waiting->method, &answer);
		free(waiting);
	}
	set_timer(control);
}

/* How many there are of that section; NULL: it has none. */
static unsigned *connections_of(const struct control *control,
				const struct rpcserver_peer *peer)
{
	const struct conf *conf = control->conf;

	if (peer->guest != NULL)
		return &control->connections[peer->guest - conf->clients];
	for (size_t i = 0; i < conf->client_count; i++)
		if (conf->clients[i].uid == peer->user.uid)
			return &control->connections[i];
	return NULL;
}

static const char *on_client(const struct rpcserver_peer *peer, void *arg)
{
	struct control *control = arg;
	unsigned *connections = connections_of(control, peer);

	if (connections != NULL) {
		size_t at = (size_t)(connections - control->connections);

		if (*connections >= control->conf->clients[at].max_connections)
			return "too many connections of this client";
		++*connections;
	}
	if (peer->guest != NULL) {
		control->count->connected++;
		control->count->taken++;
	}
	return NULL;
}

static void on_gone(const struct rpcserver_peer *peer, void *arg)
{
	struct control *control = arg;
	unsigned *connections = connections_of(control, peer);

	if (connections != NULL)
		--*connections;
	if (peer->guest != NULL)
		control->count->connected--;
}

int control_open_doors(struct control *control, struct guest_count *count)
{
	struct door_options options = { .base = control->base,
					.conf = control->conf,
					.server = control->server,
					.count = count };

	control->count = count;
	for (size_t i = 0; i < control->conf->control_count; i++) {
		int rc;

		options.control = &control->conf->controls[i];
		rc = door_new(&options, &control->doors[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void control_reload(struct control *control)
{
	for (size_t i = 0; i < control->conf->control_count; i++)
		if (door_reload(control->doors[i]) == 0)
			log_info("control %s: certificates read again",
				 control->conf->controls[i].name);
}

static int on_event(void *client, json_t *event, void *arg)
{
	(void)arg;
	return rpcserver_notify(client, "event", event);
}

static void on_end(struct rpcserver_client *client, void *arg)
{
	struct control *control = arg;

	manager_client_gone(control->manager, client);
}

int control_new(struct event_base *base, const struct conf *conf,
		const char *path, struct manager *manager,
		struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	struct rpcserver_options options = {
		.base = base,
		.path = path,
		.mode = CONTROL_MODE,
		.max_clients = CONTROL_CLIENTS_MAX,
		.max_guests = CONTROL_GUESTS_MAX,
		.on_client = on_client,
		.on_gone = on_gone,
		.on_request = on_request,
		.on_end = on_end,
		.arg = control,
	};
	int rc = -ENOMEM;

	if (control == NULL)
		return -ENOMEM;
	control->base = base;
	control->conf = conf;
	control->manager = manager;
	control->timer = evtimer_new(base, on_timer, control);
	control->doors = calloc(conf->control_count + 1, sizeof(struct door *));
	control->connections = calloc(conf->client_count + 1,
				      sizeof(*control->connections));
	if (control->timer != NULL && control->doors != NULL &&
	    control->connections != NULL)
		rc = rpcserver_new(&options, &control->server);
	if (rc != 0) {
		control_free(control);
		return rc;
	}
	manager_on_event(manager, on_event, control);
	set_timer(control);
	*ret_control = control;
	return 0;
}

static void close_doors(struct control *control)
{
	for (size_t i = 0;
	     control->doors != NULL && i < control->conf->control_count; i++) {
		door_free(control->doors[i]);
		control->doors[i] = NULL;
	}
}

void control_stop(struct control *control)
{
	close_doors(control);
	rpcserver_free(control->server);
	control->server = NULL;
}

void control_free(struct control *control)
{
	if (control == NULL)
		return;
	close_doors(control);
	rpcserver_free(control->server);
	if (control->timer != NULL)
		event_free(control->timer);
	free(control->doors);
	free(control->connections);
	free(control);
}
