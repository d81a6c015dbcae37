/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/proxy/corpus.h"
#include "tests/proxy/suite.h"

#define SDP "v=0\r\nc=IN IP4 10.0.0.5\r\n"

static const char mixed[] = "Content-Type: multipart/mixed";

static struct mime_part find(const char *type, const char *body)
{
	struct media_error error = { 0 };
	struct mime_part part;

	ck_assert_msg(mime_find(type, NULL, body, strlen(body), &part,
				&error) == 0,
		      "%d %s for\n%s", error.status, error.text, body);
	return part;
}

static void assert_refused(const char *type, const char *encoding,
			   const char *body, int status, const char *text)
{
	struct media_error error = { 0 };
	struct mime_part part;

	ck_assert_msg(mime_find(type, encoding, body, strlen(body), &part,
				&error) != 0,
		      "taken, wanted %s:\n%s", text, body);
	ck_assert_str_eq(error.text, text);
	ck_assert_int_eq(error.status, status);
}

/* The SDP is found, and `want` is the body with "NEW" in its place. */
static void assert_spliced(const char *type, const char *body, const char *want)
{
	struct mime_part part = find(type, body);
	char *text;
	size_t len;

	ck_assert(part.found);
	ck_assert_uint_eq(part.sdp.len, strlen(SDP));
	ck_assert_mem_eq(body + part.sdp.at, SDP, part.sdp.len);
	ck_assert_int_eq(mime_write(&part, body, strlen(body), "NEW", 3, &text,
				    &len),
			 0);
	ck_assert_str_eq(text, want);
	ck_assert_uint_eq(len, strlen(want));
	free(text);
}

START_TEST(a_whole_body_is_found)
{
	assert_spliced("application/sdp", SDP, "NEW");
	assert_spliced(" Application/SDP ; charset=utf-8", SDP, "NEW");
	ck_assert(!find("text/plain", SDP).found);
	ck_assert(!find(NULL, "").found);
	ck_assert(!find(NULL, "hello").found);
	ck_assert(!find("application/sdp", "").found);
}
END_TEST

START_TEST(a_part_is_found_and_the_rest_kept)
{
	assert_spliced("multipart/mixed;boundary=b1",
		       "preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\n"
		       "hi\r\n--b1 \r\nX: y\r\nc : application/sdp\r\n"
		       "Content-Length: 999\r\n\r\n" SDP "\r\n--b1--\r\nend",
		       "preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\n"
		       "hi\r\n--b1 \r\nX: y\r\nc : application/sdp\r\n"
		       "Content-Length: 3\r\n\r\nNEW\r\n--b1--\r\nend");
	assert_spliced("multipart/mixed; x=\";\"; Boundary=\"b 1\"",
		       "--b 1\nContent-Type:\n application/sdp\n\n" SDP
		       "\r\n--b 1--",
		       "--b 1\nContent-Type:\n application/sdp\n\nNEW"
		       "\r\n--b 1--");
}
END_TEST

START_TEST(nested_parts_are_searched)
{
	assert_spliced("multipart/mixed;boundary=a",
		       "--a\r\n\r\nno headers\r\n--a\r\n"
		       "Content-Type: multipart/alternative; boundary=aa\r\n"
		       "\r\n--aa\r\nContent-Type: application/sdp\r\n\r\n" SDP
		       "\r\n--aa--\r\n--a--\r\n",
		       "--a\r\n\r\nno headers\r\n--a\r\n"
		       "Content-Type: multipart/alternative; boundary=aa\r\n"
		       "\r\n--aa\r\nContent-Type: application/sdp\r\n\r\nNEW"
		       "\r\n--aa--\r\n--a--\r\n");
}
END_TEST

START_TEST(lookalikes_are_no_delimiters)
{
	assert_spliced("multipart/mixed;boundary=b",
		       "--bb\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" SDP
		       "\r\n--b--\r\n--b\r\nContent-Type: application/sdp\r\n"
		       "\r\nbehind the end\r\n--b--",
		       "--bb\r\n--b\r\nContent-Type: application/sdp\r\n\r\nNEW"
		       "\r\n--b--\r\n--b\r\nContent-Type: application/sdp\r\n"
		       "\r\nbehind the end\r\n--b--");
}
END_TEST

START_TEST(what_is_not_clear_is_refused)
{
	static const char part[] =
		"--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n";
	char body[1024], deep[1024] = "";

	snprintf(body, sizeof(body), "%s%s--b--", part, part);
	assert_refused("multipart/mixed;boundary=b", NULL, body, 488,
		       "more than one SDP");
	assert_refused("multipart/mixed;boundary=b", NULL, part, 488,
		       "multipart without an end");
	assert_refused("multipart/mixed", NULL, part, 488,
		       "multipart without a boundary");
	assert_refused("multipart/mixed;boundary=\"\"", NULL, part, 488,
		       "multipart without a boundary");
	assert_refused("application/sdp", "gzip", SDP, 415, "encoded SDP");
	assert_refused("multipart/mixed;boundary=b", "gzip", part, 415,
		       "encoded multipart");
	assert_refused(NULL, NULL, SDP, 415, "SDP without a Content-Type");
	assert_refused("multipart/mixed;boundary=b", NULL,
		       "--b\r\nContent-Type: application/sdp\r\n"
		       "Content-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--b--",
		       415, "encoded SDP");
	assert_refused("multipart/mixed;boundary=b", NULL,
		       "--b\r\nContent-Type: application/sdp\r\n"
		       "c: text/plain\r\n\r\nv=0\r\n--b--",
		       488, "a part with a header twice");
	for (int i = 0; i < 4; i++)
		snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep),
			 "--b%d\r\n%s; boundary=b%d\r\n\r\n", i, mixed, i + 1);
	for (int i = 4; i >= 0; i--)
		snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep),
			 "--b%d--\r\n", i);
	assert_refused("multipart/mixed;boundary=b0", NULL, deep, 488,
		       "parts nested too deep");
}
END_TEST

START_TEST(limits_hold)
{
	struct media_error error = { 0 };
	struct mime_part part;
	char body[1024] = "", *big = calloc(1, 2 * MEDIA_BODY_MAX + 1);

	for (int i = 0; i < MIME_PARTS_MAX + 1; i++)
		strcat(body, "--b\r\n\r\nx\r\n");
	strcat(body, "--b--");
	assert_refused("multipart/mixed;boundary=b", NULL, body, 488,
		       "too many parts in the body");
	ck_assert_ptr_nonnull(big);
	ck_assert_int_ne(mime_find("application/sdp", NULL, big,
				   MEDIA_BODY_MAX + 1, &part, &error),
			 0);
	ck_assert_int_ne(mime_find("multipart/mixed;boundary=b", NULL, big,
				   2 * MEDIA_BODY_MAX + 1, &part, &error),
			 0);
	free(big);
}
END_TEST

static void check_file(const struct corpus_file *file, void *arg)
{
	size_t *found = arg;
	struct media_error error = { 0 };
	struct mime_part part;
	char *text;
	size_t len;

	if (mime_find(file->type, NULL, file->body, file->len, &part, &error))
		ck_abort_msg("%s: %s", file->name, error.text);
	if (!part.found)
		return;
	ck_assert_int_eq(mime_write(&part, file->body, file->len,
				    file->body + part.sdp.at, part.sdp.len,
				    &text, &len),
			 0);
	ck_assert_uint_eq(len, file->len);
	ck_assert_mem_eq(text, file->body, len);
	free(text);
	++*found;
}

START_TEST(the_corpus_goes_through_unchanged)
{
	size_t found = 0;

	corpus_each(check_file, &found);
	ck_assert_uint_ge(found, 85);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/mime", a_whole_body_is_found,
			 a_part_is_found_and_the_rest_kept,
			 nested_parts_are_searched,
			 lookalikes_are_no_delimiters,
			 what_is_not_clear_is_refused, limits_hold,
			 the_corpus_goes_through_unchanged);
}
