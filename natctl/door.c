/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where guests come in: TLS over TCP with certificates at both ends. */
#include "natctl/door.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/list.h"
#include "common/log.h"
#include "common/mono.h"
#include "common/rpcserver.h"
#include "common/tcp.h"
#include "common/tls.h"

#define PAUSE_SECONDS 1 /* after accept failed, or too many came */

struct door {
	struct door_options options;
	SSL_CTX *context; /* owned */
	int fd;
	struct event *readable; /* owned */
	struct event *resume;   /* owned; accepting is paused */
	struct event *late;     /* owned; the oldest has had its time */
	struct list waiting;    /* owned: struct visitor.node, oldest first */
	unsigned waiting_count;
	unsigned begun; /* in the second from begun_ms on */
	uint64_t begun_ms;
	struct log_limit refusals;
};

/* Somebody who has not shown who he is. */
struct visitor {
	struct list node;           /* on door.waiting */
	struct door *door;          /* not owned */
	struct bufferevent *stream; /* owned */
	SSL *ssl;                   /* of the stream */
	struct endpoint from;
	uint64_t until_ms;
};

static void visitor_free(struct visitor *visitor)
{
	list_remove(&visitor->node);
	visitor->door->waiting_count--;
	if (visitor->stream != NULL)
		bufferevent_free(visitor->stream);
	free(visitor);
}

static void turn_away(struct visitor *visitor, const char *why)
{
	struct door *door = visitor->door;
	char from[ENDPOINT_TEXT];

	log_limited(&door->refusals, mono_ms(), LOG_LEVEL_WARN,
		    "control %s: %s: %s", door->options.control->name,
		    endpoint_format(&visitor->from, NULL, from), why);
	visitor_free(visitor);
}

static struct visitor *oldest(struct door *door)
{
	return list_is_empty(&door->waiting) ?
		       NULL :
		       container_of(door->waiting.next, struct visitor, node);
}

/* The next time that somebody is late. */
static void set_late(struct door *door)
{
	const struct visitor *visitor = oldest(door);
	uint64_t now_ms = mono_ms();
	struct timeval tv = { 0 };
	uint64_t ms;

	if (visitor == NULL)
		return;
	ms = visitor->until_ms > now_ms ? visitor->until_ms - now_ms : 0;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	(void)evtimer_add(door->late, &tv);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;
	struct visitor *visitor;

	(void)fd;
	(void)what;
	while ((visitor = oldest(door)) != NULL &&
	       visitor->until_ms <= mono_ms()) {
		door->options.count->late++;
		turn_away(visitor, "no TLS handshake in time");
	}
	set_late(door);
}

/* The first section that fits; NULL: none does. */
static const struct conf_client *find_section(const struct conf *conf,
					      X509 *certificate,
					      const struct ip_addr *from)
{
	for (size_t i = 0; i < conf->client_count; i++) {
		const struct conf_client *client = &conf->clients[i];
		bool anywhere = client->source.addr.family == IP_NONE;

		if (client->uid != UINT32_MAX ||
		    (client->certificate == NULL && anywhere))
			continue;
		if ((anywhere || ip_prefix_contains(&client->source, from)) &&
		    (client->certificate == NULL ||
		     tls_certificate_is(certificate, client->certificate)))
			return client;
	}
	return NULL;
}

/* The certificate is good. Is somebody known by it? */
static void enter(struct visitor *visitor)
{
	struct door *door = visitor->door;
	struct guest_count *count = door->options.count;
	X509 *certificate = SSL_get0_peer_certificate(visitor->ssl);
	struct rpcserver_peer peer = {
		.guest = find_section(door->options.conf, certificate,
				      &visitor->from.addr),
		.from = visitor->from,
		.idle_seconds = door->options.control->idle,
	};
	struct bufferevent *stream = visitor->stream;
	char who[TLS_FAULT_TEXT];
	char why[TLS_FAULT_TEXT + 64];

	if (peer.guest == NULL) {
		count->unknown++;
		tls_certificate_format(certificate, who, sizeof(who));
		(void)snprintf(why, sizeof(why),
			       "no client section is for certificate %s", who);
		turn_away(visitor, why);
		return;
	}
	visitor->stream = NULL;
	switch (-rpcserver_take(door->options.server, &peer, stream)) {
	case 0:
		visitor_free(visitor);
		break;
	case EBUSY:
		count->refused++;
		turn_away(visitor, "over a limit of its client section");
		break;
	default:
		visitor->stream = stream;
		turn_away(visitor, "no memory");
		break;
	}
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct visitor *visitor = arg;
	char why[TLS_FAULT_TEXT];

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) {
		enter(visitor);
		return;
	}
	(void)bufferevent_get_openssl_error(stream);
	tls_fault(visitor->ssl, why);
	visitor->door->options.count->failed++;
	turn_away(visitor, why);
}

static bool visitor_new(struct door *door, int fd, const struct endpoint *from)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	if (visitor == NULL)
		return false;
	visitor->door = door;
	visitor->from = *from;
	visitor->until_ms = mono_ms() +
			    door->options.control->handshake * UINT64_C(1000);
	visitor->ssl = SSL_new(door->context);
	if (visitor->ssl != NULL)
		visitor->stream = bufferevent_openssl_socket_new(
			door->options.base, fd, visitor->ssl,
			BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (visitor->stream == NULL) {
		free(visitor);
		return false;
	}
	/* An end without a close_notify is an end. */
	bufferevent_openssl_set_allow_dirty_shutdown(visitor->stream, 1);
	bufferevent_setcb(visitor->stream, NULL, NULL, on_event, visitor);
	list_add_tail(&door->waiting, &visitor->node);
	door->waiting_count++;
	return true;
}

static void pause_door(struct door *door)
{
	struct timeval pause = { .tv_sec = PAUSE_SECONDS };

	event_del(door->readable);
	(void)event_add(door->resume, &pause);
}

/* May one more begin in this second? */
static bool is_in_time(struct door *door)
{
	uint64_t now_ms = mono_ms();

	if (now_ms - door->begun_ms >= 1000) {
		door->begun_ms = now_ms;
		door->begun = 0;
	}
	return door->begun++ < DOOR_A_SECOND;
}

static void on_visitor(int listener, short what, void *arg)
{
	struct door *door = arg;
	struct endpoint from;
	int fd;

	(void)what;
	if (!is_in_time(door)) {
		pause_door(door);
		return;
	}
	fd = tcp_accept(listener, &from);
	if (fd == -EAGAIN)
		return;
	if (fd < 0) {
		log_warn("control %s: no guest taken: %s",
			 door->options.control->name, strerror(-fd));
		pause_door(door);
		return;
	}
	from.realm = door->options.control->realm;
	if (door->waiting_count >= DOOR_WAITING_MAX) {
		door->options.count->late++;
		turn_away(oldest(door), "too many handshakes at a time");
	}
	if (!visitor_new(door, fd, &from)) {
		log_warn("control %s: no memory for a guest",
			 door->options.control->name);
		close(fd);
	}
	set_late(door);
}

static void on_resume(int fd, short what, void *arg)
{
	struct door *door = arg;

	(void)fd;
	(void)what;
	(void)event_add(door->readable, NULL);
}

int door_reload(struct door *door)
{
	const struct conf_control *control = door->options.control;
	const struct tls_files files = { control->certificate, control->key,
					 control->ca };
	char fault[TLS_FAULT_TEXT];
	SSL_CTX *context;
	int rc = tls_context_new(&files, true, &context, fault);

	if (rc != 0) {
		log_error("control %s: %s", control->name, fault);
		return rc;
	}
	SSL_CTX_free(door->context);
	door->context = context;
	return 0;
}

/* The device of a realm whose addresses are in use elsewhere too. */
static const char *device_of(const struct conf *conf, realm_id id)
{
	const struct conf_realm *realm = &conf->realms[id];

	return conf_overlaps(conf, id) && realm->interfaces.count == 1 ?
		       realm->interfaces.items[0] :
		       NULL;
}

static int listen_at(struct door *door)
{
	const struct door_options *options = &door->options;
	const struct conf_control *control = options->control;
	char text[ENDPOINT_TEXT];

	door->fd = tcp_listen(&control->tls,
			      device_of(options->conf, control->realm));
	if (door->fd >= 0)
		return 0;
	log_error("control %s: %s: %s", control->name,
		  endpoint_format(&control->tls, NULL, text),
		  strerror(-door->fd));
	return door->fd;
}

int door_new(const struct door_options *options, struct door **ret_door)
{
	struct door *door = calloc(1, sizeof(*door));
	int rc;

	if (door == NULL)
		return -ENOMEM;
	door->options = *options;
	door->fd = -1;
	list_init(&door->waiting);
	rc = door_reload(door);
	if (rc == 0)
		rc = listen_at(door);
	if (rc != 0)
		goto fail;
	rc = -ENOMEM;
	door->readable = event_new(options->base, door->fd,
				   EV_READ | EV_PERSIST, on_visitor, door);
	door->resume = event_new(options->base, -1, 0, on_resume, door);
	door->late = evtimer_new(options->base, on_late, door);
	if (door->readable == NULL || door->resume == NULL ||
	    door->late == NULL || event_add(door->readable, NULL) != 0)
		goto fail;
	*ret_door = door;
	return 0;
fail:
	door_free(door);
	return rc;
}

void door_free(struct door *door)
{
	struct visitor *visitor;

	if (door == NULL)
		return;
	while ((visitor = oldest(door)) != NULL)
		visitor_free(visitor);
	if (door->readable != NULL)
		event_free(door->readable);
	if (door->resume != NULL)
		event_free(door->resume);
	if (door->late != NULL)
		event_free(door->late);
	if (door->fd >= 0)
		close(door->fd);
	SSL_CTX_free(door->context);
	free(door);
}
