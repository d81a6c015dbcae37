/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Challenges of the RFCs get the answers of the RFCs. */
#include <check.h>
#include <osipparser2/osip_parser.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "tests/proxy/suite.h"
#include "text.h"

static struct message *challenge_of(const char *status, const char *lines)
{
	struct address from;
	struct message *message;
	struct text text = TEXT_EMPTY;

	parser_init();
	text_add(&text,
		 "SIP/2.0 %s\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n"
		 "From: <sip:a@a.example>;tag=1\r\nTo: <sip:a@a.example>;tag=2"
		 "\r\nCall-ID: x@1.1.1.1\r\nCSeq: 1 REGISTER\r\n%s"
		 "Content-Length: 0\r\n\r\n",
		 status, lines);
	ck_assert_int_eq(address_parse("127.0.0.1:5060", &from), 0);
	message = message_parse(text.data, text.length, &from);
	ck_assert_ptr_nonnull(message);
	text_done(&text);
	return message;
}

static char *answer(struct message *challenge, const char *name,
		    const char *password)
{
	struct digest_user user = { name, password };
	char *line = digest_answer(challenge, &user, "GET", "/dir/index.html");

	message_free(challenge);
	return line;
}

START_TEST(a_challenge_without_qop_gets_the_answer_of_rfc_2069)
{
	char *line = answer(
		challenge_of("401 Unauthorized",
			     "WWW-Authenticate: Digest "
			     "realm=\"testrealm@host.com\", "
			     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"\r\n"),
		"Mufasa", "CircleOfLife");

	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(
		strstr(line, "response=\"1949323746fe6a43ef61f9606e7febea\""));
	ck_assert(!strncmp(line, "Authorization: Digest ", 22));
	ck_assert_ptr_null(strstr(line, "qop"));
	free(line);
}
END_TEST

START_TEST(a_proxy_challenge_with_qop_is_answered_with_a_cnonce)
{
	char *line =
		answer(challenge_of("407 Proxy Authentication Required",
				    "Proxy-Authenticate: Digest realm=\"r\", "
				    "nonce=\"n\", qop=\"auth-int,auth\", "
				    "opaque=\"o\"\r\n"),
		       "a", "b");

	ck_assert_ptr_nonnull(line);
	ck_assert(!strncmp(line, "Proxy-Authorization: Digest ", 28));
	ck_assert_ptr_nonnull(strstr(line, ", qop=auth, nc=00000001"));
	ck_assert_ptr_nonnull(strstr(line, ", cnonce=\""));
	ck_assert_ptr_nonnull(strstr(line, ", opaque=\"o\""));
	free(line);
}
END_TEST

START_TEST(of_several_challenges_the_md5_one_is_taken)
{
	char *line =
		answer(challenge_of("401 Unauthorized",
				    "WWW-Authenticate: Digest realm=\"r\", "
				    "nonce=\"one\", algorithm=SHA-256\r\n"
				    "WWW-Authenticate: Digest realm=\"r\", "
				    "nonce=\"two\", algorithm=MD5\r\n"),
		       "a", "b");

	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(line, "nonce=\"two\""));
	free(line);
}
END_TEST

START_TEST(a_challenge_that_cannot_be_met_is_not_answered)
{
	ck_assert_ptr_null(
		answer(challenge_of("401 Unauthorized", ""), "a", "b"));
	ck_assert_ptr_null(
		answer(challenge_of("401 Unauthorized",
				    "WWW-Authenticate: Digest realm=\"r\", "
				    "nonce=\"n\", algorithm=SHA-256\r\n"),
		       "a", "b"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("phone/digest",
			 a_challenge_without_qop_gets_the_answer_of_rfc_2069,
			 a_proxy_challenge_with_qop_is_answered_with_a_cnonce,
			 of_several_challenges_the_md5_one_is_taken,
			 a_challenge_that_cannot_be_met_is_not_answered);
}
