/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers and answers are those of RFC 3264; endpoints are read as stated. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "description.h"
#include "tests/proxy/suite.h"

struct fixture {
	struct event_base *base;
	struct media *media;
	struct description_origin origin;
};

/* Ports of the system's choosing are of no use here, so every test process has
 * a loopback address of its own. */
static void start(struct fixture *fixture, unsigned n_streams)
{
	unsigned pid = (unsigned)getpid();
	struct address local[2];
	char host[ADDRESS_TEXT];

	snprintf(host, sizeof(host), "127.77.%u.%u", pid >> 8 & 0xff,
		 pid % 254 + 1);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(address_from_host(host, 1111 + 2 * i,
						   &local[i]),
				 0);
	fixture->base = event_base_new();
	fixture->media = media_new(fixture->base, "sip:a@a.example", local,
				   n_streams);
	ck_assert_ptr_nonnull(fixture->media);
	fixture->origin = (struct description_origin){ "a", 7, 1, false };
}

static void stop(struct fixture *fixture)
{
	media_free(fixture->media);
	event_base_free(fixture->base);
}

static void assert_has(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line) != NULL, "no \"%s\" in:\n%s", line,
		      text);
}

static void assert_remote(const struct fixture *fixture, size_t stream,
			  const char *remote)
{
	json_t *stats = media_stats(fixture->media);
	json_t *streams = json_object_get(stats, "streams");
	json_t *value = json_object_get(json_array_get(streams, stream),
					"remote");

	ck_assert_str_eq(json_string_value(value), remote);
	json_decref(stats);
}

START_TEST(an_offer_has_a_line_for_each_stream)
{
	struct fixture f;
	char *offer;

	start(&f, 2);
	offer = description_offer(f.media, &f.origin);
	assert_has(offer, "v=0\r\no=a 7 1 IN IP4 127.77.");
	assert_has(offer, "m=audio 1111 RTP/AVP 0\r\n");
	assert_has(offer, "a=rtcp:1112 IN IP4 127.77.");
	assert_has(offer, "m=audio 1113 RTP/AVP 0\r\n");
	assert_has(offer, "a=sendrecv\r\n");
	free(offer);
	f.origin.hold = true;
	offer = description_offer(f.media, &f.origin);
	assert_has(offer, "a=sendonly\r\n");
	ck_assert_ptr_null(strstr(offer, "sendrecv"));
	free(offer);
	stop(&f);
}
END_TEST

START_TEST(an_answer_keeps_the_order_of_the_offer)
{
	static const char offer[] =
		"v=0\r\no=b 1 1 IN IP4 2.2.2.2\r\ns=-\r\nc=IN IP4 2.2.2.2\r\n"
		"t=0 0\r\na=sendonly\r\nm=audio 2222 RTP/AVP 8 0\r\n"
		"m=audio 2224 RTP/AVP 8\r\nm=video 2226 RTP/AVP 31\r\n";
	struct fixture f;
	char *answer;

	start(&f, 2);
	answer = description_answer(f.media, &f.origin, offer);
	ck_assert_ptr_nonnull(answer);
	assert_has(answer, "m=audio 1111 RTP/AVP 0\r\n");
	assert_has(answer, "a=recvonly\r\n");
	assert_has(answer, "m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 31\r\n");
	free(answer);
	stop(&f);
}
END_TEST

START_TEST(an_offer_that_fits_nothing_has_no_answer)
{
	struct fixture f;

	start(&f, 1);
	ck_assert_ptr_null(
		description_answer(f.media, &f.origin,
				   "v=0\r\nm=audio 2222 RTP/SAVP 0\r\n"));
	ck_assert_ptr_null(
		description_answer(f.media, &f.origin,
				   "v=0\r\nm=audio 0 RTP/AVP 0\r\n"));
	ck_assert_ptr_null(description_answer(f.media, &f.origin, ""));
	ck_assert_ptr_null(description_answer(f.media, &f.origin, "m=\r\nm= "));
	stop(&f);
}
END_TEST

START_TEST(far_endpoints_are_taken_line_by_line)
{
	struct fixture f;

	start(&f, 2);
	ck_assert_int_eq(description_apply(f.media, "v=0\nc=IN IP4 2.2.2.2\n"
						    "m=audio 2222 RTP/AVP 0\n"
						    "m=audio 3333 RTP/AVP 0\n"
						    "c=IN IP4 3.3.3.3/127\n"),
			 0);
	assert_remote(&f, 0, "2.2.2.2:2222");
	assert_remote(&f, 1, "3.3.3.3:3333");
	ck_assert_int_eq(description_apply(f.media, "garbage\r\n"), -EBADMSG);
	assert_remote(&f, 0, "2.2.2.2:2222");
	ck_assert_int_eq(description_apply(f.media,
					   "v=0\r\nc=IN IP6 2001:db8::1\r\n"
					   "m=audio 4444/1 RTP/AVP 0\r\n"),
			 0);
	assert_remote(&f, 0, "[2001:db8::1]:4444");
	assert_remote(&f, 1, "");
	stop(&f);
}
END_TEST

int main(void)
{
	return SUITE_RUN("phone/description",
			 an_offer_has_a_line_for_each_stream,
			 an_answer_keeps_the_order_of_the_offer,
			 an_offer_that_fits_nothing_has_no_answer,
			 far_endpoints_are_taken_line_by_line);
}
