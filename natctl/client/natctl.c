/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libnatctl: the connection to the address manager, and its requests. */
#include "natctl/client/natctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/channel.h"
#include "common/list.h"
#include "common/mono.h"
#include "natctl/client/event.h"
#include "natctl/client/message.h"

#define BACKOFF_MIN 50 /* ms */
#define BACKOFF_MAX 1000
#define READ_ROUNDS 16 /* reads in one natctl_process() */

struct natctl_pending {
	struct list node; /* on natctl.pending, oldest first */
	uint64_t id;
	uint64_t deadline_ms;
	const char *method; /* static */
	struct natctl_callback callback;
};

struct natctl {
	struct natctl_hooks hooks;
	struct channel_target target; /* owned */
	struct channel channel;
	unsigned timeout_ms;
	bool is_up;
	uint64_t epoch;    /* of the manager that answered last; 0: none did */
	uint64_t retry_ms; /* while not connected: when to try */
	unsigned backoff_ms;
	uint64_t last_id;
	struct list pending; /* owned: natctl_pending */
	size_t pending_count;
	uint64_t events; /* that were told */
	char *out;       /* owned: bytes not sent */
	size_t out_used;
	size_t out_size;
	char *in; /* owned: RPC_LINE_MAX bytes */
	size_t in_used;
	char fault[NATCTL_FAULT_TEXT]; /* of the last connection */
};

static struct natctl *new_client(unsigned timeout_ms,
				 const struct natctl_hooks *hooks)
{
	struct natctl *natctl = calloc(1, sizeof(*natctl));

	if (natctl == NULL)
		return NULL;
	natctl->channel.fd = -1;
	natctl->timeout_ms = timeout_ms;
	natctl->backoff_ms = BACKOFF_MIN;
	list_init(&natctl->pending);
	if (hooks != NULL)
		natctl->hooks = *hooks;
	natctl->in = malloc(RPC_LINE_MAX);
	if (natctl->in != NULL)
		return natctl;
	free(natctl);
	return NULL;
}

struct natctl *natctl_new(const char *path, unsigned timeout_ms,
			  const struct natctl_hooks *hooks)
{
	struct natctl *natctl = new_client(timeout_ms, hooks);

	if (natctl == NULL || channel_target_unix(&natctl->target, path) == 0)
		return natctl;
	natctl_free(natctl);
	return NULL;
}

_Static_assert(NATCTL_FAULT_TEXT == TLS_FAULT_TEXT, "");

struct natctl *natctl_new_tls(const struct natctl_tls *tls, unsigned timeout_ms,
			      const struct natctl_hooks *hooks,
			      char fault[NATCTL_FAULT_TEXT])
{
	const struct tls_files files = { tls->certificate, tls->key, tls->ca };
	struct natctl *natctl = new_client(timeout_ms, hooks);
	char unused[NATCTL_FAULT_TEXT];
	int rc;

	if (fault == NULL)
		fault = unused;
	(void)snprintf(fault, NATCTL_FAULT_TEXT, "no memory");
	if (natctl == NULL)
		return NULL;
	rc = channel_target_tls(&natctl->target, tls->server, tls->name, &files,
				fault);
	if (rc == 0)
		return natctl;
	natctl_free(natctl);
	return NULL;
}

const char *natctl_fault(const struct natctl *natctl)
{
	return natctl->fault;
}

static void wanted(struct natctl *natctl)
{
	if (natctl->hooks.on_wanted != NULL)
		natctl->hooks.on_wanted(natctl->hooks.arg);
}

/* Calls back and frees. */
static void finish(struct natctl *natctl, struct natctl_pending *pending,
		   const struct natctl_answer *answer)
{
	list_remove(&pending->node);
	natctl->pending_count--;
	if (pending->callback.on_answer != NULL)
		pending->callback.on_answer(answer, pending->callback.arg);
	free(pending);
}

/* Requests that are made by the callbacks are not among them. */
static void fail_all(struct natctl *natctl, int error)
{
	struct natctl_answer answer = { .error = error,
					.message = "",
					.reason = "" };
	uint64_t last_id = natctl->last_id;

	while (!list_is_empty(&natctl->pending)) {
		struct natctl_pending *pending =
			container_of(natctl->pending.next,
				     struct natctl_pending, node);

		if (pending->id > last_id)
			break;
		finish(natctl, pending, &answer);
	}
}

static void disconnect(struct natctl *natctl, int err, uint64_t now_ms)
{
	bool was_up = natctl->is_up;

	(void)snprintf(natctl->fault, sizeof(natctl->fault), "%s",
		       natctl->channel.fault[0] != '\0' ?
			       natctl->channel.fault :
			       strerror(-err));
	channel_close(&natctl->channel);
	natctl->is_up = false;
	natctl->in_used = 0;
	natctl->out_used = 0;
	natctl->retry_ms = now_ms + natctl->backoff_ms;
	natctl->backoff_ms *= 2;
	if (natctl->backoff_ms > BACKOFF_MAX)
		natctl->backoff_ms = BACKOFF_MAX;
	wanted(natctl);
	fail_all(natctl, -ECONNRESET);
	if (was_up && natctl->hooks.on_down != NULL)
		natctl->hooks.on_down(natctl->hooks.arg);
}

void natctl_free(struct natctl *natctl)
{
	if (natctl == NULL)
		return;
	channel_close(&natctl->channel);
	fail_all(natctl, -ECANCELED);
	channel_target_done(&natctl->target);
	free(natctl->out);
	free(natctl->in);
	free(natctl);
}

int natctl_fd(const struct natctl *natctl)
{
	return natctl->channel.fd;
}

short natctl_events(const struct natctl *natctl)
{
	return channel_events(&natctl->channel, natctl->out_used > 0);
}

uint64_t natctl_deadline(const struct natctl *natctl)
{
	const struct natctl_pending *pending;

	if (natctl->channel.fd < 0)
		return natctl->retry_ms;
	if (channel_is_readable(&natctl->channel))
		return 0;
	if (list_is_empty(&natctl->pending))
		return UINT64_MAX;
	pending = container_of(natctl->pending.next, struct natctl_pending,
			       node);
	return pending->deadline_ms;
}

bool natctl_is_up(const struct natctl *natctl)
{
	return natctl->is_up;
}

/* Sends what the socket takes; -Exxx: the connection is of no use. */
static int flush(struct natctl *natctl)
{
	while (natctl->out_used > 0) {
		ssize_t sent = channel_send(&natctl->channel, natctl->out,
					    natctl->out_used);

		if (sent < 0)
			return sent == -EAGAIN ? 0 : (int)sent;
		natctl->out_used -= (size_t)sent;
		memmove(natctl->out, natctl->out + sent, natctl->out_used);
	}
	return 0;
}

/* Room for `len` bytes more. */
static int reserve(struct natctl *natctl, size_t len)
{
	size_t size = natctl->out_size == 0 ? 4096 : natctl->out_size;
	char *out;

	if (natctl->out_used + len > NATCTL_QUEUE_BYTES)
		return -ENOBUFS;
	while (size < natctl->out_used + len)
		size *= 2;
	if (size == natctl->out_size)
		return 0;
	out = realloc(natctl->out, size);
	if (out == NULL)
		return -ENOMEM;
	natctl->out = out;
	natctl->out_size = size;
	return 0;
}

/* Takes `params` over. */
static int append_line(struct natctl *natctl, uint64_t id, const char *method,
		       json_t *params)
{
	char *line = rpc_request_format((json_int_t)id, method, params);
	size_t len;
	int rc;

	if (line == NULL)
		return -ENOMEM;
	len = strlen(line);
	rc = len > RPC_LINE_MAX ? -EMSGSIZE : reserve(natctl, len);
	if (rc == 0) {
		memcpy(natctl->out + natctl->out_used, line, len);
		natctl->out_used += len;
	}
	free(line);
	return rc;
}

/* `params` is taken over; NULL: there was no memory for it. */
static int request(struct natctl *natctl, const char *method, json_t *params,
		   uint64_t now_ms, struct natctl_callback callback,
		   uint64_t *ret_request)
{
	struct natctl_pending *pending = NULL;
	int rc = 0;

	if (params == NULL)
		return -ENOMEM;
	if (natctl->channel.fd < 0)
		rc = -ENOTCONN;
	else if (natctl->pending_count >= NATCTL_QUEUE_MAX)
		rc = -ENOBUFS;
	if (rc == 0) {
		pending = calloc(1, sizeof(*pending));
		rc = pending == NULL ? -ENOMEM : 0;
	}
	if (rc != 0) {
		json_decref(params);
		return rc;
	}
	rc = append_line(natctl, natctl->last_id + 1, method, params);
	if (rc != 0) {
		free(pending);
		return rc;
	}
	pending->id = ++natctl->last_id;
	pending->deadline_ms = now_ms + natctl->timeout_ms;
	pending->method = method;
	pending->callback = callback;
	list_add_tail(&natctl->pending, &pending->node);
	natctl->pending_count++;
	if (ret_request != NULL)
		*ret_request = pending->id;
	/* What fails here is found, and told, by natctl_process(). */
	(void)flush(natctl);
	wanted(natctl);
	return 0;
}

int natctl_ask(struct natctl *natctl, const struct natctl_ask *ask,
	       uint64_t now_ms, struct natctl_callback callback,
	       uint64_t *ret_request)
{
	if (ask->want_count == 0 || ask->want_count > NATCTL_LEASES_MAX)
		return -EINVAL;
	return request(natctl, "ask", message_ask(ask), now_ms, callback,
		       ret_request);
}

int natctl_refresh(struct natctl *natctl, const char *group, unsigned lifetime,
		   uint64_t now_ms, struct natctl_callback callback,
		   uint64_t *ret_request)
{
	return request(natctl, "refresh", message_refresh(group, lifetime),
		       now_ms, callback, ret_request);
}

int natctl_tighten(struct natctl *natctl, const struct natctl_change *changes,
		   size_t count, uint64_t now_ms,
		   struct natctl_callback callback, uint64_t *ret_request)
{
	if (count == 0 || count > NATCTL_LEASES_MAX)
		return -EINVAL;
	return request(natctl, "tighten", message_tighten(changes, count),
		       now_ms, callback, ret_request);
}

int natctl_release(struct natctl *natctl, const char *group, uint64_t now_ms,
		   struct natctl_callback callback, uint64_t *ret_request)
{
	return request(natctl, "release", message_release(group), now_ms,
		       callback, ret_request);
}

int natctl_release_leases(struct natctl *natctl, const uint64_t *leases,
			  size_t count, uint64_t now_ms,
			  struct natctl_callback callback,
			  uint64_t *ret_request)
{
	if (count == 0)
		return -EINVAL;
	return request(natctl, "release", message_release_leases(leases, count),
		       now_ms, callback, ret_request);
}

int natctl_subscribe(struct natctl *natctl,
		     const struct natctl_subscription *wanted, uint64_t now_ms,
		     struct natctl_callback callback, uint64_t *ret_request)
{
	return request(natctl, "subscribe", event_subscribe(wanted), now_ms,
		       callback, ret_request);
}

int natctl_unsubscribe(struct natctl *natctl, uint64_t subscription,
		       uint64_t now_ms, struct natctl_callback callback,
		       uint64_t *ret_request)
{
	return request(natctl, "unsubscribe",
		       json_pack("{s:I}", "subscription",
				 (json_int_t)subscription),
		       now_ms, callback, ret_request);
}

static struct natctl_pending *find_pending(const struct natctl *natctl,
					   uint64_t id)
{
	struct list *pos;

	list_for_each(pos, &natctl->pending) {
		struct natctl_pending *pending =
			container_of(pos, struct natctl_pending, node);

		if (pending->id == id)
			return pending;
	}
	return NULL;
}

void natctl_cancel(struct natctl *natctl, uint64_t id)
{
	struct natctl_pending *pending = find_pending(natctl, id);

	if (pending != NULL)
		pending->callback.on_answer = NULL;
}

/* The manager tells its epoch right after the connection was made. */
static void on_status(const struct natctl_answer *answer, void *arg)
{
	struct natctl *natctl = arg;
	bool is_new = answer->epoch != natctl->epoch;

	if (answer->error != 0)
		return;
	natctl->epoch = answer->epoch;
	natctl->is_up = true;
	natctl->backoff_ms = BACKOFF_MIN;
	if (natctl->hooks.on_up != NULL)
		natctl->hooks.on_up(answer->epoch, is_new, natctl->hooks.arg);
}

static void try_connect(struct natctl *natctl, uint64_t now_ms)
{
	struct natctl_callback callback = { on_status, natctl };
	int rc = channel_open(&natctl->channel, &natctl->target);

	if (rc == 0)
		rc = request(natctl, "status", json_object(), now_ms, callback,
			     NULL);
	if (rc < 0)
		disconnect(natctl, rc, now_ms);
}

/* A kind of event that is not known here is none. */
static int on_event(struct natctl *natctl, const char *line, size_t len)
{
	struct natctl_event event;
	json_t *root;
	int rc = event_read(line, len, &event, &root);

	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	natctl->events++;
	if (natctl->hooks.on_event != NULL)
		natctl->hooks.on_event(&event, natctl->hooks.arg);
	json_decref(root);
	return 0;
}

/* -EBADMSG: the peer does not speak the protocol. */
static int on_line(struct natctl *natctl, const char *line, size_t len)
{
	struct natctl_pending *pending;
	struct natctl_answer message;
	struct rpc_answer answer;

	if (rpc_answer_parse(line, len, &answer) != 0)
		return on_event(natctl, line, len);
	pending = answer.id < 0 ? NULL :
				  find_pending(natctl, (uint64_t)answer.id);
	if (pending != NULL) { /* else it came after its time-out */
		message_answer(&answer, pending->method, &message);
		finish(natctl, pending, &message);
		message_answer_done(&message);
	}
	rpc_answer_done(&answer);
	return 0;
}

/* Takes whole lines off the buffer. A callback may not free the client. */
static int take_lines(struct natctl *natctl)
{
	size_t start = 0;
	char *end;
	int rc = 0;

	while (rc == 0 && (end = memchr(natctl->in + start, '\n',
					natctl->in_used - start)) != NULL) {
		size_t len = (size_t)(end - (natctl->in + start));

		rc = on_line(natctl, natctl->in + start, len);
		start += len + 1;
	}
	natctl->in_used -= start;
	memmove(natctl->in, natctl->in + start, natctl->in_used);
	return rc == 0 && natctl->in_used == RPC_LINE_MAX ? -EBADMSG : rc;
}

/* 0, or -Exxx: the connection is of no use. */
static int receive(struct natctl *natctl)
{
	for (int i = 0; i < READ_ROUNDS; i++) {
		ssize_t got = channel_receive(&natctl->channel,
					      natctl->in + natctl->in_used,
					      RPC_LINE_MAX - natctl->in_used);
		int rc;

		if (got < 0)
			return got == -EAGAIN ? 0 : (int)got;
		if (got == 0)
			return -ECONNRESET;
		natctl->in_used += (size_t)got;
		rc = take_lines(natctl);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void expire(struct natctl *natctl, uint64_t now_ms)
{
	struct natctl_answer answer = { .error = -ETIMEDOUT,
					.message = "",
					.reason = "" };

	while (!list_is_empty(&natctl->pending)) {
		struct natctl_pending *pending =
			container_of(natctl->pending.next,
				     struct natctl_pending, node);

		if (pending->deadline_ms > now_ms)
			break;
		finish(natctl, pending, &answer);
	}
}

void natctl_process(struct natctl *natctl, short revents, uint64_t now_ms)
{
	int rc = 0;

	if (natctl->channel.fd < 0) {
		if (now_ms >= natctl->retry_ms)
			try_connect(natctl, now_ms);
		return;
	}
	/* TLS may want room to send before there is something to receive. */
	if ((revents & (POLLIN | POLLHUP | POLLERR)) != 0 ||
	    ((revents & POLLOUT) != 0 && natctl->out_used == 0) ||
	    channel_is_readable(&natctl->channel))
		rc = receive(natctl);
	if (rc == 0 && natctl->channel.fd >= 0)
		rc = flush(natctl);
	if (rc != 0)
		disconnect(natctl, rc, now_ms);
	expire(natctl, now_ms);
	/* It took the connection and did not answer its first request. */
	if (natctl->channel.fd >= 0 && !natctl->is_up &&
	    natctl->pending_count == 0)
		disconnect(natctl, -ETIMEDOUT, now_ms);
	wanted(natctl);
}

uint64_t natctl_clock(void)
{
	return mono_ms();
}

/* Processes what comes until then at the latest. -ETIMEDOUT: it is then. */
static int wait_for_more(struct natctl *natctl, uint64_t end_ms)
{
	struct pollfd pollfd = { .fd = natctl->channel.fd,
				 .events = natctl_events(natctl) };
	uint64_t until_ms = natctl_deadline(natctl);
	uint64_t now_ms = mono_ms();
	int rc;

	if (now_ms >= end_ms)
		return -ETIMEDOUT;
	if (until_ms > end_ms)
		until_ms = end_ms;
	rc = poll(&pollfd, 1, until_ms > now_ms ? (int)(until_ms - now_ms) : 0);
	natctl_process(natctl, rc > 0 ? pollfd.revents : 0, mono_ms());
	return 0;
}

int natctl_wait(struct natctl *natctl, unsigned timeout_ms)
{
	uint64_t end_ms = mono_ms() + timeout_ms;
	int rc = 0;

	while (rc == 0 && (!natctl->is_up || natctl->pending_count > 0))
		rc = wait_for_more(natctl, end_ms);
	return rc;
}

int natctl_wait_event(struct natctl *natctl, unsigned timeout_ms)
{
	uint64_t end_ms = mono_ms() + timeout_ms;
	uint64_t events = natctl->events;
	int rc = natctl->is_up ? 0 : -ENOTCONN;

	while (rc == 0 &&
	       (natctl->events == events || natctl->pending_count > 0)) {
		rc = wait_for_more(natctl, end_ms);
		if (rc == 0 && !natctl->is_up)
			rc = -ENOTCONN;
	}
	return rc;
}
