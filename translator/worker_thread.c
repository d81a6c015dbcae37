/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread that reads a queue of each TUN, translates, writes. */
#include "translator/worker_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/mono.h"
#include "translator/ahead.h"
#include "translator/readers.h"
#include "translator/tun.h"

#define PACKET_MAX 65536
/* Not all in the same cache lines. */
#define PACKET_STRIDE (CROSSING_HEADROOM + PACKET_MAX + 192)
#define EVENTS_MAX    16
#define STOP          REALM_NONE /* in place of a realm: no TUN is readable */

struct worker_thread {
	struct worker_thread_options options;
	struct translate_context context;
	struct handoff *handoff; /* owned */
	int tuns[REALM_MAX];
	int epoll;   /* owned */
	int stop_fd; /* an eventfd; owned */
	pthread_t thread;
	bool is_running;
	_Atomic int lost; /* -Exxx */
	realm_id lost_realm;
	struct worker_counts counts; /* written by the thread alone */
	uint8_t packets[AHEAD_MAX][PACKET_STRIDE];
};

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void write_packet(const struct worker_thread *thread, realm_id to,
			 const uint8_t *data, size_t len,
			 struct worker_counts *counts)
{
	int err = tun_write(thread->tuns[to], data, len);

	if (err == -EAGAIN || err == -ENOBUFS)
		count(&counts->tun_full);
	else if (err != 0)
		count(&counts->tun_failed);
}

static void write_crossed(const struct worker_thread *thread, realm_id to,
			  const struct crossed *crossed,
			  struct worker_counts *counts)
{
	uint8_t piece[CROSSING_PIECE];
	size_t len;

	if (!crossed->in_pieces) {
		write_packet(thread, to, crossed->data, crossed->len, counts);
		return;
	}
	for (size_t n = 0; (len = crossing_piece(crossed, n, piece)) > 0; n++)
		write_packet(thread, to, piece, len, counts);
}

void worker_thread_forward(struct worker_thread *thread,
			   const struct translation *translation,
			   const uint8_t *data, size_t len,
			   struct worker_counts *counts)
{
	const struct worker_options *worker = thread->options.worker;

	if (translation->crossed.data != NULL)
		write_crossed(thread, translation->to, &translation->crossed,
			      counts);
	else if (translation->to != REALM_NONE)
		write_packet(thread, translation->to, data, len, counts);
	if (translation->has_latched)
		worker->on_latched(&translation->latched, worker->arg);
}

/* It leaves before readers_end: so a change is in force when it says so. */
static void on_packet(struct worker_thread *thread, realm_id from,
		      struct ahead_packet *packet)
{
	const struct translate_effects *effects;
	struct translation translation;

	readers_begin();
	thread->context.ahead = &packet->known;
	translation = translate_shared(&thread->context, from, packet->data,
				       packet->len, mono_ms(),
				       thread->counts.verdicts);
	worker_thread_forward(thread, &translation, packet->data, packet->len,
			      &thread->counts);
	readers_end();
	effects = &translation.effects;
	if ((translation.wants_mapping || translation.is_early) &&
	    !handoff_give_packet(thread->handoff, from, packet->data,
				 packet->len))
		count(&thread->counts.verdicts[translation.verdict]);
	else if (effects->offer && thread->options.gives_flows)
		handoff_give_flow(thread->handoff, &effects->src,
				  &effects->dst);
}

/* How many; *ret_len: of the last read, or why there is no more. */
static size_t read_packets(struct worker_thread *thread, int fd,
			   struct ahead_packet packets[AHEAD_MAX],
			   ssize_t *ret_len)
{
	size_t read = 0;

	while (read < AHEAD_MAX) {
		uint8_t *data = thread->packets[read] + CROSSING_HEADROOM;

		*ret_len = tun_read(fd, data, PACKET_MAX);
		if (*ret_len < 0)
			break;
		packets[read].data = data;
		packets[read++].len = (size_t)*ret_len;
	}
	return read;
}

static void lose(struct worker_thread *thread, realm_id realm, int err)
{
	epoll_ctl(thread->epoll, EPOLL_CTL_DEL, thread->tuns[realm], NULL);
	if (atomic_load(&thread->lost) != 0)
		return;
	thread->lost_realm = realm;
	atomic_store(&thread->lost, err);
	handoff_bell_ring(thread->options.bell);
}

static void read_batch(struct worker_thread *thread, realm_id realm)
{
	struct ahead_packet packets[AHEAD_MAX];
	int fd = thread->tuns[realm];
	ssize_t len = 0;

	for (int i = 0; i < WORKER_BATCH / AHEAD_MAX && len >= 0; i++) {
		size_t read = read_packets(thread, fd, packets, &len);

		readers_begin();
		ahead_fetch(&thread->context, realm, packets, read);
		readers_end();
		for (size_t k = 0; k < read; k++)
			on_packet(thread, realm, &packets[k]);
	}
	if (len < 0 && len != -EAGAIN)
		lose(thread, realm, (int)len);
}

static void *run(void *arg)
{
	struct worker_thread *thread = arg;
	struct epoll_event events[EVENTS_MAX];
	bool is_stopped = false;

	readers_join();
	while (!is_stopped) {
		int ready = epoll_wait(thread->epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < ready; i++) {
			if (events[i].data.u32 == STOP)
				is_stopped = true;
			else
				read_batch(thread,
					   (realm_id)events[i].data.u32);
		}
	}
	readers_leave();
	return NULL;
}

static int watch(const struct worker_thread *thread, int fd, uint32_t what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = what };

	return epoll_ctl(thread->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ?
		       -errno :
		       0;
}

static int make_epoll(struct worker_thread *thread)
{
	size_t realms = thread->options.worker->conf->realm_count;
	int err;

	thread->epoll = epoll_create1(EPOLL_CLOEXEC);
	thread->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (thread->epoll < 0 || thread->stop_fd < 0)
		return -errno;
	err = watch(thread, thread->stop_fd, STOP);
	for (size_t i = 0; i < realms && err == 0; i++)
		err = watch(thread, thread->tuns[i], (uint32_t)i);
	return err;
}

int worker_thread_new(const struct worker_thread_options *options,
		      struct worker_thread **ret)
{
	struct worker_thread *thread = calloc(1, sizeof(*thread));
	int err;

	if (thread == NULL)
		return -ENOMEM;
	thread->options = *options;
	thread->context = *options->context;
	memcpy(thread->tuns, options->tuns, sizeof(thread->tuns));
	thread->handoff = handoff_new(options->bell);
	err = make_epoll(thread);
	if (thread->handoff == NULL)
		err = -ENOMEM;
	if (err != 0) {
		worker_thread_free(thread, false);
		return err;
	}
	*ret = thread;
	return 0;
}

/* Signals are the event loop's. */
int worker_thread_start(struct worker_thread *thread)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	thread->is_running = err == 0;
	return -err;
}

void worker_thread_stop(struct worker_thread *thread)
{
	if (!thread->is_running)
		return;
	(void)eventfd_write(thread->stop_fd, 1);
	pthread_join(thread->thread, NULL);
	thread->is_running = false;
}

void worker_thread_free(struct worker_thread *thread, bool close_tuns)
{
	if (thread == NULL)
		return;
	worker_thread_stop(thread);
	for (size_t i = 0;
	     i < thread->options.worker->conf->realm_count && close_tuns; i++)
		close(thread->tuns[i]);
	if (thread->epoll >= 0)
		close(thread->epoll);
	if (thread->stop_fd >= 0)
		close(thread->stop_fd);
	handoff_free(thread->handoff);
	free(thread);
}

struct handoff *worker_thread_handoff(struct worker_thread *thread)
{
	return thread->handoff;
}

int worker_thread_lost(const struct worker_thread *thread, realm_id *ret_realm)
{
	int err = atomic_load(&thread->lost);

	if (err != 0)
		*ret_realm = thread->lost_realm;
	return err;
}

void worker_thread_add_counts(const struct worker_thread *thread,
			      struct worker_counts *counts)
{
	const struct worker_counts *own = &thread->counts;

	for (size_t i = 0; i < VERDICT_COUNT; i++)
		counts->verdicts[i] += __atomic_load_n(&own->verdicts[i],
						       __ATOMIC_RELAXED);
	counts->tun_full += __atomic_load_n(&own->tun_full, __ATOMIC_RELAXED);
	counts->tun_failed += __atomic_load_n(&own->tun_failed,
					      __ATOMIC_RELAXED);
}
