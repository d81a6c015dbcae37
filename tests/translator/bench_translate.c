/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what a pass costs, and what a rule takes: nanoseconds a packet with
 * 172 bytes of payload, and bytes of resident memory, at 1, 1 000 and
 * 1 000 000 rules of two ports, two in a group, a packet for any of them.
 * Packets are taken as a worker takes them that has more to do than it can,
 * AHEAD_MAX at a time, and rules are put as natctl's link puts them.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mono.h"
#include "tests/translator/sample.h"
#include "translator/ahead.h"

#define ROUND  1024 /* packets that are prepared at a time */
#define ROUNDS 1000
#define STRIDE 256 /* bytes from one prepared packet to the next */
#define BATCH  1000

enum { INSIDE, OUTSIDE, REALMS };

static struct endpoint at(uint32_t addr, size_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), (uint16_t)port, realm };
}

/* The n-th rule: 20 000 rules an outer address, one a host inside. */
static struct endpoint inner_of(size_t n)
{
	return at(0x0a000000 + (uint32_t)n, 16384, INSIDE);
}

static struct endpoint outer_of(size_t n)
{
	return at(0x14000000 + (uint32_t)(n / 20000), 16384 + n % 20000 * 2,
		  OUTSIDE);
}

static struct realms *make_realms(void)
{
	struct ip_prefix inside = { ip_addr_v4(0x0a000000), 8 };
	struct conf_range range = { { ip_addr_v4(0x14000000), 24 },
				    { 16384, 65535 } };
	realm_id reaches = OUTSIDE;
	struct conf_realm realms[REALMS] = {
		{ .id = INSIDE,
		  .networks = &inside,
		  .network_count = 1,
		  .reaches = &reaches,
		  .reach_count = 1 },
		{ .id = OUTSIDE },
	};
	struct conf_pool pool = { .realm = OUTSIDE,
				  .ranges = &range,
				  .range_count = 1 };
	struct conf conf = { .realms = realms,
			     .realm_count = REALMS,
			     .pools = &pool,
			     .pool_count = 1 };

	return realms_new(&conf);
}

static int put_rules(struct ruleset *set, size_t count)
{
	static struct rule rules[BATCH];
	int err = 0;

	for (size_t n = 0; n < count && !err;) {
		size_t batch = 0;

		for (; batch < BATCH && n < count; n++) {
			struct rule *rule = &rules[batch++];

			*rule = (struct rule){ .id = n + 1,
					       .inner = inner_of(n),
					       .outer = outer_of(n),
					       .timer = 60,
					       .ports = 2,
					       .protocol = RULE_UDP };
			snprintf(rule->group, sizeof(rule->group), "call-%zx",
				 n / 2);
		}
		err = ruleset_put(set, rules, batch);
	}
	return err;
}

/* Packets for random rules, all of one length, which is returned. */
static size_t prepare(uint8_t *packets, size_t rules, realm_id from)
{
	uint8_t packet[SAMPLE_MAX];
	size_t len = 0;

	for (size_t i = 0; i < ROUND; i++) {
		size_t n = (size_t)random() % rules;
		struct sample sample = { .src = at(0x01010101, 9, OUTSIDE),
					 .dst = outer_of(n),
					 .payload = 172 };

		if (from == INSIDE) {
			sample.dst = sample.src;
			sample.src = inner_of(n);
		}
		len = sample_build(&sample, packet);
		memcpy(packets + i * STRIDE, packet, len);
	}
	return len;
}

/* AHEAD_MAX packets of one length. */
static void take(struct translate_context *context, realm_id from,
		 uint8_t *packets, size_t len, uint64_t count[VERDICT_COUNT])
{
	struct ahead_packet ahead[AHEAD_MAX];

	for (size_t i = 0; i < AHEAD_MAX; i++)
		ahead[i] = (struct ahead_packet){ .data = packets + i * STRIDE,
						  .len = len };
	ahead_fetch(context, from, ahead, AHEAD_MAX);
	for (size_t i = 0; i < AHEAD_MAX; i++) {
		struct translation result;

		context->ahead = &ahead[i].known;
		result = translate(context, from, ahead[i].data, len, 1);

		translate_apply(context, &result, 1, count);
	}
}

/* Nanoseconds a packet, or < 0: some were not translated. */
static double run(struct translate_context *context, size_t rules,
		  realm_id from)
{
	static uint8_t packets[ROUND * STRIDE];
	uint64_t count[VERDICT_COUNT] = { 0 };
	uint64_t taken = 0;

	for (int round = 0; round < ROUNDS; round++) {
		size_t len = prepare(packets, rules, from);
		uint64_t start = mono_ns();

		for (size_t i = 0; i < ROUND; i += AHEAD_MAX)
			take(context, from, packets + i * STRIDE, len, count);
		taken += mono_ns() - start;
	}
	if (count[from == INSIDE ? VERDICT_OUT : VERDICT_IN] != ROUND * ROUNDS)
		return -1;
	return (double)taken / (ROUND * ROUNDS);
}

/* Bytes of memory that this process has by now. */
static size_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	size_t size, pages = 0;

	malloc_trim(0);
	if (file && fscanf(file, "%zu %zu", &size, &pages) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int bench(struct translate_context *context, size_t rules)
{
	size_t before = resident();
	uint64_t start = mono_ns();
	double put, in, out;
	size_t bytes;

	context->ruleset = ruleset_new(REALMS, 1);
	if (!context->ruleset || put_rules(context->ruleset, rules)) {
		fprintf(stderr, "%zu rules: no memory\n", rules);
		return 1;
	}
	put = (double)(mono_ns() - start) / (double)rules;
	bytes = resident() - before;
	in = run(context, rules, OUTSIDE);
	out = run(context, rules, INSIDE);
	ruleset_free(context->ruleset);
	if (in < 0 || out < 0) {
		fprintf(stderr, "%zu rules: packets were lost\n", rules);
		return 1;
	}
	printf("%8zu rules: in %6.1f ns, out %6.1f ns a packet; "
	       "%5zu bytes, %6.1f ns to put a rule\n",
	       rules, in, out, bytes / rules, put);
	return 0;
}

int main(void)
{
	static const size_t sizes[] = { 1, 1000, 1000000 };
	struct realms *realms = make_realms();
	struct translate_context context = { .realms = realms,
					     .permits = permits_new(2),
					     .fragments = fragments_new(3) };
	int failed = 1;

	if (realms && context.permits && context.fragments) {
		failed = 0;
		for (size_t i = 0; i < 3; i++)
			failed |= bench(&context, sizes[i]);
	}
	fragments_free(context.fragments);
	permits_free(context.permits);
	realms_free(realms);
	return failed;
}
