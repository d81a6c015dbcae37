/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/media.h"

#include <sofia-sip/sdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/text.h"
#include "tests/proxy/corpus.h"
#include "tests/proxy/suite.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 10.0.0.5\r\ns=-\r\n"

static struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	ck_assert_int_eq(ip_addr_parse(text, strlen(text), &addr), 0);
	return addr;
}

static struct media read_media(const char *body)
{
	struct media_error error = { 0 };
	struct media media;

	ck_assert_msg(media_read(body, strlen(body), &media, &error) == 0,
		      "%d %s for\n%s", error.status, error.text, body);
	return media;
}

static void assert_written(const char *body, const struct media_change *change,
			   const char *want)
{
	struct media media = read_media(body);
	char *text;
	size_t len;

	ck_assert_int_eq(media_write(&media, body, strlen(body), change, &text,
				     &len),
			 0);
	ck_assert_str_eq(text, want);
	ck_assert_uint_eq(len, strlen(want));
	free(text);
}

static void assert_refused(const char *body, size_t len, int status,
			   const char *text)
{
	struct media_error error = { 0 };
	struct media media;

	ck_assert_msg(media_read(body, len, &media, &error) != 0,
		      "taken, wanted %d %s:\n%.*s", status, text, (int)len,
		      body);
	ck_assert_int_eq(error.status, status);
	ck_assert_str_eq(error.text, text);
}

static void assert_addr(const struct ip_addr *addr, const char *want)
{
	char text[IP_ADDR_TEXT];

	ck_assert_str_eq(ip_addr_format(addr, text), want);
}

START_TEST(endpoints_of_the_seed_offer_are_read)
{
	const char *body = HEAD "c=IN IP4 1.1.1.1\r\nt=0 0\r\n"
				"m=audio 1111 RTP/AVP 0 8\r\na=sendonly\r\n";
	struct media media = read_media(body);
	const struct media_stream *stream = &media.streams[0];

	ck_assert_uint_eq(media.count, 1);
	assert_addr(&stream->addr, "1.1.1.1");
	assert_addr(&stream->rtcp_addr, "1.1.1.1");
	assert_addr(&media.origin, "10.0.0.5");
	ck_assert_uint_eq(stream->port, 1111);
	ck_assert_uint_eq(stream->rtcp_port, 1112);
	ck_assert_int_eq(stream->protocol, MEDIA_RTP);
	ck_assert_int_eq(stream->direction, MEDIA_SENDONLY);
	ck_assert(!stream->hold && !stream->refused && !stream->rtcp_given);
	ck_assert_uint_eq(stream->kind.len, strlen("audio"));
	ck_assert_mem_eq(body + stream->kind.at, "audio", 5);
	ck_assert_mem_eq(body + stream->transport.at, "RTP/AVP", 7);
}
END_TEST

START_TEST(each_stream_has_its_own_values)
{
	struct media media = read_media(
		HEAD "c=IN IP4 0.0.0.0\nt=0 0\na=inactive\n"
		     "m=audio 4000/2 RTP/SAVPF 0\na=rtcp-mux \n"
		     "m=video 5000 UDP/TLS/RTP/SAVP 31\nc=IN IP4 10.0.0.6 \n"
		     "a=recvonly\na=rtcp:53020 IN IP4 10.0.0.7\n"
		     "m=image 6000 udptl t38\nc=IN IP4 10.0.0.8/127\n"
		     "m=application 0 TCP/BFCP *\n");

	ck_assert_uint_eq(media.count, 4);
	ck_assert(media.streams[0].hold && media.streams[0].rtcp_mux);
	ck_assert_uint_eq(media.streams[0].count, 2);
	ck_assert_int_eq(media.streams[0].direction, MEDIA_INACTIVE);
	ck_assert_int_eq(media.streams[1].direction, MEDIA_RECVONLY);
	ck_assert_uint_eq(media.streams[1].rtcp_port, 53020);
	assert_addr(&media.streams[1].addr, "10.0.0.6");
	assert_addr(&media.streams[1].rtcp_addr, "10.0.0.7");
	ck_assert_int_eq(media.streams[2].protocol, MEDIA_UDP);
	assert_addr(&media.streams[2].addr, "10.0.0.8");
	ck_assert(media.streams[3].refused);
	ck_assert_int_eq(media.streams[3].protocol, MEDIA_TCP);
}
END_TEST

START_TEST(session_conn_behind_times_counts)
{
	struct media media = read_media("v=0\r\no=(null)\r\ns= \r\nt=0 0\r\n"
					"c=IN IP4 10.0.0.5\r\n"
					"m=audio 1 RTP/AVP 0");

	assert_addr(&media.streams[0].addr, "10.0.0.5");
	ck_assert_int_eq(media.origin.family, IP_NONE);
	ck_assert_uint_eq(media.origin_addr.len, 0);
}
END_TEST

START_TEST(seed_case_one_is_written)
{
	struct media_change change;

	media_change_init(&change);
	change.origin = change.streams[0].addr = ip("3.3.3.3");
	change.streams[0].port = 3333;
	assert_written("v=0\r\no=- 7 8 IN IP4 2.2.2.2\r\ns=-\r\n"
		       "c=IN IP4 2.2.2.2\r\nt=0 0\r\nm=audio 2222 RTP/AVP 0\r\n"
		       "a=rtcp:2223\r\na=x-keep: 2.2.2.2 \r\n",
		       &change,
		       "v=0\r\no=- 7 8 IN IP4 3.3.3.3\r\ns=-\r\n"
		       "c=IN IP4 3.3.3.3\r\nt=0 0\r\nm=audio 3333 RTP/AVP 0\r\n"
		       "a=rtcp:3334\r\na=x-keep: 2.2.2.2 \r\n");
}
END_TEST

START_TEST(streams_with_other_addresses_get_a_conn_line)
{
	struct media_change change;

	media_change_init(&change);
	change.streams[0].addr = ip("3.3.3.3");
	change.streams[1].addr = ip("4.4.4.4");
	change.streams[2].addr = ip("5.5.5.5");
	assert_written("v=0\nc=IN IP4 10.0.0.5\nm=audio 10/3 RTP/AVP 0\nb=AS:1\n"
		       "m=video 20 RTP/AVP 31\ni=title\na=x\n"
		       "m=image 30 udptl t38",
		       &change,
		       "v=0\nc=IN IP4 3.3.3.3\nm=audio 10/3 RTP/AVP 0\nb=AS:1\n"
		       "m=video 20 RTP/AVP 31\ni=title\nc=IN IP4 4.4.4.4\na=x\n"
		       "m=image 30 udptl t38\nc=IN IP4 5.5.5.5");
}
END_TEST

START_TEST(rtcp_that_is_no_neighbour_gets_a_line)
{
	struct media_change change;

	media_change_init(&change);
	change.streams[0].addr = change.streams[1].addr = ip("3.3.3.3");
	change.streams[0].port = 3000;
	change.streams[0].rtcp_port = 4001;
	change.streams[1].port = 5000;
	change.streams[1].rtcp_port = 5007;
	change.streams[1].rtcp_addr = ip("6.6.6.6");
	assert_written("v=0\r\nc=IN IP4 10.0.0.5\r\nm=audio 10 RTP/AVP 0\r\n"
		       "a=y\r\nm=video 20 RTP/AVP 31",
		       &change,
		       "v=0\r\nc=IN IP4 3.3.3.3\r\nm=audio 3000 RTP/AVP 0\r\n"
		       "a=y\r\na=rtcp:4001\r\nm=video 5000 RTP/AVP 31\r\n"
		       "a=rtcp:5007 IN IP4 6.6.6.6");
}
END_TEST

START_TEST(rtcp_follows_its_stream)
{
	struct media_change change;

	media_change_init(&change);
	for (size_t i = 0; i < 4; i++) {
		change.streams[i].addr = ip("3.3.3.3");
		change.streams[i].port = (uint16_t)(3000 + 10 * i);
	}
	assert_written("c=IN IP4 10.0.0.5\n"
		       "m=audio 10 RTP/AVP 0\na=rtcp:10 IN IP4 10.0.0.5\n"
		       "m=audio 20 RTP/AVP 0\na=rtcp:21 IN IP4 10.0.0.5 \n"
		       "m=audio 30 RTP/AVP 0\na=rtcp: 99\n"
		       "m=audio 40 RTP/AVP 0\na=rtcp:7 IN IP4 10.0.0.9\n",
		       &change,
		       "c=IN IP4 3.3.3.3\n"
		       "m=audio 3000 RTP/AVP 0\na=rtcp:3000 IN IP4 3.3.3.3\n"
		       "m=audio 3010 RTP/AVP 0\na=rtcp:3011 IN IP4 3.3.3.3 \n"
		       "m=audio 3020 RTP/AVP 0\na=rtcp: 3021\n"
		       "m=audio 3030 RTP/AVP 0\na=rtcp:3031 IN IP4 3.3.3.3\n");
}
END_TEST

START_TEST(hold_stays_and_refused_streams_show_nothing)
{
	struct media_change change;

	media_change_init(&change);
	change.other = ip("9.9.9.9");
	change.streams[0].addr = change.streams[1].addr = ip("3.3.3.3");
	change.streams[0].port = change.streams[1].port = 3000;
	assert_written("c=IN IP4 10.0.0.4\n"
		       "m=audio 10 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"
		       "a=rtcp:11 IN IP4 10.0.0.5\n"
		       "m=audio 0/2 RTP/AVP 0\nc=IN IP4 10.0.0.5\n"
		       "m=audio 0 RTP/AVP 0\nc=IN IP4 10.0.0.5\n"
		       "a=rtcp:5 IN IP4 10.0.0.5\n",
		       &change,
		       "c=IN IP4 9.9.9.9\n"
		       "m=audio 3000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"
		       "a=rtcp:3001 IN IP4 3.3.3.3\n"
		       "m=audio 0/2 RTP/AVP 0\nc=IN IP4 3.3.3.3\n"
		       "m=audio 0 RTP/AVP 0\nc=IN IP4 9.9.9.9\n"
		       "a=rtcp:5 IN IP4 9.9.9.9\n");
}
END_TEST

START_TEST(an_endpoint_may_become_one_of_the_other_version)
{
	struct media_change change;

	media_change_init(&change);
	change.origin = ip("2001:db8::9");
	change.streams[0].addr = change.streams[1].addr = ip("2001:db8::3");
	change.streams[0].port = 3000;
	change.streams[1].port = 3002;
	change.streams[1].rtcp_port = 3009;
	assert_written("o=- 1 1 IN IP4 10.0.0.5\nc=IN IP4 10.0.0.5/127\n"
		       "m=audio 10 RTP/AVP 0\na=rtcp:11 IN IP4 10.0.0.5\n"
		       "m=video 12 RTP/AVP 0\nc=IN IP4 10.0.0.6\n",
		       &change,
		       "o=- 1 1 IN IP6 2001:db8::9\nc=IN IP6 2001:db8::3/127\n"
		       "m=audio 3000 RTP/AVP 0\n"
		       "a=rtcp:3001 IN IP6 2001:db8::3\n"
		       "m=video 3002 RTP/AVP 0\nc=IN IP6 2001:db8::3\n"
		       "a=rtcp:3009\n");
	change.origin = ip("9.9.9.9");
	change.streams[0].addr = ip("3.3.3.3");
	assert_written("o=- 1 1 IN IP6 2001:db8::5\nc=IN IP6 2001:db8::5\n"
		       "m=audio 10 RTP/AVP 0\n"
		       "a=rtcp:11 IN IP6 2001:db8::5\n",
		       &change,
		       "o=- 1 1 IN IP4 9.9.9.9\nc=IN IP4 3.3.3.3\n"
		       "m=audio 3000 RTP/AVP 0\na=rtcp:3001 IN IP4 3.3.3.3\n");
}
END_TEST

START_TEST(strip_removes_what_carries_addresses)
{
	struct media_change change;

	media_change_init(&change);
	change.strip = true;
	assert_written(
		"c=IN IP4 10.0.0.5\na=ice-lite\na=rtcp:1 IN IP4 10.0.0.5\n"
		"m=audio 10 RTP/AVP 0\na=candidate:1 1 UDP 1 10.0.0.5 1 typ host\n"
		"a=remote-candidates:1 10.0.0.5 1\na=end-of-candidates\n"
		"a=ice-ufrag:x\na=ice-pwd:x\na=ice-options:x\na=alt:1 10.0.0.5\n"
		"a=altc:1 IP4 10.0.0.5 1\na=source-filter: incl IN IP4 * 10.0.0.5\n"
		"a=path:msrp://10.0.0.5:7654/x;tcp\na=candidates-of-mine\n"
		"a=rtcp:11\na=rtcp-mux",
		&change,
		"c=IN IP4 10.0.0.5\nm=audio 10 RTP/AVP 0\na=candidates-of-mine\n"
		"a=rtcp:11\na=rtcp-mux");
}
END_TEST

START_TEST(odd_origins_are_hidden)
{
	static const char *const cases[][2] = {
		{ "o=Cisco-SIPUA (null) (null) IN IP4 10.0.0.5",
		  "o=Cisco-SIPUA (null) (null) IN IP4 9.9.9.9" },
		{ "o=- 1 1 IN IP6 fe80::1", "o=- 1 1 IN IP4 9.9.9.9" },
		{ "o=- 1 1 IN IP4 phone.local ", "o=- 1 1 IN IP4 9.9.9.9 " },
		{ "o=a b 1 1 IN  IP4  10.0.0.5", "o=a b 1 1 IN  IP4 9.9.9.9" },
		{ "o=- 1 1 10.0.0.5", "o=- 1 1 9.9.9.9" },
		{ "o=(null)", "o=(null)" },
		{ "o=", "o=" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct media_change change;

		media_change_init(&change);
		change.origin = ip("9.9.9.9");
		assert_written(cases[i][0], &change, cases[i][1]);
	}
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused)
{
	static const struct {
		const char *body;
		int status;
		const char *text;
	} cases[] = {
		{ "c=IN IP4 host.example\n", 488, "host name in SDP" },
		{ "c=IN IP4 10.0.0.256\n", 488, "host name in SDP" },
		{ "c=IN IP4 ::1\n", 488, "host name in SDP" },
		{ "c=IN IP6 1.1.1.1\n", 488, "host name in SDP" },
		{ "c=IN IP4 2001:db8::1\n", 488, "host name in SDP" },
		{ "c=IN IP5 1.1.1.1\n", 488, "address family not served" },
		{ "c=IN IP4\n", 400, "malformed address in SDP" },
		{ "c=IN IP4 1.1.1.1 x\n", 400, "malformed address in SDP" },
		{ "c=IN IP4 1.1.1.1\nc=IN IP4 2.2.2.2\n", 488,
		  "more than one c= in a section" },
		{ "m=audio 1 RTP/AVP 0\n", 400, "a stream without c=" },
		{ "c=IN IP4 1.1.1.1\nm=audio 65536 RTP/AVP 0\n", 400,
		  "malformed port in m=" },
		{ "c=IN IP4 1.1.1.1\nm=audio -1 RTP/AVP 0\n", 400,
		  "malformed port in m=" },
		{ "c=IN IP4 1.1.1.1\nm=audio 65535 RTP/AVP 0\n", 488,
		  "no port for RTCP" },
		{ "c=IN IP4 1.1.1.1\nm=audio 10/33 RTP/AVP 0\n", 488,
		  "too many ports in a stream" },
		{ "c=IN IP4 1.1.1.1\nm=audio 10/0 RTP/AVP 0\n", 400,
		  "malformed m= line" },
		{ "c=IN IP4 1.1.1.1\nm=audio 10\n", 400, "malformed m= line" },
		{ "c=IN IP4 1.1.1.1\nm=audio 9 TCP/RTP/AVP 0\n", 488,
		  "media over TCP not served" },
		{ "c=IN IP4 1.1.1.1\nm=audio 9 SCTP x\n", 488,
		  "media transport not served" },
		{ "c=IN IP4 1.1.1.1\nm=audio 9 RTP/AVP 0\na=rtcp:x\n", 400,
		  "malformed a=rtcp" },
		{ "c=IN IP4 1.1.1.1\nm=audio 9 RTP/AVP 0\na=rtcp:1\na=rtcp:2\n",
		  488, "more than one a=rtcp in a stream" },
		{ "o=- 1 1 IN IP4 1.1.1.1\no=- 1 1 IN IP4 1.1.1.1\n", 400,
		  "more than one o=" },
		{ " c=IN IP4 1.1.1.1\n", 400, "malformed line in SDP" },
		{ "a=x\rc=IN IP4 1.1.1.1\n", 400, "bare CR in SDP" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].body, strlen(cases[i].body),
			       cases[i].status, cases[i].text);
	assert_refused("v=0\n\0", 5, 400, "NUL in SDP");
}
END_TEST

START_TEST(limits_hold)
{
	struct text text = { 0 };
	struct media media;
	struct media_error error;

	text_add_string(&text, "c=IN IP4 1.1.1.1\n");
	for (int i = 0; i < MEDIA_STREAMS_MAX; i++)
		text_add_string(&text, "m=audio 10 RTP/AVP 0\n");
	ck_assert_int_eq(media_read(text.data, text.len, &media, &error), 0);
	text_add_string(&text, "m=audio 10 RTP/AVP 0\n");
	assert_refused(text.data, text.len, 488, "too many media streams");
	text.len = 0;
	while (text.len <= MEDIA_BODY_MAX)
		text_add_string(&text, "a=xxxxxxxxxxxxxxx\n");
	assert_refused(text.data, text.len, 488, "SDP too long");
	text_done(&text);
}
END_TEST

static bool sofia_parses(const char *body, size_t len)
{
	su_home_t home[1] = { SU_HOME_INIT(home) };
	sdp_parser_t *parser;
	bool good;

	su_home_init(home);
	parser = sdp_parse(home, body, (issize_t)len, sdp_f_insane);
	good = sdp_session(parser) != NULL;
	sdp_parser_free(parser);
	su_home_deinit(home);
	return good;
}

struct tally {
	size_t same;
	size_t refused;
	struct text refusals;
};

static void check_identity(const struct corpus_file *file, void *arg)
{
	struct tally *tally = arg;
	struct media_error error = { 0 };
	struct media_change change;
	struct media media;
	char *text;
	size_t len;

	if (strcasecmp(file->type, "application/sdp") != 0)
		return;
	if (media_read(file->body, file->len, &media, &error)) {
		char line[256];

		snprintf(line, sizeof(line), "%s: %d %s\n", file->name,
			 error.status, error.text);
		text_add_string(&tally->refusals, line);
		tally->refused++;
		return;
	}
	media_change_init(&change);
	ck_assert_int_eq(media_write(&media, file->body, file->len, &change,
				     &text, &len),
			 0);
	ck_assert_msg(len == file->len && memcmp(text, file->body, len) == 0,
		      "%s is changed by nothing", file->name);
	free(text);
	/* Its own values, given as new ones, are no change either. */
	change.origin = media.origin;
	for (size_t i = 0; i < media.count; i++) {
		change.streams[i].addr = media.streams[i].addr;
		change.streams[i].port = media.streams[i].port;
		change.streams[i].rtcp_addr = media.streams[i].rtcp_addr;
		change.streams[i].rtcp_port = media.streams[i].rtcp_port;
	}
	ck_assert_int_eq(media_write(&media, file->body, file->len, &change,
				     &text, &len),
			 0);
	ck_assert_msg(len == file->len && memcmp(text, file->body, len) == 0,
		      "%s is changed by its own values", file->name);
	free(text);
	tally->same++;
}

START_TEST(identity_keeps_every_byte_of_the_corpus)
{
	struct tally tally = { 0 };
	size_t len;
	char *pinned = corpus_read("tests/data/sdp-refused.txt", &len);

	corpus_each(check_identity, &tally);
	ck_assert_str_eq(tally.refusals.data, pinned);
	ck_assert_uint_ge(tally.same, 70);
	text_done(&tally.refusals);
	free(pinned);
}
END_TEST

static bool starts(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static bool may_change(const char *line)
{
	return starts(line, "c=") || starts(line, "m=") || starts(line, "o=") ||
	       starts(line, "a=rtcp:");
}

static bool may_go(const char *line)
{
	return starts(line, "a=candidate") || starts(line, "a=ice-") ||
	       starts(line, "a=alt:") || starts(line, "a=source-filter") ||
	       starts(line, "a=remote-cand") || starts(line, "a=end-of-cand");
}

/* Line by line: whatever differs is of a kind that may. */
static void assert_only_allowed_lines(const char *name, const char *old,
				      size_t old_len, const char *new,
				      size_t new_len)
{
	struct text_line a = { 0 }, b = { 0 };
	bool more = text_line(new, new_len, 0, &b);

	while (text_line(old, old_len, a.next, &a)) {
		bool same = more && a.next - a.at == b.next - b.at &&
			    memcmp(old + a.at, new + b.at, b.next - b.at) == 0;

		if (same || (more && may_change(old + a.at) &&
			     starts(new + b.at, (char[]){ old[a.at], '=', 0 })))
			more = text_line(new, new_len, b.next, &b);
		else
			ck_assert_msg(may_go(old + a.at), "%s lost \"%.*s\"",
				      name, (int)a.len, old + a.at);
	}
	ck_assert_msg(!more, "%s has more lines than before", name);
}

/* Ours, none at all, or 0.0.0.0. */
static bool is_shown(const struct ip_addr *addr, const struct ip_addr *ours)
{
	return addr->family == IP_NONE || ip_addr_is_any(addr) ||
	       ip_addr_equal(addr, ours);
}

static void check_mapping(const struct corpus_file *file, void *arg)
{
	size_t *mapped = arg;
	struct media_error error;
	struct media_change change;
	struct media media, again;
	char *text;
	size_t len;

	if (strcasecmp(file->type, "application/sdp") != 0 ||
	    media_read(file->body, file->len, &media, &error))
		return;
	media_change_init(&change);
	change.strip = true;
	change.origin = change.other = ip("203.0.113.99");
	for (size_t i = 0; i < media.count; i++) {
		change.streams[i].addr = ip("203.0.113.99");
		change.streams[i].port = (uint16_t)(30000 + 2 * i);
	}
	ck_assert_int_eq(media_write(&media, file->body, file->len, &change,
				     &text, &len),
			 0);
	assert_only_allowed_lines(file->name, file->body, file->len, text, len);
	ck_assert_int_eq(media_read(text, len, &again, &error), 0);
	ck_assert_uint_eq(again.count, media.count);
	for (size_t i = 0; i < again.count; i++) {
		const struct media_stream *stream = &again.streams[i];

		ck_assert_uint_eq(stream->port,
				  media.streams[i].refused ? 0 : 30000 + 2 * i);
		ck_assert(is_shown(&stream->addr, &change.other));
		ck_assert(is_shown(&stream->rtcp_addr, &change.other));
	}
	ck_assert_msg(sofia_parses(file->body, file->len) ==
			      sofia_parses(text, len),
		      "%s: another parser sees a difference", file->name);
	free(text);
	++*mapped;
}

START_TEST(mapping_touches_only_the_allowed_lines_of_the_corpus)
{
	size_t mapped = 0;

	corpus_each(check_mapping, &mapped);
	ck_assert_uint_ge(mapped, 70);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/media", endpoints_of_the_seed_offer_are_read,
			 each_stream_has_its_own_values,
			 session_conn_behind_times_counts,
			 seed_case_one_is_written,
			 streams_with_other_addresses_get_a_conn_line,
			 rtcp_that_is_no_neighbour_gets_a_line,
			 rtcp_follows_its_stream,
			 hold_stays_and_refused_streams_show_nothing,
			 an_endpoint_may_become_one_of_the_other_version,
			 strip_removes_what_carries_addresses,
			 odd_origins_are_hidden,
			 what_cannot_be_mapped_is_refused, limits_hold,
			 identity_keeps_every_byte_of_the_corpus,
			 mapping_touches_only_the_allowed_lines_of_the_corpus);
}
