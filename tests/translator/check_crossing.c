/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests translator/crossing.c and translator/crossing_icmp.c where the text
 * cases of tests/path do not reach: pieces, and packets with damage.
 */
#include "translator/crossing.h"

#include <stdlib.h>
#include <string.h>

#include "tests/translator/sample.h"
#include "tests/translator/suite.h"
#include "translator/translate.h"

enum { INSIDE, OUTSIDE, REALMS };

static const char *const addrs[] = { "10.0.0.2",          "10.9.0.1",
				     "10.0.0.7",          "2001:db8:9::1",
				     "2001:db8:ffff::33", "2001:db8:9::7" };

static struct endpoint at(const char *addr, uint16_t port, realm_id realm)
{
	struct endpoint endpoint = { .port = port, .realm = realm };

	ck_assert_int_eq(ip_addr_parse(addr, strlen(addr), &endpoint.addr), 0);
	return endpoint;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix prefix;

	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &prefix), 0);
	return prefix;
}

static struct realms *make_realms(void)
{
	struct ip_prefix networks[2] = { prefix("10.0.0.0/8"),
					 prefix("2001:db8::/32") };
	struct conf_range ranges[2] = { { prefix("10.9.0.0/16"), { 1, 65535 } },
					{ prefix("2001:db8:ffff::/64"),
					  { 1, 65535 } } };
	struct conf_realm conf_realms[REALMS] = {
		{ .id = INSIDE, .networks = networks, .network_count = 1 },
		{ .id = OUTSIDE, .networks = networks + 1, .network_count = 1 },
	};
	struct conf_pool pools[REALMS] = {
		{ .realm = INSIDE, .ranges = ranges, .range_count = 1 },
		{ .realm = OUTSIDE, .ranges = ranges + 1, .range_count = 1 },
	};
	struct conf conf = { .realms = conf_realms,
			     .realm_count = REALMS,
			     .pools = pools,
			     .pool_count = REALMS };

	return realms_new(&conf);
}

static void put_pair(struct ruleset *ruleset, enum rule_protocol protocol)
{
	struct rule rules[2] = {
		{ .id = protocol,
		  .inner = at("10.0.0.2", 1, INSIDE),
		  .outer = at("2001:db8:ffff::33", 1, OUTSIDE) },
		{ .id = 100u + protocol,
		  .inner = at("2001:db8:9::1", 1, OUTSIDE),
		  .outer = at("10.9.0.1", 1, INSIDE) },
	};

	for (size_t i = 0; i < 2; i++) {
		rules[i].ports = 3;
		rules[i].timer = 60;
		rules[i].protocol = (uint8_t)protocol;
	}
	ck_assert_int_eq(ruleset_put(ruleset, rules, 2), 0);
}

static struct sample any_sample(bool v6)
{
	static const uint8_t types[] = { 3, 11, 12, 8 },
			     types6[] = { 1, 2, 3, 4 };
	const char *const *from = v6 ? addrs + 3 : addrs;
	size_t to = random() % 8 ? 1 : 2, is = random() % 8 ? 0 : 2;
	struct sample sample = { .payload = 17 + (size_t)(random() % 1500),
				 .id = (uint16_t)(random() % 2),
				 .no_checksum = random() % 8 == 0,
				 .may_fragment = random() % 2,
				 .icmp_rest = (uint32_t)random(),
				 .options = random() % 4 == 0 };

	sample.src = at(from[is], (uint16_t)(random() % 3 + 1), 0);
	sample.dst = at(from[to], (uint16_t)(random() % 3 + 1), 0);
	if (random() % 4 == 0)
		sample.protocol = 6;
	else if (random() % 4 == 0)
		sample.part = random() % 2 ? SAMPLE_FIRST : SAMPLE_LATER;
	if (random() % 2)
		return sample;
	sample.part = SAMPLE_WHOLE;
	sample.quoted_protocol = sample.protocol;
	sample.protocol = 1;
	sample.icmp_type = (v6 ? types6 : types)[random() % 4];
	sample.icmp_code = (uint8_t)(random() % 6);
	sample.quoted_src = sample.dst;
	sample.quoted_dst = sample.src;
	sample.quoted_payload = (size_t)(random() % 150);
	return sample;
}

/* A buffer of the size that is promised, so that overruns are seen. */
static bool crosses(const struct translate_context *context, bool v6,
		    const uint8_t *in, size_t len)
{
	uint8_t *buf = malloc(CROSSING_HEADROOM + len);
	uint8_t *out = buf + CROSSING_HEADROOM;
	struct translation result;
	struct packet packet;

	ck_assert_ptr_nonnull(buf);
	memcpy(out, in, len);
	result = translate(context, v6 ? OUTSIDE : INSIDE, out, len, 1000);
	translate_apply(context, &result, 1000, (uint64_t[VERDICT_COUNT]){ 0 });
	if (result.crossed.data) {
		ck_assert(result.crossed.data >= buf);
		ck_assert(result.crossed.data + result.crossed.len <=
			  out + len);
		ck_assert_int_eq(packet_open(result.crossed.data,
					     result.crossed.len, &packet),
				 0);
		ck_assert_uint_eq(packet.len, result.crossed.len);
		ck_assert(packet.v6 != v6);
		ck_assert_int_eq(result.to, v6 ? INSIDE : OUTSIDE);
	} else {
		ck_assert_int_eq(result.to, REALM_NONE);
		ck_assert_mem_eq(in, out, len);
	}
	free(buf);
	return result.crossed.data;
}

START_TEST(whatever_comes_crosses_whole_or_stays_as_it_was)
{
	struct realms *realms = make_realms();
	struct translate_context context = { .ruleset = ruleset_new(REALMS, 1),
					     .realms = realms,
					     .permits = permits_new(2),
					     .fragments = fragments_new(3) };
	unsigned crossed = 0;

	put_pair(context.ruleset, RULE_UDP);
	put_pair(context.ruleset, RULE_TCP);
	srandom(7915);
	for (int i = 0; i < 60000; i++) {
		bool v6 = random() % 2;
		struct sample sample = any_sample(v6);
		uint8_t data[SAMPLE_MAX];
		size_t len = sample_build(&sample, data);

		for (long n = random() % 4; n > 0; n--)
			data[(size_t)random() % (random() % 2 ? 60 : len)] ^=
				(uint8_t)random();
		if (random() % 8 == 0)
			len = (size_t)random() % len + 1;
		crossed += crosses(&context, v6, data, len);
	}
	ck_assert_uint_gt(crossed, 10000);
	fragments_free(context.fragments);
	permits_free(context.permits);
	ruleset_free(context.ruleset);
	realms_free(realms);
}
END_TEST

START_TEST(pieces_make_up_the_packet)
{
	uint8_t room[CROSSING_HEADROOM + SAMPLE_MAX], piece[CROSSING_PIECE];
	uint8_t whole[SAMPLE_MAX];
	struct sample sample = { .src = at("10.0.0.2", 1, INSIDE),
				 .dst = at("10.9.0.1", 1, INSIDE),
				 .may_fragment = true,
				 .id = 4711 };
	struct endpoint src = at("2001:db8:ffff::33", 1, OUTSIDE);
	struct endpoint dst = at("2001:db8:9::1", 1, OUTSIDE);

	for (sample.payload = 1233; sample.payload < 1900; sample.payload++) {
		size_t len, at_byte = 0;
		struct crossed crossed;
		struct packet packet;
		bool more = true;

		len = sample_build(&sample, room + CROSSING_HEADROOM);
		ck_assert_int_eq(packet_open(room + CROSSING_HEADROOM, len,
					     &packet),
				 0);
		ck_assert(crossing(&packet, &src, &dst, &crossed));
		ck_assert(crossed.in_pieces);
		for (size_t n = 0; (len = crossing_piece(&crossed, n, piece));
		     n++) {
			ck_assert(more);
			ck_assert_int_eq(packet_open(piece, len, &packet), 0);
			ck_assert_uint_eq(packet.id, 4711);
			ck_assert_uint_eq(packet.offset * 8u, at_byte);
			memcpy(whole + at_byte, piece + packet.header,
			       len - packet.header);
			at_byte += len - packet.header;
			more = packet.more;
		}
		ck_assert(!more);
		ck_assert_uint_eq(at_byte, sample.payload + 8);
		ck_assert_mem_eq(whole, crossed.data + 48, at_byte);
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		whatever_comes_crosses_whole_or_stays_as_it_was,
		pieces_make_up_the_packet,
	};

	return SUITE_RUN("crossing", tests, NULL, NULL);
}
