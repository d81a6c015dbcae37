/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/frame.h"

#include <string.h>

#include "tests/proxy/suite.h"

#define MAX 65535
#define HEADERS                                     \
	"Via: SIP/2.0/TLS 1.1.1.1;branch=x\r\n"     \
	"From: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\n" \
	"i: 1\r\nCSeq: 1 INVITE\r\n"
#define INVITE "INVITE sip:b@c SIP/2.0\r\n" HEADERS

static struct frame next(const char *text)
{
	return frame_next(text, strlen(text), MAX);
}

static void assert_bad(const char *text, int status, const char *reason)
{
	struct frame frame = next(text);

	ck_assert_int_eq(frame.kind, FRAME_BAD);
	ck_assert_str_eq(frame.reason, reason);
	ck_assert_int_eq(frame.status, status);
}

START_TEST(a_message_is_cut_at_its_end_whatever_follows)
{
	static const char text[] = INVITE "l : 5\r\n\r\nhelloINVITE";
	struct frame frame;

	for (size_t len = 1; len < sizeof(text) - 1 - 6; len++)
		ck_assert_int_eq(frame_next(text, len, MAX).kind, FRAME_MORE);
	frame = next(text);
	ck_assert_int_eq(frame.kind, FRAME_MESSAGE);
	ck_assert_uint_eq(frame.len, sizeof(text) - 1 - 6);
}
END_TEST

START_TEST(lengths_in_folded_lines_and_bare_line_feeds_are_read)
{
	ck_assert_uint_eq(next(INVITE "Content-Length:\r\n 2\r\n\r\nab").kind,
			  FRAME_MESSAGE);
	ck_assert_uint_eq(next("OPTIONS sip:a SIP/2.0\nL:1\n\na").len,
			  strlen("OPTIONS sip:a SIP/2.0\nL:1\n\na"));
}
END_TEST

START_TEST(what_two_parsers_may_cut_differently_is_refused)
{
	assert_bad(INVITE "\r\n", 400, "Content-Length missing");
	assert_bad(INVITE "l: 1\r\nContent-Length: 1\r\n\r\na", 400,
		   "Content-Length twice");
	assert_bad(INVITE "l: -1\r\n\r\n", 400, "Content-Length malformed");
	assert_bad(INVITE "l: 1 2\r\n\r\n", 400, "Content-Length malformed");
	assert_bad(INVITE "l:\r\n\r\n", 400, "Content-Length malformed");
	assert_bad(INVITE "l: 65535\r\n\r\n", 413, "message too long");
	assert_bad(INVITE "l: 99999999999999999999999\r\n\r\n", 413,
		   "message too long");
	assert_bad(INVITE "X: a\rb\r\nl: 0\r\n\r\n", 400,
		   "CR without LF in the headers");
	assert_bad("GET / HTTP/1.1\r\nl: 0\r\n\r\n", 400, "not SIP/2.0");
	assert_bad("\x16\x03\x01", 0, "no SIP");
	assert_bad("SIP/2.0 200 OK\r\n\r\n", 0, "Content-Length missing");
}
END_TEST

START_TEST(a_head_without_an_end_is_too_long_at_the_limit)
{
	char text[200];

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(frame_next(text, 99, 100).kind, FRAME_MORE);
	ck_assert_int_eq(frame_next(text, 100, 100).status, 413);
}
END_TEST

START_TEST(two_line_ends_are_a_ping_one_is_nothing)
{
	ck_assert_int_eq(next("\r\n\r\n").kind, FRAME_PING);
	ck_assert_int_eq(next("\r\n").kind, FRAME_MORE);
	ck_assert_int_eq(next("\r\n\r").kind, FRAME_MORE);
	ck_assert_int_eq(next("\r\nOPTIONS").kind, FRAME_BLANK);
	ck_assert_uint_eq(next("\r\nOPTIONS").len, 2);
	ck_assert_int_eq(next("\n\n").kind, FRAME_BLANK);
	ck_assert_uint_eq(next("\r\n\r\n\r\n\r\n").len, 4);
}
END_TEST

START_TEST(the_answer_repeats_what_the_request_says)
{
	static const char text[] = INVITE "X: y\r\n\r\n";
	struct frame frame = next(text);
	char answer[FRAME_ANSWER_MAX];
	size_t len = frame_refuse(&frame, text, sizeof(text) - 1, answer);

	ck_assert_uint_gt(len, 0);
	answer[len] = '\0';
	ck_assert_str_eq(answer, "SIP/2.0 400 Bad Request\r\n" HEADERS
				 "Reason: SIP;cause=400;"
				 "text=\"Content-Length missing\"\r\n"
				 "Content-Length: 0\r\n\r\n");
	ck_assert_int_eq(frame_next(answer, len, MAX).kind, FRAME_MESSAGE);
}
END_TEST

START_TEST(nothing_is_answered_to_what_cannot_be)
{
	static const char *const texts[] = {
		"ACK sip:b@c SIP/2.0\r\n" HEADERS "\r\n",
		"SIP/2.0 200 OK\r\n" HEADERS "\r\n",
		INVITE "t: <sip:x@y>\r\n\r\n",
		"INVITE sip:b@c SIP/2.0\r\nTo: x\r\n\r\n",
	};
	char answer[FRAME_ANSWER_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct frame frame = next(texts[i]);

		ck_assert_int_eq(frame.kind, FRAME_BAD);
		ck_assert_uint_eq(frame_refuse(&frame, texts[i],
					       strlen(texts[i]), answer),
				  0);
	}
}
END_TEST

START_TEST(the_topmost_via_gets_another_transport_in_its_place)
{
	char text[] = "INVITE sip:b SIP/2.0\r\nX: SIP/2.0/UDP\r\n"
		      "v: SIP / 2.0 / TLS a\r\nVia: SIP/2.0/TLS b\r\n\r\n";
	char sctp[] = "BYE a SIP/2.0\r\nVia:SIP/2.0/SCTP h\r\n\r\n";
	char ws[] = "BYE a SIP/2.0\r\nVia:SIP/2.0/WS h\r\n\r\n";
	char none[] = "BYE a SIP/2.0\r\nVia: SIP/2.0\r\n\r\nVia: SIP/2.0/UDP x";

	ck_assert(frame_is_transport(text, strlen(text), "tls"));
	ck_assert(frame_set_transport(text, strlen(text), "TCP"));
	ck_assert_str_eq(text, "INVITE sip:b SIP/2.0\r\nX: SIP/2.0/UDP\r\n"
			       "v: SIP / 2.0 / TCP a\r\n"
			       "Via: SIP/2.0/TLS b\r\n\r\n");
	ck_assert(frame_set_transport(sctp, strlen(sctp), "UDP"));
	ck_assert_str_eq(sctp, "BYE a SIP/2.0\r\nVia:SIP/2.0/UDP  h\r\n\r\n");
	ck_assert(!frame_set_transport(ws, strlen(ws), "UDP"));
	ck_assert(!frame_set_transport(none, strlen(none), "TCP"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("frame", a_message_is_cut_at_its_end_whatever_follows,
			 lengths_in_folded_lines_and_bare_line_feeds_are_read,
			 what_two_parsers_may_cut_differently_is_refused,
			 a_head_without_an_end_is_too_long_at_the_limit,
			 two_line_ends_are_a_ping_one_is_nothing,
			 the_answer_repeats_what_the_request_says,
			 nothing_is_answered_to_what_cannot_be,
			 the_topmost_via_gets_another_transport_in_its_place);
}
