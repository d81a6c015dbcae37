/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/latch.c and translator/latched.c. */
#include "translator/latch.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/translator/suite.h"
#include "translator/latched.h"

#define RUNNERS 4
#define RACES   2000

static struct endpoint at(uint32_t addr, uint16_t port)
{
	return (struct endpoint){ ip_addr_v4(addr), port, 1 };
}

static const struct rule_latch anew = { .prefix = { .bits = 8 }, .round = 3 };

START_TEST(each_port_latches_once)
{
	struct latch *latch = latch_new(&anew);
	struct endpoint first = at(7, 1000), second = at(8, 1001), known;
	struct rule_latch copy;

	ck_assert_ptr_nonnull(latch);
	ck_assert(!latch_read(latch, 0, &known));
	ck_assert(latch_take(latch, 0, &first));
	ck_assert(!latch_take(latch, 0, &second));
	ck_assert(latch_read(latch, 0, &known));
	ck_assert(endpoint_equal(&known, &first));
	ck_assert(!latch_read(latch, 1, &known));
	ck_assert(latch_take(latch, 1, &second));
	latch_copy(latch, &copy);
	ck_assert_uint_eq(copy.round, 3);
	ck_assert(endpoint_equal(&copy.remotes[0], &first));
	ck_assert(endpoint_equal(&copy.remotes[1], &second));
	free(latch);
	/* As it comes back after a restart. */
	latch = latch_new(&copy);
	ck_assert_ptr_nonnull(latch);
	ck_assert(!latch_take(latch, 1, &first));
	ck_assert(latch_read(latch, 1, &known));
	ck_assert(endpoint_equal(&known, &second));
	free(latch);
}
END_TEST

struct runner {
	pthread_t thread;
	pthread_barrier_t *start;
	struct latch **latches;
	struct endpoint remote;
	unsigned won;
};

static void *run(void *arg)
{
	struct runner *runner = arg;
	struct endpoint known;

	pthread_barrier_wait(runner->start);
	for (size_t i = 0; i < RACES; i++)
		if (latch_take(runner->latches[i], 0, &runner->remote)) {
			runner->won++;
			ck_assert(latch_read(runner->latches[i], 0, &known));
			ck_assert(endpoint_equal(&known, &runner->remote));
		}
	return NULL;
}

START_TEST(of_those_who_race_one_wins)
{
	static struct latch *latches[RACES];
	struct runner runners[RUNNERS];
	pthread_barrier_t start;
	unsigned won = 0;

	for (size_t i = 0; i < RACES; i++) {
		latches[i] = latch_new(&anew);
		ck_assert_ptr_nonnull(latches[i]);
	}
	pthread_barrier_init(&start, NULL, RUNNERS);
	for (uint16_t i = 0; i < RUNNERS; i++) {
		runners[i] = (struct runner){ .start = &start,
					      .latches = latches,
					      .remote = at(7, i + 1) };
		ck_assert_int_eq(pthread_create(&runners[i].thread, NULL, run,
						&runners[i]),
				 0);
	}
	for (size_t i = 0; i < RUNNERS; i++) {
		pthread_join(runners[i].thread, NULL);
		won += runners[i].won;
	}
	ck_assert_uint_eq(won, RACES);
	pthread_barrier_destroy(&start);
	for (size_t i = 0; i < RACES; i++)
		free(latches[i]);
}
END_TEST

static bool is_readable(const struct latched *latched)
{
	struct pollfd wait = { .fd = latched_fd(latched), .events = POLLIN };

	return poll(&wait, 1, 0) == 1;
}

START_TEST(what_latched_is_taken_in_order)
{
	struct wire_latched item = { .offset = 0 };
	struct latched *latched;

	ck_assert_int_eq(latched_new(&latched), 0);
	ck_assert(!is_readable(latched));
	for (uint64_t i = 1; i <= 100; i++) {
		item.id = i;
		latched_add(latched, &item);
	}
	ck_assert(is_readable(latched));
	for (uint64_t i = 1; i <= 50; i++) {
		ck_assert(latched_take(latched, &item));
		ck_assert_uint_eq(item.id, i);
	}
	for (uint64_t i = 101; i <= LATCHED_MAX + 200; i++) {
		item.id = i;
		latched_add(latched, &item);
	}
	/* The last ones were too many. */
	for (uint64_t i = 51; i <= LATCHED_MAX + 50; i++) {
		ck_assert(latched_take(latched, &item));
		ck_assert_uint_eq(item.id, i);
	}
	ck_assert(!latched_take(latched, &item));
	ck_assert(!is_readable(latched));
	latched_free(latched);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_port_latches_once,
		of_those_who_race_one_wins,
		what_latched_is_taken_in_order,
	};

	return SUITE_RUN("latch", tests, NULL, NULL);
}
