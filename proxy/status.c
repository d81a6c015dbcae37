/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proxy's read-only socket. */
#include "config.h"

#include "proxy/status.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sofia-sip/url.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/rpc.h"
#include "common/sock.h"
#include "proxy/carrier.h"
#include "proxy/headers.h"
#include "proxy/sofia_guard.h"
#include "proxy/watch.h"

#define LINE_MAX_BYTES 4096 /* of a request */

struct client {
	struct list node; /* in status.clients */
	struct status *status;
	int fd; /* owned */
	struct watch watch;
	size_t used;
	char line[LINE_MAX_BYTES];
	char *output; /* owned: not yet taken by the client; or NULL */
	size_t output_len;
	size_t output_sent;
};

struct status {
	const struct dispatch *dispatch; /* not owned */
	char *path;                      /* owned */
	int fd;                          /* owned */
	struct watch watch;
	struct list clients; /* of struct client, owned */
	size_t client_count;
	uint64_t start_ms;
};

static void client_close(struct client *client)
{
	watch_stop(&client->watch);
	close(client->fd);
	client->status->client_count--;
	list_remove(&client->node);
	free(client->output);
	free(client);
}

static json_t *endpoint_json(const struct status *status,
			     const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT];

	return json_string(endpoint_format(endpoint,
					   &status->dispatch->conf->names,
					   text));
}

static json_t *addr_json(const sip_addr_t *addr)
{
	char text[256];

	if (addr == NULL ||
	    url_e(text, sizeof(text), addr->a_url) >= (isize_t)sizeof(text))
		return json_string("");
	return json_string(text);
}

static const char *state_name(enum call_state state)
{
	switch (state) {
	case CALL_SETUP:
		return "setup";
	case CALL_ESTABLISHED:
		return "established";
	case CALL_ENDING:
		return "ending";
	case CALL_ENDED:
		return "ended";
	}
	return "";
}

static json_t *call_json(const struct status *status, const struct call *call)
{
	const struct dialog *dialog = container_of(call->dialogs.next,
						   struct dialog, node);
	const struct conf *conf = status->dispatch->conf;
	json_t *legs = json_array(), *groups = json_array();

	for (size_t side = 0; side < 2; side++) {
		const struct flow *flow = &call->legs[side].flow;

		json_array_append_new(
			legs,
			json_pack("{s:s,s:o}", "realm",
				  conf->realms[flow->listener->realm].name,
				  "peer", endpoint_json(status, &flow->peer)));
	}
	if (call->has_group)
		json_array_append_new(groups, json_string(call->group));
	return json_pack("{s:s,s:o,s:o,s:s,s:I,s:o,s:o}", "id", call->token,
			 "from", addr_json(dialog->remote[CALL_A]), "to",
			 addr_json(dialog->local[CALL_A]), "state",
			 state_name(call->state), "seconds",
			 (json_int_t)((mono_ms() - call->start_ms) / 1000),
			 "legs", legs, "groups", groups);
}

static json_t *calls_json(const struct status *status)
{
	const struct table *table = &status->dispatch->calls->by_token;
	json_t *rows = json_array();
	struct table_node *pos;

	table_for_each(pos, table) {
		if (json_array_size(rows) == STATUS_ROWS_MAX)
			break;
		json_array_append_new(rows,
				      call_json(status,
						container_of(pos, struct call,
							     by_token)));
	}
	return json_pack("{s:o,s:b}", "calls", rows, "more", pos != NULL);
}

static json_t *registrations_json(const struct status *status)
{
	struct location *location = &status->dispatch->registrar->location;
	json_t *rows = json_array();
	uint64_t now = mono_ms();
	struct table_node *pos;
	struct list *node;

	location_expire(location, now);
	table_for_each(pos, &location->aors) {
		const struct location_aor *aor =
			container_of(pos, struct location_aor, node);

		if (json_array_size(rows) >= STATUS_ROWS_MAX)
			break;
		list_for_each(node, &aor->bindings) {
			const struct location_binding *binding =
				location_binding_of(node);

			json_array_append_new(
				rows,
				json_pack("{s:s,s:s,s:o,s:I}", "user", aor->aor,
					  "contact", binding->uri, "received",
					  endpoint_json(status,
							&binding->received),
					  "expires_in",
					  (json_int_t)location_left(binding,
								    now)));
		}
	}
	return json_pack("{s:o,s:b}", "registrations", rows, "more",
			 pos != NULL);
}

static json_t *connections_json(const struct streams_counters *counters)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "open",
			 (json_int_t)counters->open, "accepted",
			 (json_int_t)counters->accepted, "dialled",
			 (json_int_t)counters->dialled, "refused",
			 (json_int_t)counters->refused, "malformed",
			 (json_int_t)counters->malformed, "silent",
			 (json_int_t)counters->silent, "slow",
			 (json_int_t)counters->slow, "idle",
			 (json_int_t)counters->idle);
}

static json_t *trunk_json(const struct trunk *trunk)
{
	const struct carrier *carrier = trunk->carrier;
	const struct conf_carrier *conf = &trunk->conf->carrier;
	json_t *addresses = json_array();
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < trunk->count; i++)
		json_array_append_new(addresses,
				      json_string(ip_addr_format(
					      &trunk->addresses[i], text)));
	return json_pack("{s:s,s:o,s:s,s:s,s:I,s:I,s:I,s:I}", "name",
			 trunk->conf->name, "addresses", addresses, "state",
			 conf->check == 0 ? "unchecked" :
			 carrier->is_down ? "down" :
					    "up",
			 "registration",
			 conf->user == NULL     ? "none" :
			 carrier->is_registered ? "registered" :
						  "failed",
			 "checks_failed", (json_int_t)carrier->checks_failed,
			 "challenges", (json_int_t)carrier->challenges, "calls",
			 (json_int_t)carrier->limit.calls, "refused",
			 (json_int_t)carrier->limit.refused);
}

static json_t *trunks_json(const struct status *status)
{
	const struct trunk_list *list = &status->dispatch->trunks;
	json_t *rows = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(rows, trunk_json(&list->trunks[i]));
	return json_pack("{s:o}", "trunks", rows);
}

static json_t *status_json(const struct status *status)
{
	const struct calls *calls = status->dispatch->calls;
	const struct registrar *registrar = status->dispatch->registrar;
	struct natlink_counters link;
	json_t *object;

	natlink_counters(calls->natlink, &link);
	object = json_pack("{s:s,s:s,s:I,s:s,s:I,s:I}", "program",
			   "viaduct-proxy", "version", PACKAGE_VERSION,
			   "seconds",
			   (json_int_t)((mono_ms() - status->start_ms) / 1000),
			   "natctl",
			   natlink_is_up(calls->natlink) ? "up" : "down",
			   "calls", (json_int_t)calls->by_token.count,
			   "registrations",
			   (json_int_t)registrar->location.binding_count);
	if (object == NULL)
		return NULL;
	json_object_set_new(
		object, "counters",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,"
			  "s:I,s:I}",
			  "started", (json_int_t)calls->counters.started,
			  "answered", (json_int_t)calls->counters.answered,
			  "refused", (json_int_t)calls->counters.refused,
			  "failed", (json_int_t)calls->counters.failed,
			  "strangers", (json_int_t)calls->counters.strangers,
			  "unknown", (json_int_t)calls->counters.unknown,
			  "lost_acks", (json_int_t)calls->counters.lost_acks,
			  "failovers", (json_int_t)calls->counters.failovers,
			  "asks", (json_int_t)link.asks, "releases_waiting",
			  (json_int_t)link.releases_waiting, "registered",
			  (json_int_t)registrar->registered, "challenged",
			  (json_int_t)registrar->challenged, "lost_responses",
			  (json_int_t)sofia_guard_lost_responses(),
			  "other_versions",
			  (json_int_t)sofia_guard_other_versions(),
			  "other_transports",
			  (json_int_t)sofia_guard_other_transports()));
	json_object_set_new(object, "connections",
			    connections_json(edge_connections(calls->edge)));
	return object;
}

static char *answer_line(const struct status *status, const char *line,
			 size_t len)
{
	struct rpc_request request;
	const char *error;
	json_t *id = NULL, *result = NULL;
	char *text;
	int code = rpc_request_parse(line, len, &request, &id, &error);

	if (code != 0) {
		text = rpc_error_format(id, (enum rpc_code)code, error, NULL);
		json_decref(id);
		return text;
	}
	if (strcmp(request.method, "status") == 0)
		result = status_json(status);
	else if (strcmp(request.method, "calls") == 0)
		result = calls_json(status);
	else if (strcmp(request.method, "registrations") == 0)
		result = registrations_json(status);
	else if (strcmp(request.method, "trunks") == 0)
		result = trunks_json(status);
	text = result != NULL ?
		       rpc_result_format(request.id, result) :
		       rpc_error_format(request.id, RPC_METHOD_NOT_FOUND,
					"no such method", NULL);
	if (request.id == NULL) { /* a notification */
		free(text);
		text = strdup("");
	}
	rpc_request_done(&request);
	return text;
}

/* False: the client is closed. */
static bool client_write(struct client *client)
{
	while (client->output != NULL) {
		ssize_t sent = send(client->fd,
				    client->output + client->output_sent,
				    client->output_len - client->output_sent,
				    MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			watch_change(&client->watch, POLLOUT);
			return true;
		}
		if (sent < 0) {
			client_close(client);
			return false;
		}
		client->output_sent += (size_t)sent;
		if (client->output_sent == client->output_len) {
			free(client->output);
			client->output = NULL;
		}
	}
	watch_change(&client->watch, POLLIN);
	return true;
}

/* One answer at a time: the next request is read when it is taken. */
static void client_work(struct client *client)
{
	char *end;

	while (client->output == NULL &&
	       (end = memchr(client->line, '\n', client->used)) != NULL) {
		size_t len = (size_t)(end - client->line);

		client->output = answer_line(client->status, client->line, len);
		if (client->output == NULL) {
			client_close(client);
			return;
		}
		client->output_len = strlen(client->output);
		client->output_sent = 0;
		client->used -= len + 1;
		memmove(client->line, end + 1, client->used);
		if (client->output_len == 0) {
			free(client->output);
			client->output = NULL;
		} else if (!client_write(client)) {
			return;
		}
	}
}

static void on_client(short revents, void *arg)
{
	struct client *client = arg;
	ssize_t got;

	if (client->output != NULL) {
		if (client_write(client))
			client_work(client);
		return;
	}
	(void)revents;
	got = recv(client->fd, client->line + client->used,
		   sizeof(client->line) - client->used, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 ||
	    (client->used + (size_t)got == sizeof(client->line) &&
	     memchr(client->line, '\n', sizeof(client->line)) == NULL)) {
		client_close(client);
		return;
	}
	client->used += (size_t)got;
	client_work(client);
}

static void on_accept(short revents, void *arg)
{
	struct status *status = arg;
	struct client *client;
	int fd = sock_accept(status->fd);

	(void)revents;
	if (fd < 0)
		return;
	client = status->client_count < STATUS_CLIENTS_MAX ?
			 calloc(1, sizeof(*client)) :
			 NULL;
	if (client == NULL) {
		close(fd);
		return;
	}
	client->status = status;
	client->fd = fd;
	list_add_tail(&status->clients, &client->node);
	status->client_count++;
	watch_init(&client->watch, status->watch.root, on_client, client);
	if (watch_start(&client->watch, fd, POLLIN) < 0)
		client_close(client);
}

int status_new(const struct dispatch *dispatch, const char *path,
	       struct status **ret_status)
{
	struct status *status = calloc(1, sizeof(*status));
	int error = -ENOMEM;

	if (status == NULL)
		return -ENOMEM;
	status->dispatch = dispatch;
	status->start_ms = mono_ms();
	list_init(&status->clients);
	watch_init(&status->watch, dispatch->calls->root, on_accept, status);
	status->path = strdup(path);
	status->fd = sock_listen(path, SOCK_STREAM, 0660);
	if (status->fd < 0)
		error = status->fd;
	else if (status->path != NULL)
		error = watch_start(&status->watch, status->fd, POLLIN);
	if (error < 0) {
		log_error("cannot listen on %s: %s", path, strerror(-error));
		status_free(status);
		return error;
	}
	*ret_status = status;
	return 0;
}

void status_free(struct status *status)
{
	struct list *pos, *tmp;

	if (status == NULL)
		return;
	list_for_each_safe(pos, tmp, &status->clients)
		client_close(container_of(pos, struct client, node));
	watch_stop(&status->watch);
	if (status->fd >= 0) {
		close(status->fd);
		unlink(status->path);
	}
	free(status->path);
	free(status);
}
