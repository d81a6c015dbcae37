/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media packets are as RFC 3550 wants them, and any change is found. */
#include <check.h>
#include <errno.h>

#include "rtp.h"
#include "tests/proxy/suite.h"

static struct rtp_mark mark_of(uint32_t number)
{
	struct rtp_mark mark = { rtp_ssrc("sip:a@a.example", 1), number, 1 };

	return mark;
}

static void make_rtp(uint32_t number, uint8_t *ret_packet)
{
	struct rtp_mark mark = mark_of(number);

	rtp_encode(ret_packet, &mark);
}

static void make_rtcp(uint32_t number, uint8_t *ret_packet)
{
	struct rtcp_counts counts = { 0x0123456789abcdefULL, 25, 4000 };
	struct rtp_mark mark = mark_of(number);

	rtcp_encode(ret_packet, &mark, &counts);
}

START_TEST(packets_decode_to_their_mark)
{
	uint8_t rtp[RTP_PACKET], rtcp[RTCP_PACKET];
	struct rtp_mark mark;

	make_rtp(70000, rtp);
	ck_assert_int_eq(rtp_decode(rtp, sizeof(rtp), &mark), 0);
	ck_assert_uint_eq(mark.ssrc, rtp_ssrc("sip:a@a.example", 1));
	ck_assert_uint_eq(mark.number, 70000);
	ck_assert_uint_eq(mark.stream, 1);

	make_rtcp(3, rtcp);
	ck_assert_int_eq(rtcp_decode(rtcp, sizeof(rtcp), &mark), 0);
	ck_assert_uint_eq(mark.ssrc, rtp_ssrc("sip:a@a.example", 1));
	ck_assert_uint_eq(mark.number, 3);
	ck_assert_uint_eq(mark.stream, 1);
}
END_TEST

START_TEST(rtp_has_the_header_of_rfc_3550)
{
	const uint8_t timestamp[] = { 0x00, 0xa0, 0x00, 0xa0 };
	uint8_t packet[RTP_PACKET];

	make_rtp(65537, packet);
	ck_assert_uint_eq(packet[0], 0x80);
	ck_assert_uint_eq(packet[1], 0);
	ck_assert_mem_eq(packet + 2, "\x00\x01", 2);
	ck_assert_mem_eq(packet + 4, timestamp, 4);
}
END_TEST

START_TEST(rtcp_is_a_compound_of_whole_packets)
{
	uint8_t packet[RTCP_PACKET];
	const uint8_t types[] = { 200, 202, 204 };
	size_t at = 0;

	make_rtcp(1, packet);
	for (size_t i = 0; i < sizeof(types); i++) {
		ck_assert_uint_eq(packet[at] >> 6, 2);
		ck_assert_uint_eq(packet[at + 1], types[i]);
		at += 4 * (1 + (size_t)(packet[at + 2] << 8 | packet[at + 3]));
		ck_assert_uint_le(at, sizeof(packet));
	}
	ck_assert_uint_eq(at, sizeof(packet));
}
END_TEST

START_TEST(any_flipped_bit_of_rtp_is_found)
{
	uint8_t packet[RTP_PACKET];
	struct rtp_mark mark;

	for (unsigned bit = 0; bit < 8 * RTP_PACKET; bit++) {
		make_rtp(4711, packet);
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(rtp_decode(packet, sizeof(packet), &mark),
				 -EBADMSG);
	}
}
END_TEST

START_TEST(any_flipped_bit_of_rtcp_is_found)
{
	uint8_t packet[RTCP_PACKET];
	struct rtp_mark mark;

	for (unsigned bit = 0; bit < 8 * RTCP_PACKET; bit++) {
		make_rtcp(4711, packet);
		packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_eq(rtcp_decode(packet, sizeof(packet), &mark),
				 -EBADMSG);
	}
}
END_TEST

START_TEST(other_lengths_are_corrupt)
{
	uint8_t packet[RTP_PACKET + 1] = { 0 };
	struct rtp_mark mark;

	make_rtp(1, packet);
	for (size_t length = 0; length <= sizeof(packet); length++) {
		if (length != RTP_PACKET)
			ck_assert_int_eq(rtp_decode(packet, length, &mark),
					 -EBADMSG);
		ck_assert_int_eq(rtcp_decode(packet, length, &mark), -EBADMSG);
	}
}
END_TEST

START_TEST(senders_and_streams_have_their_own_ssrc)
{
	ck_assert_uint_ne(rtp_ssrc("sip:a@a.example", 0),
			  rtp_ssrc("sip:b@a.example", 0));
	ck_assert_uint_ne(rtp_ssrc("sip:a@a.example", 0),
			  rtp_ssrc("sip:a@a.example", 1));
}
END_TEST

int main(void)
{
	return SUITE_RUN("phone/rtp", packets_decode_to_their_mark,
			 rtp_has_the_header_of_rfc_3550,
			 rtcp_is_a_compound_of_whole_packets,
			 any_flipped_bit_of_rtp_is_found,
			 any_flipped_bit_of_rtcp_is_found,
			 other_lengths_are_corrupt,
			 senders_and_streams_have_their_own_ssrc);
}
