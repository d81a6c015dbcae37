/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what a pass costs, and what a rule takes: nanoseconds a packet with
 * 172 bytes of payload, and bytes, at 1, 1 000 and 1 000 000 rules of two
 * ports, a packet for any of them.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"
#include "tests/translator/sample.h"
#include "translator/translate.h"

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

		for (; batch < BATCH && n < count; n++)
			rules[batch++] = (struct rule){ .id = n + 1,
							.group = "call-7f3a",
							.inner = inner_of(n),
							.outer = outer_of(n),
							.timer = 60,
							.ports = 2,
							.protocol = RULE_UDP };
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

/* Nanoseconds a packet, or < 0: some were not translated. */
static double run(const struct translate_context *context, size_t rules,
		  realm_id from)
{
	static uint8_t packets[ROUND * STRIDE];
	uint64_t count[VERDICT_COUNT] = { 0 };
	uint64_t taken = 0;

	for (int round = 0; round < ROUNDS; round++) {
		size_t len = prepare(packets, rules, from);
		uint64_t start = mono_ns();

		for (size_t i = 0; i < ROUND; i++) {
			struct translation result =
				translate(context, from, packets + i * STRIDE,
					  len, 1);

			translate_apply(context, &result, 1, count);
		}
		taken += mono_ns() - start;
	}
	if (count[from == INSIDE ? VERDICT_OUT : VERDICT_IN] != ROUND * ROUNDS)
		return -1;
	return (double)taken / (ROUND * ROUNDS);
}

static int bench(struct translate_context *context, size_t rules)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	uint64_t start = mono_ns();
	double put, in, out;
	size_t bytes;

	context->ruleset = ruleset_new(REALMS, 1);
	if (!context->ruleset || put_rules(context->ruleset, rules)) {
		fprintf(stderr, "%zu rules: no memory\n", rules);
		return 1;
	}
	put = (double)(mono_ns() - start) / (double)rules;
	bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
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
