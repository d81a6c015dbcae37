/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the threads that translate share, and what they leave to this one. */
#include "translator/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "translator/fastpath.h"
#include "translator/readers.h"
#include "translator/worker_thread.h"

#define EXPIRY_SECONDS 1
/* Of one thread, before other events have their turn. */
#define FLOWS_AT_A_TIME   1024
#define PACKETS_AT_A_TIME 64

struct worker {
	struct worker_options options;
	struct translate_context context; /* all owned */
	struct realms *realms;            /* owned; the context's */
	struct event *expiry;             /* owned */
	struct event *ringing;            /* owned; of the bell */
	struct handoff_bell bell;
	struct fastpath *fastpath;      /* owned; NULL: none */
	struct worker_thread **threads; /* owned */
	size_t thread_count;            /* of them, made so far */
	struct worker_counts counts;    /* of packets that were handed over */
	bool is_lost;                   /* that has been told */
};

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

static void offer(struct worker *worker, const struct endpoint *src,
		  const struct endpoint *dst, uint64_t now)
{
	if (worker->fastpath != NULL)
		fastpath_offer(worker->fastpath, src, dst, now);
}

/* One that wants a mapping, or wanted one when it was handed over. */
static void on_packet(struct worker *worker, struct worker_thread *thread,
		      struct handoff_packet *packet, uint64_t now)
{
	struct translation translation =
		translate_whole(&worker->context, packet->from, packet->data,
				packet->len, now, worker->counts.verdicts);

	worker_thread_forward(thread, &translation, packet->data, packet->len,
			      &worker->counts);
	if (translation.effects.offer)
		offer(worker, &translation.effects.src,
		      &translation.effects.dst, now);
}

/* true: there may be more. */
static bool take_from(struct worker *worker, struct worker_thread *thread)
{
	struct handoff *handoff = worker_thread_handoff(thread);
	struct handoff_packet *packet;
	struct handoff_flow flow;
	uint64_t now = mono_ms();
	size_t packets = 0, flows = 0;

	while (packets < PACKETS_AT_A_TIME &&
	       (packet = handoff_take_packet(handoff)) != NULL) {
		on_packet(worker, thread, packet, now);
		free(packet);
		packets++;
	}
	while (flows < FLOWS_AT_A_TIME && handoff_take_flow(handoff, &flow)) {
		offer(worker, &flow.src, &flow.dst, now);
		flows++;
	}
	return packets == PACKETS_AT_A_TIME || flows == FLOWS_AT_A_TIME;
}

static void look_for_lost(struct worker *worker)
{
	for (size_t i = 0; i < worker->thread_count && !worker->is_lost; i++) {
		realm_id realm;
		int err = worker_thread_lost(worker->threads[i], &realm);

		if (err == 0)
			continue;
		worker->is_lost = true;
		worker->options.on_lost(realm, err, worker->options.arg);
	}
}

static void on_bell(int fd, short what, void *arg)
{
	struct worker *worker = arg;
	bool more = false;

	(void)fd;
	(void)what;
	handoff_bell_heard(&worker->bell);
	for (size_t i = 0; i < worker->thread_count; i++)
		more = take_from(worker, worker->threads[i]) || more;
	if (worker->fastpath != NULL)
		fastpath_flush(worker->fastpath, mono_ms());
	look_for_lost(worker);
	if (more)
		handoff_bell_ring(&worker->bell);
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
	if (worker->context.ruleset != NULL) {
		ruleset_share(worker->context.ruleset, readers_wait, NULL);
		worker->context.dynamics = dynamics_new(worker->options.conf,
							worker->context.ruleset,
							seeds[3]);
	}
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
	int err = handoff_bell_init(&worker->bell);

	if (err != 0)
		return err;
	worker->ringing = event_new(base, worker->bell.fd, EV_READ | EV_PERSIST,
				    on_bell, worker);
	worker->expiry = event_new(base, -1, EV_PERSIST, on_expiry, worker);
	if (worker->ringing == NULL || event_add(worker->ringing, NULL) != 0 ||
	    worker->expiry == NULL || event_add(worker->expiry, &period) != 0)
		return -ENOMEM;
	return 0;
}

static int make_threads(struct worker *worker)
{
	size_t count = worker->options.count;
	int err = 0;

	worker->threads = calloc(count, sizeof(struct worker_thread *));
	if (worker->threads == NULL)
		return -ENOMEM;
	while (worker->thread_count < count && err == 0) {
		size_t i = worker->thread_count;
		struct worker_thread_options options = {
			.worker = &worker->options,
			.context = &worker->context,
			.bell = &worker->bell,
			.tuns = worker->options.tuns[i],
			.gives_flows = worker->fastpath != NULL
		};

		err = worker_thread_new(&options, &worker->threads[i]);
		worker->thread_count += err == 0;
	}
	return err;
}

static void free_threads(struct worker *worker, bool close_tuns)
{
	for (size_t i = 0; i < worker->thread_count; i++)
		worker_thread_free(worker->threads[i], close_tuns);
	free(worker->threads);
	worker->threads = NULL;
	worker->thread_count = 0;
}

int worker_new(const struct worker_options *options, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (worker == NULL)
		return -ENOMEM;
	worker->options = *options;
	worker->bell.fd = -1;
	err = make_context(worker);
	if (err == 0)
		err = make_events(worker);
	if (err == 0) {
		make_fastpath(worker);
		err = make_threads(worker);
	}
	if (err == 0) {
		*ret_worker = worker;
		return 0;
	}
	free_threads(worker, false);
	worker_free(worker);
	return err;
}

int worker_start(struct worker *worker)
{
	int err = 0;

	for (size_t i = 0; i < worker->thread_count && err == 0; i++)
		err = worker_thread_start(worker->threads[i]);
	return err;
}

void worker_stop(struct worker *worker)
{
	if (worker == NULL)
		return;
	for (size_t i = 0; i < worker->thread_count; i++)
		worker_thread_stop(worker->threads[i]);
}

void worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	free_threads(worker, true);
	if (worker->expiry != NULL)
		event_free(worker->expiry);
	if (worker->ringing != NULL)
		event_free(worker->ringing);
	if (worker->bell.fd >= 0)
		handoff_bell_done(&worker->bell);
	fastpath_free(worker->fastpath);
	dynamics_free(worker->context.dynamics);
	fragments_free(worker->context.fragments);
	permits_free(worker->context.permits);
	ruleset_free(worker->context.ruleset);
	realms_free(worker->realms);
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

struct worker_counts worker_counts(const struct worker *worker)
{
	struct worker_counts counts = worker->counts;

	for (size_t i = 0; i < worker->thread_count; i++)
		worker_thread_add_counts(worker->threads[i], &counts);
	return counts;
}

size_t worker_count(const struct worker *worker)
{
	return worker->thread_count;
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
