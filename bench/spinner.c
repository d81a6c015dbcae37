/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Idle-priority threads, one a core, that count the time nobody else wants. */
#include "bench/spinner.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mono.h"

/* Two looks at the clock that are further apart had something between them. */
#define GAP_NS 200

struct spinner_core {
	struct spinner *spinner; /* parent, not owned */
	pthread_t thread;
	unsigned core;
	bool running;
	_Alignas(64) atomic_uint_fast64_t idle_ns;
};

struct spinner {
	struct spinner_core *cores; /* owned */
	unsigned count;
	atomic_bool stop;
};

static void settle(unsigned core)
{
	struct sched_param param = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_IDLE, &param);
}

static void *spin(void *arg)
{
	struct spinner_core *core = arg;
	uint64_t idle = 0, last, now;

	settle(core->core);
	last = mono_ns();
	while (!atomic_load_explicit(&core->spinner->stop,
				     memory_order_relaxed)) {
		now = mono_ns();
		if (now - last < GAP_NS)
			idle += now - last;
		last = now;
		atomic_store_explicit(&core->idle_ns, idle,
				      memory_order_relaxed);
	}
	return NULL;
}

struct spinner *spinner_new(void)
{
	struct spinner *spinner = calloc(1, sizeof(*spinner));
	size_t size;

	if (spinner == NULL)
		return NULL;
	spinner->count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	size = spinner->count * sizeof(*spinner->cores);
	spinner->cores = aligned_alloc(_Alignof(struct spinner_core), size);
	if (spinner->cores == NULL) {
		spinner->count = 0;
		spinner_free(spinner);
		return NULL;
	}
	for (unsigned i = 0; i < spinner->count; i++)
		spinner->cores[i] = (struct spinner_core){ .spinner = spinner,
							   .core = i };
	for (unsigned i = 0; i < spinner->count; i++) {
		struct spinner_core *core = &spinner->cores[i];

		core->running = pthread_create(&core->thread, NULL, spin,
					       core) == 0;
		if (!core->running) {
			spinner_free(spinner);
			return NULL;
		}
	}
	return spinner;
}

void spinner_free(struct spinner *spinner)
{
	if (spinner == NULL)
		return;
	atomic_store(&spinner->stop, true);
	for (unsigned i = 0; i < spinner->count; i++)
		if (spinner->cores[i].running)
			pthread_join(spinner->cores[i].thread, NULL);
	free(spinner->cores);
	free(spinner);
}

unsigned spinner_cores(const struct spinner *spinner)
{
	return spinner->count;
}

uint64_t spinner_idle_ns(const struct spinner *spinner)
{
	uint64_t idle = 0;

	for (unsigned i = 0; i < spinner->count; i++)
		idle += atomic_load_explicit(&spinner->cores[i].idle_ns,
					     memory_order_relaxed);
	return idle;
}
