/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as packets through the translator. An input is a row of packets:
 * realm (1 byte), length (2 bytes, big-endian), the packet. Besides not
 * crashing it must keep these promises:
 *
 * - what is discarded is untouched and goes nowhere;
 * - of what is forwarded nothing changes but addresses, ports, checksums, and
 *   the sum that each checksum checks is the same as before;
 * - no address of the realm inside stands in a header that leaves it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/fuzz.h"
#include "tests/translator/sample.h"
#include "translator/packet.h"
#include "translator/translate.h"

enum { INSIDE, OUTSIDE, TRANSIT, REALMS };

struct world {
	struct translate_context context;
	struct realms *realms;
	uint64_t count[VERDICT_COUNT];
	uint64_t now_ms;
};

static struct endpoint at(uint32_t addr, uint16_t port, realm_id realm)
{
	return (struct endpoint){ ip_addr_v4(addr), port, realm };
}

static struct realms *make_realms(void)
{
	struct ip_prefix inside = { ip_addr_v4(0x0a000000), 8 };
	struct ip_prefix transit = { ip_addr_v4(0x28000000), 8 };
	struct conf_range ranges[2] = {
		{ { ip_addr_v4(0x14000000), 24 }, { 1, 65535 } },
		{ { ip_addr_v4(0x28000000), 24 }, { 1, 65535 } }
	};
	realm_id reaches = OUTSIDE;
	struct conf_realm realms[REALMS] = {
		{ .id = INSIDE,
		  .networks = &inside,
		  .network_count = 1,
		  .reaches = &reaches,
		  .reach_count = 1 },
		{ .id = OUTSIDE },
		{ .id = TRANSIT, .networks = &transit, .network_count = 1 },
	};
	struct conf_pool pools[2] = {
		{ .realm = OUTSIDE, .ranges = &ranges[0], .range_count = 1 },
		{ .realm = TRANSIT, .ranges = &ranges[1], .range_count = 1 },
	};
	struct conf conf = { .realms = realms,
			     .realm_count = REALMS,
			     .pools = pools,
			     .pool_count = 2 };

	return realms_new(&conf);
}

/* One rule of each kind, two that are hairpinned, two for transit. */
static int put_rules(struct ruleset *set)
{
	static const struct rule_condition conditions[2] = {
		{ .source = { { { 1, 1, 1, 1 }, IP_V4 }, 32 },
		  .ports = { 1, 65535 },
		  .target = { { { 10, 0, 0, 9 }, IP_V4 }, 1000, INSIDE } },
		{ .source = { { { 1, 1, 1, 0 }, IP_V4 }, 24 },
		  .ports = { 9, 9 } },
	};
	struct rule rules[6];

	for (uint32_t i = 0; i < 6; i++)
		rules[i] = (struct rule){
			.id = i + 1,
			.inner = at(0x0a000001 + i, 1000, INSIDE),
			.outer = at(0x14000001 + i, 2000, OUTSIDE),
			.timer = 1,
			.ports = 2,
			.kind = (uint8_t)(i % 3),
			.protocol = RULE_UDP
		};
	rules[3].condition_count = 2;
	rules[3].conditions = conditions;
	rules[4].inner = at(0x01010101, 9, OUTSIDE);
	rules[4].outer = at(0x28000001, 2000, TRANSIT);
	rules[4].kind = RULE_BOTH;
	rules[5].inner = at(0x28010101, 9, TRANSIT);
	rules[5].kind = RULE_BOTH;
	return ruleset_put(set, rules, 6);
}

static bool is_inside(const uint8_t *addr)
{
	return addr[0] == 10;
}

/* The sum of a run of bytes with another start; 0 and ffff are one. */
static unsigned sum_of(const uint8_t *data, size_t len, uint32_t start)
{
	return sample_sum(data, len, start) % 0xffffu;
}

static uint32_t sum_pseudo(const struct packet *packet)
{
	return sample_sum(packet->data + PACKET_SRC, 8, 0);
}

static void check_udp(const struct packet *before, const struct packet *after)
{
	size_t at_payload = before->header + PACKET_UDP_HEADER;

	if (packet_get16(before, before->header + 6) == 0)
		assert(packet_get16(after, after->header + 6) == 0);
	else
		assert(sum_of(before->data + before->header,
			      before->len - before->header,
			      sum_pseudo(before)) ==
		       sum_of(after->data + after->header,
			      after->len - after->header, sum_pseudo(after)));
	assert(memcmp(before->data + at_payload, after->data + at_payload,
		      before->len - at_payload) == 0);
}

static void check_icmp(const struct packet *after, realm_id to)
{
	const uint8_t *icmp = after->data + after->header;
	size_t len = after->len - after->header;

	assert(sample_sum(icmp, len, 0) == 0xffff);
	assert(to == INSIDE || (!is_inside(icmp + 8 + PACKET_SRC) &&
				!is_inside(icmp + 8 + PACKET_DST)));
}

static void check_forwarded(const uint8_t *in, const uint8_t *out, size_t len,
			    const struct translation *result)
{
	struct packet before, after;
	uint8_t *copy = malloc(len);

	assert(copy);
	memcpy(copy, in, len);
	assert(packet_open(copy, len, &before) == 0);
	memcpy(copy, out, len);
	assert(packet_open(copy, len, &after) == 0);
	before.data = malloc(len);
	assert(before.data);
	memcpy(before.data, in, len);
	assert(before.len == after.len && before.header == after.header);
	assert(memcmp(before.data, after.data, PACKET_CHECKSUM) == 0);
	assert(memcmp(before.data + 20, after.data + 20, after.header - 20) ==
	       0);
	assert(sum_of(before.data, before.header, 0) ==
	       sum_of(after.data, after.header, 0));
	assert(memcmp(before.data + before.len, after.data + after.len,
		      len - before.len) == 0);
	assert(result->to < REALMS);
	if (result->to != INSIDE)
		assert(!is_inside(after.data + PACKET_SRC));
	if (result->verdict == VERDICT_ICMP_ERROR)
		check_icmp(&after, result->to);
	else if (result->verdict == VERDICT_FRAGMENT)
		assert(memcmp(before.data + before.header,
			      after.data + after.header,
			      after.len - after.header) == 0);
	else
		check_udp(&before, &after);
	free(before.data);
	free(copy);
}

static void run_packet(struct world *world, realm_id from, const uint8_t *in,
		       size_t len)
{
	struct translation result;
	uint8_t *out = malloc(len ? len : 1); /* so that overruns are seen */

	assert(out);
	memcpy(out, in, len);
	result = translate(&world->context, from, out, len, world->now_ms);
	if (verdict_is_forwarded(result.verdict)) {
		check_forwarded(in, out, len, &result);
	} else {
		assert(result.to == REALM_NONE);
		assert(len == 0 || memcmp(in, out, len) == 0);
	}
	translate_apply(&world->context, &result, world->now_ms, world->count);
	world->now_ms += 100;
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .realms = make_realms(), .now_ms = 1000000 };

	world.context.realms = world.realms;
	world.context.ruleset = ruleset_new(REALMS, 1);
	world.context.permits = permits_new(2);
	world.context.fragments = fragments_new(3);
	assert(world.realms && world.context.ruleset && world.context.permits &&
	       world.context.fragments);
	if (put_rules(world.context.ruleset))
		abort();
	while (size >= 3) {
		realm_id from = data[0] % REALMS;
		size_t len = (size_t)(data[1] << 8 | data[2]);

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		run_packet(&world, from, data, len);
		data += len;
		size -= len;
	}
	fragments_free(world.context.fragments);
	permits_free(world.context.permits);
	ruleset_free(world.context.ruleset);
	realms_free(world.realms);
	return 0;
}
