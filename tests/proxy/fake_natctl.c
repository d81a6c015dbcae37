/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for the address manager: grants by counting up, and can be told
 * to refuse, to be slow, to die.
 *
 *   fake_natctl SOCKET REALM=ADDRESS[:PORT] ... [options]
 *     --refuse N     refuses every ask from the N-th on (NO_ENDPOINT)
 *     --delay MS     answers that much later
 *     --mute N       gives no answer from the N-th request on
 *     --die N        ends itself at the N-th request
 *
 * Outer endpoints of a realm begin at ADDRESS:PORT (20000) and are two ports
 * apart, or as many as are asked for. Method `list` tells what is held;
 * `counters` what was asked.
 */
#include "config.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/endpoint.h"
#include "common/list.h"
#include "common/rpcserver.h"

#define REALMS_MAX 8

struct pool {
	char realm[REALM_NAME_MAX];
	char address[IP_ADDR_TEXT];
	unsigned next_port;
};

struct lease {
	struct list node;
	json_int_t id;
	json_t *row; /* owned: as `list` tells it */
};

struct fake {
	struct event_base *base;
	struct pool pools[REALMS_MAX];
	size_t pool_count;
	struct list leases;
	json_int_t last_id;
	long refuse, delay, mute, die; /* 0: never */
	long requests, asks, tightens, releases, refreshes;
};

/* An answer that waits. */
struct late {
	struct fake *fake;
	struct event *timer;
	struct rpcserver_call *call;
	json_t *result; /* NULL: refused */
};

static void answer(struct rpcserver_call *call, json_t *result)
{
	if (result != NULL)
		rpcserver_result(call, result);
	else
		rpcserver_fail(call, RPC_NO_ENDPOINT, "no endpoint",
			       "pool is empty");
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct late *late = arg;

	(void)fd;
	(void)what;
	answer(late->call, late->result);
	event_free(late->timer);
	free(late);
}

static void answer_later(struct fake *fake, struct rpcserver_call *call,
			 json_t *result)
{
	struct timeval wait = { .tv_sec = fake->delay / 1000,
				.tv_usec = (fake->delay % 1000) * 1000 };
	struct late *late;

	if (fake->delay == 0) {
		answer(call, result);
		return;
	}
	late = calloc(1, sizeof(*late));
	late->fake = fake;
	late->call = call;
	late->result = result;
	late->timer = evtimer_new(fake->base, on_late, late);
	event_add(late->timer, &wait);
}

static struct pool *find_pool(struct fake *fake, const char *realm)
{
	for (size_t i = 0; i < fake->pool_count; i++)
		if (realm != NULL && strcmp(fake->pools[i].realm, realm) == 0)
			return &fake->pools[i];
	return NULL;
}

static json_t *grant(struct fake *fake, const char *group, const json_t *want)
{
	const char *realm = json_string_value(json_object_get(want, "realm"));
	json_int_t ports = json_integer_value(json_object_get(want, "ports"));
	struct pool *pool = find_pool(fake, realm);
	struct lease *lease;
	char outer[128];

	if (pool == NULL)
		return NULL;
	snprintf(outer, sizeof(outer), "%s:%u@%s", pool->address,
		 pool->next_port, realm);
	pool->next_port += ports > 2 ? (unsigned)ports : 2;
	lease = calloc(1, sizeof(*lease));
	lease->id = ++fake->last_id;
	lease->row = json_copy((json_t *)(uintptr_t)want);
	json_object_set_new(lease->row, "id", json_integer(lease->id));
	json_object_set_new(lease->row, "outer", json_string(outer));
	json_object_set_new(lease->row, "group", json_string(group));
	json_object_set_new(lease->row, "preferred", json_true());
	json_object_set_new(lease->row, "expires_in", json_integer(300));
	list_add_tail(&fake->leases, &lease->node);
	return json_incref(lease->row);
}

static json_t *ask(struct fake *fake, json_t *params)
{
	const char *group = json_string_value(json_object_get(params, "group"));
	json_t *wants = json_object_get(params, "leases");
	json_t *rows = json_array(), *want;
	size_t i;

	fake->asks++;
	if (fake->refuse != 0 && fake->asks >= fake->refuse) {
		json_decref(rows);
		return NULL;
	}
	json_array_foreach(wants, i, want)
		json_array_append_new(rows, grant(fake, group, want));
	return json_pack("{s:i,s:s,s:o}", "epoch", (int)getpid(), "group",
			 group, "leases", rows);
}

static bool is_meant(const struct lease *lease, const json_t *params)
{
	const json_t *group = json_object_get(params, "group");
	const json_t *leases = json_object_get(params, "leases"), *id;
	size_t i;

	if (group != NULL)
		return json_equal(group, json_object_get(lease->row, "group"));
	json_array_foreach(leases, i, id) if (json_integer_value(id) ==
					      lease->id) return true;
	return json_integer_value(json_object_get(params, "lease")) ==
	       lease->id;
}

static json_t *release(struct fake *fake, json_t *params)
{
	struct list *pos, *tmp;
	int count = 0;

	fake->releases++;
	list_for_each_safe(pos, tmp, &fake->leases) {
		struct lease *lease = container_of(pos, struct lease, node);

		if (!is_meant(lease, params))
			continue;
		list_remove(&lease->node);
		json_decref(lease->row);
		free(lease);
		count++;
	}
	return json_pack("{s:i}", "released", count);
}

static json_t *tighten(struct fake *fake, json_t *params)
{
	json_t *changes = json_object_get(params, "changes"), *change;
	size_t i;

	fake->tightens++;
	json_array_foreach(changes, i, change)
	{
		struct list *pos;

		list_for_each(pos, &fake->leases) {
			struct lease *lease = container_of(pos, struct lease,
							   node);

			if (!is_meant(lease, change))
				continue;
			json_object_del(lease->row, "conditions");
			json_object_del(lease->row, "remote");
			json_object_update(lease->row, change);
			json_object_del(lease->row, "lease");
		}
	}
	return json_pack("{s:i}", "changed", (int)json_array_size(changes));
}

static json_t *list_leases(const struct fake *fake)
{
	json_t *rows = json_array();
	struct list *pos;

	list_for_each(pos, &fake->leases)
		json_array_append(rows,
				  container_of(pos, struct lease, node)->row);
	return json_pack("{s:o,s:b}", "leases", rows, "more", 0);
}

static void on_request(struct rpcserver_call *call, const char *method,
		       json_t *params, void *arg)
{
	struct fake *fake = arg;

	if (strcmp(method, "list") == 0) {
		rpcserver_result(call, list_leases(fake));
		return;
	}
	if (strcmp(method, "counters") == 0) {
		rpcserver_result(call, json_pack("{s:i,s:i,s:i,s:i}", "ask",
						 (int)fake->asks, "tighten",
						 (int)fake->tightens, "release",
						 (int)fake->releases, "refresh",
						 (int)fake->refreshes));
		return;
	}
	if (strcmp(method, "status") == 0) {
		rpcserver_result(call, json_pack("{s:s,s:i}", "program",
						 "viaduct-natctl", "epoch",
						 (int)getpid()));
		return;
	}
	fake->requests++;
	if (fake->die != 0 && fake->requests >= fake->die)
		_Exit(0);
	if (fake->mute != 0 && fake->requests >= fake->mute)
		return;
	if (strcmp(method, "ask") == 0)
		answer_later(fake, call, ask(fake, params));
	else if (strcmp(method, "tighten") == 0)
		answer_later(fake, call, tighten(fake, params));
	else if (strcmp(method, "release") == 0)
		answer_later(fake, call, release(fake, params));
	else if (strcmp(method, "refresh") == 0) {
		fake->refreshes++;
		answer_later(fake, call, json_pack("{s:i}", "refreshed", 1));
	} else
		rpcserver_fail(call, RPC_METHOD_NOT_FOUND, "no such method",
			       NULL);
}

static bool add_pool(struct fake *fake, const char *text)
{
	struct pool *pool = &fake->pools[fake->pool_count];

	if (fake->pool_count == REALMS_MAX)
		return false;
	pool->next_port = 20000;
	if (sscanf(text, "%31[^=]=%45[0-9.]:%u", pool->realm, pool->address,
		   &pool->next_port) < 2)
		return false;
	fake->pool_count++;
	return true;
}

static bool read_arguments(struct fake *fake, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		long *value = NULL;

		if (strcmp(argv[i], "--refuse") == 0)
			value = &fake->refuse;
		else if (strcmp(argv[i], "--delay") == 0)
			value = &fake->delay;
		else if (strcmp(argv[i], "--mute") == 0)
			value = &fake->mute;
		else if (strcmp(argv[i], "--die") == 0)
			value = &fake->die;
		if (value != NULL && i + 1 < argc)
			*value = strtol(argv[++i], NULL, 10);
		else if (value != NULL || !add_pool(fake, argv[i]))
			return false;
	}
	return argc > 2;
}

static void free_leases(struct fake *fake)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &fake->leases) {
		struct lease *lease = container_of(pos, struct lease, node);

		json_decref(lease->row);
		free(lease);
	}
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
	struct fake fake = { .last_id = 0 };
	struct rpcserver_options options = {
		.mode = 0660,
		.max_clients = 16,
		.on_request = on_request,
		.arg = &fake,
	};
	struct rpcserver *server;
	struct event *end;
	int error;

	list_init(&fake.leases);
	if (!read_arguments(&fake, argc, argv)) {
		fprintf(stderr, "usage: see the head of fake_natctl.c\n");
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	fake.base = event_base_new();
	options.base = fake.base;
	options.path = argv[1];
	error = rpcserver_new(&options, &server);
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-error));
		return EXIT_FAILURE;
	}
	end = evsignal_new(fake.base, SIGTERM, on_signal, fake.base);
	event_add(end, NULL);
	event_base_dispatch(fake.base);
	rpcserver_free(server);
	free_leases(&fake);
	event_free(end);
	event_base_free(fake.base);
	return EXIT_SUCCESS;
}
