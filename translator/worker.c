/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the TUNs, has each packet translated, writes what comes of it. */
#include "translator/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "translator/ahead.h"
#include "translator/fastpath.h"
#include "translator/tun.h"

#define PACKET_MAX 65536
/* Not all in the same cache lines. */
#define PACKET_STRIDE  (CROSSING_HEADROOM + PACKET_MAX + 192)
#define EXPIRY_SECONDS 1

struct port {                   /* one TUN */
	struct worker *worker;  /* parent, not owned */
	struct event *readable; /* owned */
	int fd;                 /* owned */
	realm_id realm;
};

struct worker {
	struct worker_options options;
	struct translate_context context; /* all owned */
	struct realms *realms;            /* owned; the context's */
	struct event *expiry;             /* owned */
	struct fastpath *fastpath;        /* owned; NULL: none */
	struct port *ports;               /* owned; by realm */
	struct worker_counts counts;
	uint8_t packets[AHEAD_MAX][PACKET_STRIDE];
};

static void forward(struct worker *worker, realm_id to, const uint8_t *packet,
		    size_t len)
{
	int err = tun_write(worker->ports[to].fd, packet, len);

	if (err == -EAGAIN || err == -ENOBUFS)
		worker->counts.tun_full++;
	else if (err != 0)
		worker->counts.tun_failed++;
}

static void forward_crossed(struct worker *worker, realm_id to,
			    const struct crossed *crossed)
{
	uint8_t piece[CROSSING_PIECE];
	size_t len;

	if (!crossed->in_pieces) {
		forward(worker, to, crossed->data, crossed->len);
		return;
	}
	for (size_t n = 0; (len = crossing_piece(crossed, n, piece)) > 0; n++)
		forward(worker, to, piece, len);
}

static void on_packet(struct worker *worker, realm_id from,
		      struct ahead_packet *packet)
{
	uint64_t now = mono_ms();
	struct translation translation;

	worker->context.ahead = &packet->known;
	translation = translate_whole(&worker->context, from, packet->data,
				      packet->len, now,
				      worker->counts.verdicts);
	worker->context.ahead = NULL;
	if (translation.crossed.data != NULL)
		forward_crossed(worker, translation.to, &translation.crossed);
	else if (translation.to != REALM_NONE)
		forward(worker, translation.to, packet->data, packet->len);
	if (translation.has_latched)
		worker->options.on_latched(&translation.latched,
					   worker->options.arg);
	if (translation.effects.offer && worker->fastpath != NULL)
		fastpath_offer(worker->fastpath, &translation.effects.src,
			       &translation.effects.dst, now);
}

/* How many; *ret_len: of the last read, or why there is no more. */
static size_t read_packets(struct worker *worker, int fd,
			   struct ahead_packet packets[AHEAD_MAX],
			   ssize_t *ret_len)
{
	size_t count = 0;

	while (count < AHEAD_MAX) {
		uint8_t *data = worker->packets[count] + CROSSING_HEADROOM;

		*ret_len = tun_read(fd, data, PACKET_MAX);
		if (*ret_len < 0)
			break;
		packets[count].data = data;
		packets[count++].len = (size_t)*ret_len;
	}
	return count;
}

static void read_batch(struct port *port, int fd)
{
	struct ahead_packet packets[AHEAD_MAX];
	struct worker *worker = port->worker;
	ssize_t len = 0;

	for (int i = 0; i < WORKER_BATCH / AHEAD_MAX && len >= 0; i++) {
		size_t count = read_packets(worker, fd, packets, &len);

		ahead_fetch(&worker->context, port->realm, packets, count);
		for (size_t k = 0; k < count; k++)
			on_packet(worker, port->realm, &packets[k]);
	}
	if (len >= 0 || len == -EAGAIN)
		return;
	event_del(port->readable);
	worker->options.on_lost(port->realm, (int)len, worker->options.arg);
}

static void on_readable(int fd, short what, void *arg)
{
	struct port *port = arg;
	struct worker *worker = port->worker;

	(void)what;
	read_batch(port, fd);
	if (worker->fastpath != NULL)
		fastpath_flush(worker->fastpath, mono_ms());
}

static void on_expiry(int fd, short what, void *arg)
{
	struct worker *worker = arg;
	uint64_t now = mono_ms();

	(void)fd;
	(void)what;
	permits_expire(worker->context.permits, now);
	fragments_expire(worker->context.fragments, now);
	dynamics_expire(worker->context.dynamics, now);
}

/* Who had which outer endpoint, and when: for whoever has to tell. */
static void on_mapping(const struct ruleset_rule *rule, bool begins, void *arg)
{
	const struct worker *worker = arg;
	const struct realm_names *names = &worker->options.conf->names;
	char inner[ENDPOINT_TEXT];
	char outer[ENDPOINT_TEXT];

	log_debug("dynamic: %s %s <-> %s %s",
		  rule->protocol == RULE_TCP  ? "tcp" :
		  rule->protocol == RULE_ICMP ? "icmp" :
						"udp",
		  endpoint_format(&rule->inner, names, inner),
		  endpoint_format(&rule->outer, names, outer),
		  begins ? "begins" : "ends");
}

static int make_context(struct worker *worker)
{
	uint64_t seeds[4];

	random_bytes(seeds, sizeof(seeds));
	worker->realms = realms_new(worker->options.conf);
	worker->context.realms = worker->realms;
	worker->context.ruleset = ruleset_new(worker->options.conf->realm_count,
					      seeds[0]);
	worker->context.permits = permits_new(seeds[1]);
	worker->context.fragments = fragments_new(seeds[2]);
	if (worker->context.ruleset != NULL)
		worker->context.dynamics = dynamics_new(worker->options.conf,
							worker->context.ruleset,
							seeds[3]);
	if (worker->context.dynamics != NULL)
		dynamics_watch(worker->context.dynamics, on_mapping, worker);
	return worker->realms == NULL || worker->context.ruleset == NULL ||
			       worker->context.permits == NULL ||
			       worker->context.fragments == NULL ||
			       worker->context.dynamics == NULL ?
		       -ENOMEM :
		       0;
}

/* Without one, all is as it is with one, but slower. */
static void make_fastpath(struct worker *worker)
{
	struct fastpath_options options = { .base = worker->options.base,
					    .conf = worker->options.conf,
					    .ruleset = worker->context.ruleset,
					    .realms = worker->realms,
					    .permits = worker->context.permits };
	int err;

	if (!worker->options.fastpath)
		return;
	err = fastpath_new(&options, &worker->fastpath);
	if (err != 0)
		log_warn("no fast path: %s: every packet comes by a TUN",
			 strerror(-err));
}

static int make_events(struct worker *worker)
{
	struct timeval period = { .tv_sec = EXPIRY_SECONDS };
	struct event_base *base = worker->options.base;

	for (size_t i = 0; i < worker->options.conf->realm_count; i++) {
		struct port *port = &worker->ports[i];

		port->worker = worker;
		port->realm = (realm_id)i;
		port->readable = event_new(base, port->fd, EV_READ | EV_PERSIST,
					   on_readable, port);
		if (port->readable == NULL ||
		    event_add(port->readable, NULL) != 0)
			return -ENOMEM;
	}
	worker->expiry = event_new(base, -1, EV_PERSIST, on_expiry, worker);
	if (worker->expiry == NULL || event_add(worker->expiry, &period) != 0)
		return -ENOMEM;
	return 0;
}

static void take_tuns(struct worker *worker, bool take)
{
	for (size_t i = 0; i < worker->options.conf->realm_count; i++)
		worker->ports[i].fd = take ? worker->options.tuns[i] : -1;
}

int worker_new(const struct worker_options *options, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (worker == NULL)
		return -ENOMEM;
	worker->options = *options;
	worker->ports = calloc(options->conf->realm_count,
			       sizeof(*worker->ports));
	if (worker->ports == NULL) {
		free(worker);
		return -ENOMEM;
	}
	take_tuns(worker, true);
	err = make_context(worker);
	if (err == 0)
		err = make_events(worker);
	if (err == 0) {
		make_fastpath(worker);
		*ret_worker = worker;
		return 0;
	}
	take_tuns(worker, false);
	worker_free(worker);
	return err;
}

void worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	for (size_t i = 0; i < worker->options.conf->realm_count; i++) {
		if (worker->ports[i].readable != NULL)
			event_free(worker->ports[i].readable);
		if (worker->ports[i].fd >= 0)
			close(worker->ports[i].fd);
	}
	if (worker->expiry != NULL)
		event_free(worker->expiry);
	fastpath_free(worker->fastpath);
	dynamics_free(worker->context.dynamics);
	fragments_free(worker->context.fragments);
	permits_free(worker->context.permits);
	ruleset_free(worker->context.ruleset);
	realms_free(worker->realms);
	free(worker->ports);
	free(worker);
}

struct ruleset *worker_ruleset(struct worker *worker)
{
	return worker->context.ruleset;
}

const struct translate_context *worker_context(const struct worker *worker)
{
	return &worker->context;
}

struct fastpath *worker_fastpath(const struct worker *worker)
{
	return worker->fastpath;
}

const struct worker_counts *worker_counts(const struct worker *worker)
{
	return &worker->counts;
}

size_t worker_permits(const struct worker *worker)
{
	return permits_count(worker->context.permits);
}

size_t worker_fragments(const struct worker *worker)
{
	return fragments_count(worker->context.fragments);
}

size_t worker_dynamics(const struct worker *worker)
{
	return dynamics_count(worker->context.dynamics);
}
