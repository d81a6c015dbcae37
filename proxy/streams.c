/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All TCP and TLS connections. */
#define SU_TIMER_ARG_T struct streams
#include "proxy/streams.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/census.h"
#include "proxy/sockaddr.h"
#include "proxy/sofia_guard.h"
#include "proxy/stream.h"

#define SWEEP_MS        1000
#define SILENT_FACTOR   3  /* times message_time, for the first message */
#define ACCEPTS_MAX     64 /* in one turn of the loop */
#define SEND_BUFFER     131072
#define KEEP_IDLE_S     60 /* TCP's own probes find dead peers */
#define KEEP_INTERVAL_S 15

struct stream_port {
	struct list node;        /* in streams.ports */
	struct streams *streams; /* parent, not owned */
	size_t listen;
	const struct conf_listen *conf; /* not owned */
	enum conf_transport transport;
	struct endpoint local;
	const char *device; /* not owned, or NULL */
	int fd;             /* owned: the socket; -1: not yet */
	int library_fd;     /* the library's: readable while there are offers */
	struct list offers; /* of struct stream, for it to accept */
	struct watch watch;
	size_t count; /* of its connections that were accepted */
};

struct peer_key {
	const struct stream_port *port;
	struct endpoint peer;
};

struct streams {
	su_root_t *root;         /* not owned */
	const struct conf *conf; /* not owned */
	struct certs *certs;     /* not owned */
	su_timer_t *timer;       /* owned */
	struct list ports;       /* of struct stream_port, owned */
	struct list all;         /* of struct stream, owned */
	struct table by_peer;
	struct census census;
	struct stream_port *opening; /* for the next listen() */
	struct stream_port *dialling;
	size_t dial_trunk;
	unsigned dial_ms;
	uint64_t seed;
	uint64_t last_id;
	struct streams_counters counters;
};

static struct stream *stream_at(struct list *node)
{
	return container_of(node, struct stream, node);
}

static struct stream *stream_by(const struct table_node *node)
{
	return container_of(node, struct stream, by_peer);
}

static uint64_t peer_hash(const struct streams *streams,
			  const struct endpoint *peer)
{
	return endpoint_hash(peer, streams->seed);
}

static bool peer_equal(const struct table_node *node, const void *key)
{
	const struct peer_key *wanted = key;
	const struct stream *stream = stream_by(node);

	return stream->port == wanted->port &&
	       endpoint_equal(&stream->peer, &wanted->peer);
}

static struct stream *find(const struct stream_port *port,
			   const struct endpoint *peer)
{
	struct peer_key key = { port, *peer };
	struct table_node *node = table_find(&port->streams->by_peer,
					     peer_hash(port->streams, peer),
					     peer_equal, &key);

	return node != NULL ? stream_by(node) : NULL;
}

uint64_t streams_find(const struct stream_port *port,
		      const struct endpoint *peer)
{
	const struct stream *stream = find(port, peer);

	return stream != NULL && stream->state != STREAM_ENDING ? stream->id :
								  STREAM_NONE;
}

bool streams_has(const struct stream_port *port, uint64_t id,
		 const struct endpoint *peer)
{
	return id != STREAM_NONE && streams_find(port, peer) == id;
}

size_t streams_trunk_of(const struct stream_port *port, uint64_t id,
			const struct endpoint *peer)
{
	const struct stream *stream = find(port, peer);

	return stream != NULL && stream->id == id ? stream->trunk : SIZE_MAX;
}

static void forget(struct stream *stream)
{
	struct stream_port *port = stream->port;
	struct streams *streams = port->streams;

	table_remove(&streams->by_peer, &stream->by_peer);
	list_remove(&stream->node);
	streams->counters.open--;
	if (stream->is_accepted) {
		port->count--;
		census_leave(&streams->census, port, &stream->peer.addr);
	}
	stream_free(stream);
}

static void end(struct stream *stream, const char *why)
{
	char peer[ENDPOINT_TEXT];

	log_debug("listen %s: connection with %s ended: %s",
		  stream->port->conf->name,
		  endpoint_format(&stream->peer, NULL, peer), why);
	forget(stream);
}

static void on_gone(struct stream *stream, const char *why, void *arg)
{
	struct streams *streams = arg;

	streams->counters.malformed += stream->state == STREAM_ENDING;
	end(stream, why);
}

static int on_offer(struct stream *stream, void *arg)
{
	uint64_t one = 1;

	(void)arg;
	list_add_tail(&stream->port->offers, &stream->offer_node);
	return write(stream->port->library_fd, &one, sizeof(one)) < 0 ? -errno :
									0;
}

static void on_open(struct stream *stream, void *arg)
{
	struct streams *streams = arg;

	if (stream->is_accepted && stream->ssl != NULL)
		stream->trunk = certs_trunk_of(streams->certs, stream->ssl,
					       stream->port->conf->realm);
}

static void set_options(int fd)
{
	int one = 1, send = SEND_BUFFER, idle = KEEP_IDLE_S,
	    interval = KEEP_INTERVAL_S;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
			 sizeof(interval));
}

static struct stream *add(struct stream_port *port, int fd, SSL *ssl, int pair,
			  const struct endpoint *peer)
{
	struct streams *streams = port->streams;
	struct stream_hooks hooks = { on_offer, on_open, on_gone, streams };
	struct stream *stream = stream_new(streams->root, fd, ssl, pair,
					   pair < 0, mono_ms(), &hooks);

	if (stream == NULL)
		return NULL;
	stream->port = port;
	stream->id = ++streams->last_id;
	stream->peer = *peer;
	list_add_tail(&streams->all, &stream->node);
	table_add(&streams->by_peer, &stream->by_peer,
		  peer_hash(streams, peer));
	streams->counters.open++;
	return stream;
}

/* Room for one more: who has said nothing yet makes it. */
static bool make_room(struct stream_port *port)
{
	struct list *pos;

	if (port->count < port->conf->connections)
		return true;
	list_for_each(pos, &port->streams->all) {
		struct stream *stream = stream_at(pos);

		if (stream->port != port || !stream->is_accepted ||
		    stream->is_heard)
			continue;
		port->streams->counters.silent++;
		end(stream, "no room for the silent");
		return true;
	}
	return false;
}

static void take_in(struct stream_port *port, int fd,
		    const struct endpoint *peer)
{
	struct streams *streams = port->streams;
	unsigned count = census_enter(&streams->census, port, &peer->addr);
	struct stream *stream = NULL;
	SSL *ssl = NULL;

	if (count == UINT_MAX) {
		close(fd);
		return;
	}
	port->count++;
	if (count <= port->conf->per_source && make_room(port)) {
		set_options(fd);
		if (port->transport == CONF_TLS)
			ssl = certs_accept(streams->certs, port->listen, fd);
		if (port->transport != CONF_TLS || ssl != NULL)
			stream = add(port, fd, ssl, -1, peer);
		else
			close(fd);
	} else {
		close(fd);
	}
	if (stream != NULL) {
		streams->counters.accepted++;
		stream_run(stream);
		return;
	}
	streams->counters.refused++;
	port->count--;
	census_leave(&streams->census, port, &peer->addr);
}

/* At the end of the descriptors the sweep tries again. */
static void on_acceptable(short revents, void *arg)
{
	struct stream_port *port = arg;

	(void)revents;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		struct endpoint peer;
		int fd = accept4(port->fd, (void *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				watch_change(&port->watch, 0);
			return;
		}
		if (sockaddr_parse((void *)&from, port->conf->realm, &peer))
			take_in(port, fd, &peer);
		else
			close(fd);
	}
}

/* The library's listen(): the socket is ours, it gets a stand-in. */
static int on_listen(int fd, int backlog, void *arg)
{
	struct streams *streams = arg;
	struct stream_port *port = streams->opening;
	int stand_in;

	if (port == NULL) {
		errno = EOPNOTSUPP;
		return -1;
	}
	streams->opening = NULL;
	if (sofia_guard_real_listen(fd, backlog) < 0)
		return -1;
	port->fd = dup(fd);
	stand_in = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
	if (port->fd < 0 || stand_in < 0 || dup3(stand_in, fd, O_CLOEXEC) < 0) {
		if (stand_in >= 0)
			close(stand_in);
		return -1;
	}
	close(stand_in);
	port->library_fd = fd;
	(void)fcntl(port->fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(port->fd, F_SETFL, O_NONBLOCK);
	if (watch_start(&port->watch, port->fd, POLLIN) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

static struct stream_port *port_of_library(struct streams *streams, int fd)
{
	struct list *pos;

	list_for_each(pos, &streams->ports) {
		struct stream_port *port = container_of(pos, struct stream_port,
							node);

		if (port->library_fd == fd)
			return port;
	}
	return NULL;
}

static int on_accept(int fd, struct sockaddr *addr, socklen_t *len, void *arg)
{
	struct stream_port *port = port_of_library(arg, fd);
	struct sockaddr_storage peer;
	struct stream *stream;
	socklen_t peer_len;
	uint64_t one;
	int taken;

	if (port == NULL)
		return sofia_guard_real_accept(fd, addr, len);
	if (read(fd, &one, sizeof(one)) < 0)
		return -1;
	if (list_is_empty(&port->offers)) {
		errno = EAGAIN;
		return -1;
	}
	stream = container_of(port->offers.next, struct stream, offer_node);
	list_remove(&stream->offer_node);
	peer_len = sockaddr_format(&stream->peer, &peer);
	memcpy(addr, &peer, peer_len < *len ? peer_len : *len);
	*len = peer_len;
	taken = stream->offered;
	stream->offered = -1;
	watch_change(&stream->inner, POLLIN);
	return taken;
}

/* A socket of our own from the port's address. -Exxx. */
static int dial(const struct stream_port *port, int domain,
		const struct sockaddr *to, socklen_t len)
{
	struct endpoint from = port->local;
	struct sockaddr_storage local;
	int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t local_len;

	if (fd < 0)
		return -errno;
	from.port = 0;
	local_len = sockaddr_format(&from, &local);
	if (port->device != NULL)
		error = sofia_guard_tie(fd, port->device);
	if (error == 0 && bind(fd, (void *)&local, local_len) < 0)
		error = -errno;
	set_options(fd);
	if (error == 0 && sofia_guard_real_connect(fd, to, len) < 0 &&
	    errno != EINPROGRESS)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* The library's connect(): its socket becomes an end of a pair. */
static int on_connect(int fd, const struct sockaddr *addr, socklen_t len,
		      void *arg)
{
	struct streams *streams = arg;
	struct stream_port *port = streams->dialling;
	struct stream *stream;
	struct endpoint peer;
	SSL *ssl = NULL;
	int ends[2], wire;

	if (port == NULL || !sockaddr_parse(addr, port->conf->realm, &peer)) {
		errno = ECONNREFUSED;
		return -1;
	}
	wire = dial(port, addr->sa_family, addr, len);
	if (wire < 0) {
		errno = -wire;
		return -1;
	}
	if (port->transport == CONF_TLS)
		ssl = streams->dial_trunk != SIZE_MAX ?
			      certs_connect(streams->certs, streams->dial_trunk,
					    wire) :
			      NULL;
	if ((port->transport == CONF_TLS && ssl == NULL) ||
	    stream_pair(ends) < 0) {
		SSL_free(ssl);
		close(wire);
		errno = ENOMEM;
		return -1;
	}
	stream = add(port, wire, ssl, ends[0], &peer);
	if (stream != NULL && dup3(ends[1], fd, O_CLOEXEC) < 0) {
		forget(stream);
		stream = NULL;
	}
	close(ends[1]);
	if (stream == NULL) {
		errno = ENOMEM;
		return -1;
	}
	stream->trunk = streams->dial_trunk;
	stream->dial_ms = streams->dial_ms;
	streams->counters.dialled++;
	watch_change(&stream->inner, 0);
	return 0;
}

static const char *overdue(const struct stream *stream, uint64_t now_ms,
			   uint64_t **ret_counter)
{
	struct streams_counters *counters = &stream->port->streams->counters;
	const struct conf_listen *conf = stream->port->conf;
	uint64_t message_ms = conf->message_time * UINT64_C(1000);
	uint64_t age = now_ms - stream->since_ms;

	*ret_counter = &counters->silent;
	switch (stream->state) {
	case STREAM_DIALING:
		return age >= stream->dial_ms ? "no connection in time" : NULL;
	case STREAM_SHAKING:
		return age >= message_ms ? "no handshake in time" : NULL;
	case STREAM_ENDING:
		*ret_counter = &counters->malformed;
		return age >= STREAM_END_MS ? "malformed" : NULL;
	case STREAM_OPEN:
		break;
	}
	/* Who does not read is not read from. */
	*ret_counter = &counters->slow;
	if (stream->stuck_ms != 0 && now_ms - stream->stuck_ms >= message_ms)
		return "does not read";
	*ret_counter = &counters->silent;
	if (stream->partial_ms != 0 &&
	    now_ms - stream->partial_ms >= message_ms)
		return "no whole message in time";
	if (stream->is_accepted && !stream->is_heard &&
	    age >= SILENT_FACTOR * message_ms)
		return "no message in time";
	*ret_counter = &counters->idle;
	if (now_ms - stream->heard_ms >= conf->idle_time * UINT64_C(1000))
		return "idle";
	return NULL;
}

static void on_sweep(su_root_magic_t *magic, su_timer_t *timer,
		     struct streams *streams)
{
	struct list *pos, *tmp;
	uint64_t now_ms = mono_ms(), *counter;

	(void)magic;
	(void)timer;
	list_for_each_safe(pos, tmp, &streams->all) {
		const char *why = overdue(stream_at(pos), now_ms, &counter);

		if (why == NULL)
			continue;
		++*counter;
		end(stream_at(pos), why);
	}
	list_for_each(pos, &streams->ports)
		watch_change(&container_of(pos, struct stream_port, node)->watch,
			     POLLIN);
}

/* Each connection needs three descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int streams_new(su_root_t *root, const struct conf *conf, struct certs *certs,
		struct streams **ret_streams)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	struct sofia_guard_streams hooks = { on_listen, on_accept, on_connect,
					     streams };

	if (streams == NULL)
		return -ENOMEM;
	list_init(&streams->ports);
	list_init(&streams->all);
	streams->root = root;
	streams->conf = conf;
	streams->certs = certs;
	random_bytes(&streams->seed, sizeof(streams->seed));
	streams->timer = su_timer_create(su_root_task(root), SWEEP_MS);
	if (table_init(&streams->by_peer) < 0 ||
	    census_init(&streams->census, streams->seed) < 0 ||
	    streams->timer == NULL ||
	    su_timer_set_for_ever(streams->timer, on_sweep, streams) < 0) {
		streams_free(streams);
		return -ENOMEM;
	}
	raise_limit();
	sofia_guard_streams(&hooks);
	*ret_streams = streams;
	return 0;
}

static void port_free(struct stream_port *port)
{
	watch_stop(&port->watch);
	if (port->fd >= 0)
		close(port->fd);
	list_remove(&port->node);
	free(port);
}

void streams_free(struct streams *streams)
{
	struct list *pos, *tmp;

	if (streams == NULL)
		return;
	sofia_guard_streams(NULL);
	list_for_each_safe(pos, tmp, &streams->all)
		forget(stream_at(pos));
	list_for_each_safe(pos, tmp, &streams->ports)
		port_free(container_of(pos, struct stream_port, node));
	if (streams->timer != NULL)
		su_timer_destroy(streams->timer);
	table_done(&streams->by_peer);
	census_done(&streams->census);
	free(streams);
}

struct stream_port *streams_port(struct streams *streams, size_t listen,
				 enum conf_transport transport,
				 const char *device)
{
	struct stream_port *port = calloc(1, sizeof(*port));

	if (port == NULL)
		return NULL;
	port->streams = streams;
	port->listen = listen;
	port->conf = &streams->conf->listens[listen];
	port->transport = transport;
	port->local = *conf_listen_at(port->conf, transport);
	port->device = device;
	port->fd = -1;
	port->library_fd = -1;
	list_init(&port->offers);
	watch_init(&port->watch, streams->root, on_acceptable, port);
	list_add_tail(&streams->ports, &port->node);
	streams->opening = port;
	return port;
}

void streams_dial_begin(struct stream_port *port, size_t trunk,
			unsigned timeout_ms)
{
	port->streams->dialling = port;
	port->streams->dial_trunk = trunk;
	port->streams->dial_ms = timeout_ms;
}

void streams_dial_end(struct stream_port *port)
{
	port->streams->dialling = NULL;
}

const struct streams_counters *streams_counters(const struct streams *streams)
{
	return &streams->counters;
}
