/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four threads translate what one thread changes: rules that move from one
 * target to another and never are away, rules that come and go, permits,
 * mappings, fragments. What is in force when a put returns holds for every
 * packet from then on, and no count is lost.
 *
 *     check_stress            as it is
 *     check_stress no-wait    the changes do not wait for those who look up:
 *                             a race, for ThreadSanitizer to find
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"
#include "tests/translator/sample.h"
#include "tests/translator/suite.h"
#include "translator/ahead.h"
#include "translator/handoff.h"
#include "translator/readers.h"

#define READERS  4
#define MOVING   8   /* rules, from id 1 on */
#define PASSING  256 /* rules, behind them */
#define TARGETS  60000
#define SECONDS  2
#define FIRST_ID (MOVING + 1u)

enum { INSIDE, OUTSIDE, REALMS };

struct reader {
	pthread_t thread;
	struct handoff *handoff;
	uint64_t counts[VERDICT_COUNT];
	uint64_t moved; /* packets by the rules that move */
	uint64_t wrong; /* that went to a former target, or nowhere */
	unsigned seed;
};

static struct translate_context context;
static struct reader readers[READERS];
static _Atomic uint32_t in_force[MOVING]; /* generation of each */
static atomic_bool is_over;
static struct handoff_bell bell;
static bool waits; /* changes wait for those who look up */

static struct endpoint at(uint32_t addr, size_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), (uint16_t)port, realm };
}

static struct conf *make_conf(void)
{
	static struct ip_prefix inside;
	static struct conf_range ranges[2];
	static realm_id reaches = OUTSIDE;
	static struct conf_realm realms[REALMS];
	static struct conf_pool pools[2];
	static struct conf conf = { .realms = realms,
				    .realm_count = REALMS,
				    .pools = pools,
				    .pool_count = 2 };

	inside = (struct ip_prefix){ ip_addr_v4(0x0a000000), 8 };
	ranges[0] = (struct conf_range){ { ip_addr_v4(0x14000000), 24 },
					 { 1024, 65535 } };
	ranges[1] = (struct conf_range){ { ip_addr_v4(0x15000000), 30 },
					 { 1024, 65535 } };
	realms[INSIDE] = (struct conf_realm){ .id = INSIDE,
					      .networks = &inside,
					      .network_count = 1,
					      .reaches = &reaches,
					      .reach_count = 1,
					      .dynamic = true,
					      .dynamic_max = 1000,
					      .dynamic_timer = 300 };
	realms[OUTSIDE] = (struct conf_realm){ .id = OUTSIDE };
	for (size_t i = 0; i < 2; i++)
		pools[i] = (struct conf_pool){ .realm = OUTSIDE,
					       .named = i == 1,
					       .dynamic = i == 1,
					       .ranges = &ranges[i],
					       .range_count = 1 };
	return &conf;
}

/* The n-th of those that move: the target tells the generation. */
static struct rule moving(size_t n, uint32_t generation)
{
	return (struct rule){ .id = n + 1,
			      .group = "moving",
			      .inner = at(0x0a000001 + (uint32_t)n,
					  2000 + generation % TARGETS, INSIDE),
			      .outer = at(0x14000001, 2000 + 2 * n, OUTSIDE),
			      .timer = 60,
			      .ports = 1,
			      .protocol = RULE_UDP };
}

/* Of all kinds; neighbouring ports belong to different ones. */
static struct rule passing(size_t n)
{
	struct rule rule = { .id = FIRST_ID + n,
			     .group = "passing",
			     .inner = at(0x0a010000 + (uint32_t)n / 2, 3000,
					 INSIDE),
			     .outer = at(0x14000002, 3000 + n, OUTSIDE),
			     .timer = 60,
			     .ports = 1,
			     .kind = (uint8_t)(n % 3),
			     .protocol = RULE_UDP };

	return rule;
}

static size_t build(struct reader *reader, uint8_t *packet, size_t *ret_moving)
{
	struct sample sample = { .src = at(0x01010101, 9, OUTSIDE),
				 .payload = 20 };
	size_t n = (size_t)rand_r(&reader->seed);

	*ret_moving = SIZE_MAX;
	switch (rand_r(&reader->seed) % 5) {
	case 0:
		n %= PASSING;
		sample.dst = passing(n).outer;
		break;
	case 1: /* to a remote that an originating one has to have sent to */
		sample.dst = sample.src;
		sample.src = passing(n % PASSING).inner;
		break;
	case 2: /* wants a mapping, or has one */
		sample.dst = sample.src;
		sample.src = at(0x0a020000, 5000 + n % 500, INSIDE);
		sample.part = n % 7 == 0 ? SAMPLE_FIRST : SAMPLE_WHOLE;
		sample.id = (uint16_t)(n % 100);
		break;
	case 3:
		sample.dst = sample.src;
		sample.src = at(0x0a020000, 5000, INSIDE);
		sample.part = SAMPLE_LATER;
		sample.id = (uint16_t)(n % 100);
		break;
	default:
		*ret_moving = n % MOVING;
		sample.dst = moving(*ret_moving, 0).outer;
		break;
	}
	return sample_build(&sample, packet);
}

/* Went it where it was to go, by what was in force before it came? */
static void check_moving(struct reader *reader,
			 const struct translation *translation,
			 const uint8_t *packet, size_t n, uint32_t before)
{
	uint32_t port = (uint32_t)packet[22] << 8 | packet[23];
	uint32_t ahead = (port - 2000 + TARGETS - before % TARGETS) % TARGETS;

	reader->moved++;
	/* The next ones may already be there; never one of before. */
	if (translation->verdict != VERDICT_IN || packet[19] != n + 1 ||
	    ahead > TARGETS / 2)
		reader->wrong++;
}

static void pass_one(struct reader *reader, struct translate_context *own)
{
	uint8_t buffer[CROSSING_HEADROOM + SAMPLE_MAX];
	uint8_t *packet = buffer + CROSSING_HEADROOM;
	struct ahead_packet ahead = { .data = packet };
	struct translation translation;
	uint32_t before = 0;
	realm_id from;
	size_t n;

	ahead.len = build(reader, packet, &n);
	from = packet[12] == 10 ? INSIDE : OUTSIDE;
	readers_begin();
	ahead_fetch(own, from, &ahead, 1);
	readers_end();
	if (n != SIZE_MAX)
		before = atomic_load(&in_force[n]);
	readers_begin();
	own->ahead = &ahead.known;
	translation = translate_shared(own, from, packet, ahead.len, mono_ms(),
				       reader->counts);
	readers_end();
	if (n != SIZE_MAX)
		check_moving(reader, &translation, packet, n, before);
	if (translation.wants_mapping || translation.is_early)
		handoff_give_packet(reader->handoff, from, packet, ahead.len);
}

static void *read_all(void *arg)
{
	struct translate_context own = context;
	struct reader *reader = arg;

	readers_join();
	while (!atomic_load(&is_over))
		pass_one(reader, &own);
	readers_leave();
	return NULL;
}

static void put_moving(size_t n, uint32_t generation)
{
	struct rule rule = moving(n, generation);

	ck_assert_int_eq(ruleset_put(context.ruleset, &rule, 1), 0);
	atomic_store(&in_force[n], generation);
}

static void put_or_delete(size_t n)
{
	struct rule rule = passing(n);

	if (!ruleset_find(context.ruleset, rule.id))
		ck_assert_int_eq(ruleset_put(context.ruleset, &rule, 1), 0);
	else
		ruleset_delete(context.ruleset, &rule.id, 1);
}

static void serve(struct reader *reader)
{
	uint64_t counts[VERDICT_COUNT] = { 0 };
	struct handoff_packet *packet;

	for (int i = 0; i < 16; i++) {
		packet = handoff_take_packet(reader->handoff);
		if (!packet)
			return;
		translate_whole(&context, packet->from, packet->data,
				packet->len, mono_ms(), counts);
		free(packet);
	}
}

/* By and by everything that has ended by time has to end. */
static void expire(uint32_t round)
{
	uint64_t now = mono_ms();

	if (round % 64 == 0)
		now += 400000;
	permits_expire(context.permits, now);
	fragments_expire(context.fragments, now);
	dynamics_expire(context.dynamics, now);
}

static void change_all(void)
{
	uint64_t end = mono_ms() + SECONDS * 1000;

	for (uint32_t round = 1; mono_ms() < end; round++) {
		for (size_t n = 0; n < MOVING; n++)
			put_moving(n, round);
		for (size_t i = 0; i < 8; i++)
			put_or_delete((size_t)random() % PASSING);
		for (size_t i = 0; i < READERS; i++)
			serve(&readers[i]);
		expire(round);
	}
}

static void make_context(void)
{
	struct conf *conf = make_conf();

	context.realms = realms_new(conf);
	context.ruleset = ruleset_new(REALMS, 1);
	context.permits = permits_new(2);
	context.fragments = fragments_new(3);
	ck_assert_ptr_nonnull(context.ruleset);
	context.dynamics = dynamics_new(conf, context.ruleset, 4);
	ck_assert(context.realms && context.permits && context.fragments &&
		  context.dynamics);
	ck_assert_int_eq(handoff_bell_init(&bell), 0);
	if (waits)
		ruleset_share(context.ruleset, readers_wait, NULL);
	for (size_t n = 0; n < MOVING; n++)
		put_moving(n, 0);
}

static void free_context(void)
{
	dynamics_free(context.dynamics);
	fragments_free(context.fragments);
	permits_free(context.permits);
	ruleset_free(context.ruleset);
	realms_free((struct realms *)(uintptr_t)context.realms);
	handoff_bell_done(&bell);
}

static void run_all(void)
{
	for (size_t i = 0; i < READERS; i++) {
		readers[i].handoff = handoff_new(&bell);
		readers[i].seed = (unsigned)i + 1;
		ck_assert_ptr_nonnull(readers[i].handoff);
		ck_assert_int_eq(pthread_create(&readers[i].thread, NULL,
						read_all, &readers[i]),
				 0);
	}
	change_all();
	atomic_store(&is_over, true);
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		handoff_free(readers[i].handoff);
	}
}

START_TEST(what_is_acknowledged_holds_and_nothing_is_lost)
{
	uint64_t moved = 0, counted = 0, wrong = 0;

	make_context();
	run_all();
	for (size_t i = 0; i < READERS; i++) {
		moved += readers[i].moved;
		wrong += readers[i].wrong;
		ck_assert_uint_gt(readers[i].counts[VERDICT_OUT], 0);
		ck_assert_uint_gt(readers[i].counts[VERDICT_NO_RULE], 0);
		ck_assert_uint_gt(readers[i].counts[VERDICT_UNSOLICITED], 0);
	}
	for (uint64_t id = 1; id <= MOVING; id++)
		counted +=
			ruleset_find(context.ruleset, id)->counters->packets_in;
	ck_assert_uint_gt(moved, 1000);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(counted, moved);
	free_context();
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *tests[] = {
		what_is_acknowledged_holds_and_nothing_is_lost,
	};

	waits = argc < 2 || strcmp(argv[1], "no-wait") != 0;
	return SUITE_RUN("stress", tests, NULL, NULL);
}
