/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/rewrite.c and translator/icmp.c on random packets. */
#include "translator/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "tests/translator/sample.h"
#include "tests/translator/suite.h"
#include "translator/icmp.h"

static struct endpoint any_endpoint(void)
{
	return (struct endpoint){ ip_addr_v4((uint32_t)random() << 1 |
					     (random() & 1)),
				  (uint16_t)random(), 0 };
}

static struct sample any_sample(void)
{
	return (struct sample){ .src = any_endpoint(),
				.dst = any_endpoint(),
				.payload = (size_t)(random() % 200),
				.no_checksum = random() % 8 == 0,
				.options = random() % 4 == 0 };
}

START_TEST(a_rewritten_packet_is_one_made_with_these_endpoints)
{
	uint8_t data[SAMPLE_MAX], expected[SAMPLE_MAX];
	struct packet packet;

	srandom(3022);
	for (int i = 0; i < 50000; i++) {
		struct sample sample = any_sample();
		size_t len = sample_build(&sample, data);

		ck_assert_int_eq(packet_open(data, len, &packet), 0);
		sample.src = any_endpoint();
		sample.dst = any_endpoint();
		rewrite_endpoints(&packet, &sample.src, &sample.dst);
		sample_build(&sample, expected);
		ck_assert_mem_eq(data, expected, len);
	}
}
END_TEST

START_TEST(a_rewritten_error_is_one_made_with_these_endpoints)
{
	uint8_t data[SAMPLE_MAX], expected[SAMPLE_MAX];
	struct packet packet, quoted;
	struct icmp_rewrite to;

	srandom(5508);
	for (int i = 0; i < 50000; i++) {
		struct sample sample = any_sample();
		size_t len;

		sample.protocol = 1;
		sample.icmp_type = 3;
		sample.quoted_src = any_endpoint();
		sample.quoted_dst = any_endpoint();
		sample.quoted_payload = (size_t)(random() % 173);
		len = sample_build(&sample, data);
		ck_assert_int_eq(packet_open(data, len, &packet), 0);
		ck_assert_int_eq(icmp_open(&packet, &quoted),
				 VERDICT_ICMP_ERROR);
		sample.src = any_endpoint();
		sample.dst = any_endpoint();
		sample.quoted_src = any_endpoint();
		sample.quoted_dst = any_endpoint();
		to = (struct icmp_rewrite){ sample.src.addr, sample.dst.addr,
					    sample.quoted_src,
					    sample.quoted_dst, false };
		icmp_rewrite(&packet, &quoted, &to);
		sample_build(&sample, expected);
		ck_assert_mem_eq(data, expected, len);
	}
}
END_TEST

START_TEST(a_wrong_checksum_stays_wrong)
{
	struct sample sample = any_sample();
	uint8_t data[SAMPLE_MAX], expected[SAMPLE_MAX];
	struct packet packet;
	size_t len;

	sample.payload = 9;
	sample.no_checksum = false;
	sample.options = false;
	len = sample_build(&sample, data);
	data[len - 1] ^= 0x40;
	ck_assert_int_eq(packet_open(data, len, &packet), 0);
	sample.src = any_endpoint();
	rewrite_endpoints(&packet, &sample.src, &sample.dst);
	sample_build(&sample, expected);
	expected[len - 1] ^= 0x40;
	ck_assert_mem_eq(data, expected, len);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		a_rewritten_packet_is_one_made_with_these_endpoints,
		a_rewritten_error_is_one_made_with_these_endpoints,
		a_wrong_checksum_stays_wrong,
	};

	return SUITE_RUN("rewrite", tests, NULL, NULL);
}
