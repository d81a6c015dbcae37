/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/packet.c. */
#include "translator/packet.h"

#include <errno.h>
#include <string.h>

#include "tests/translator/sample.h"
#include "tests/translator/suite.h"

static struct endpoint at(const char *text)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse_bare(text, strlen(text), &endpoint), 0);
	return endpoint;
}

static struct sample call(void)
{
	return (struct sample){ .src = at("1.1.1.1:1111"),
				.dst = at("2.2.2.2:2222"),
				.payload = 20,
				.id = 77,
				.ttl = 9 };
}

START_TEST(behind_the_end_of_the_options_is_none)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet;

	sample.options = true;
	ck_assert_int_eq(packet_open(data, sample_build(&sample, data),
				     &packet),
			 0);
	ck_assert(!packet_has_route(&packet));
	data[20] = 7;
	ck_assert(packet_has_route(&packet));
	data[20] = 0;
	data[21] = 7;
	ck_assert(!packet_has_route(&packet));
}
END_TEST

START_TEST(a_packet_is_read_field_by_field)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet;
	struct ip_addr addr;

	sample.options = true;
	ck_assert_int_eq(packet_open(data, sample_build(&sample, data),
				     &packet),
			 0);
	ck_assert_uint_eq(packet.len, 28 + 8 + 20);
	ck_assert_uint_eq(packet.header, 28);
	ck_assert_uint_eq(packet.id, 77);
	ck_assert_uint_eq(packet.ttl, 9);
	ck_assert_uint_eq(packet.protocol, PACKET_UDP);
	ck_assert(!packet_is_fragment(&packet));
	addr = packet_src(&packet);
	ck_assert(ip_addr_equal(&addr, &sample.src.addr));
	addr = packet_dst(&packet);
	ck_assert(ip_addr_equal(&addr, &sample.dst.addr));
	ck_assert_uint_eq(packet_src_port(&packet), 1111);
	ck_assert_uint_eq(packet_dst_port(&packet), 2222);
}
END_TEST

START_TEST(no_shortened_packet_is_taken)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet = { .id = 1 };
	size_t len = sample_build(&sample, data);

	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(packet_open(data, i, &packet), -EBADMSG);
	ck_assert_uint_eq(packet.id, 1);
	ck_assert_int_eq(packet_open(data, len, &packet), 0);
}
END_TEST

START_TEST(what_stands_behind_a_packet_is_left_out)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet;
	size_t len = sample_build(&sample, data);

	ck_assert_int_eq(packet_open(data, len + 5, &packet), 0);
	ck_assert_uint_eq(packet.len, len);
}
END_TEST

START_TEST(another_version_is_damage)
{
	uint8_t data[40] = { 0x55 };
	struct packet packet;

	ck_assert_int_eq(packet_open(data, 40, &packet), -EBADMSG);
}
END_TEST

START_TEST(both_fragments_are_told_by_offset_and_flag)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet;

	sample.part = SAMPLE_FIRST;
	ck_assert_int_eq(packet_open(data, sample_build(&sample, data),
				     &packet),
			 0);
	ck_assert(packet.more);
	ck_assert_uint_eq(packet.offset, 0);
	sample.part = SAMPLE_LATER;
	ck_assert_int_eq(packet_open(data, sample_build(&sample, data),
				     &packet),
			 0);
	ck_assert(!packet.more);
	ck_assert_uint_eq(packet.offset, 3);
	ck_assert(packet_is_fragment(&packet));
}
END_TEST

START_TEST(a_quote_may_end_after_the_ports)
{
	struct sample sample = call();
	uint8_t data[SAMPLE_MAX];
	struct packet packet;

	sample_build(&sample, data);
	ck_assert_int_eq(packet_open_quoted(data, 28, &packet), 0);
	ck_assert_uint_eq(packet.len, 28);
	ck_assert_uint_eq(packet_dst_port(&packet), 2222);
	for (size_t i = 0; i < 28; i++)
		ck_assert_int_eq(packet_open_quoted(data, i, &packet),
				 -EBADMSG);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		behind_the_end_of_the_options_is_none,
		a_packet_is_read_field_by_field,
		no_shortened_packet_is_taken,
		what_stands_behind_a_packet_is_left_out,
		another_version_is_damage,
		both_fragments_are_told_by_offset_and_flag,
		a_quote_may_end_after_the_ports,
	};

	return SUITE_RUN("packet", tests, NULL, NULL);
}
