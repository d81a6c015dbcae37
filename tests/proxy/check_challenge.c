/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/challenge.h"

#include <errno.h>
#include <string.h>

#include "tests/proxy/suite.h"

static const struct challenge_query query = {
	.user = "Mufasa",
	.password = "Circle Of Life",
	.auth_realm = "testrealm@host.com",
	.method = "GET",
	.uri = "/dir/index.html",
	.cnonce = "0a4f113b",
};

/* RFC 2617, 3.5 */
START_TEST(the_example_of_the_rfc)
{
	char buf[CHALLENGE_ANSWER_SIZE];

	ck_assert_int_eq(
		challenge_answer("Digest realm=\"testrealm@host.com\", "
				 "qop=\"auth,auth-int\", "
				 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
				 "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
				 &query, buf),
		0);
	ck_assert_ptr_nonnull(
		strstr(buf, "response=\"6629fae49393a05397450978507c4ef1\""));
	ck_assert_ptr_nonnull(
		strstr(buf, "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
	ck_assert_ptr_nonnull(strstr(buf, "qop=auth, nc=00000001"));
}
END_TEST

/* RFC 7616, 3.9.1 */
START_TEST(the_example_with_sha256)
{
	static const struct challenge_query sha = {
		.user = "Mufasa",
		.password = "Circle of Life",
		.auth_realm = "http-auth@example.org",
		.method = "GET",
		.uri = "/dir/index.html",
		.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
	};
	char buf[CHALLENGE_ANSWER_SIZE];

	ck_assert_int_eq(
		challenge_answer("Digest realm=\"http-auth@example.org\", "
				 "qop=\"auth, auth-int\", algorithm=SHA-256, "
				 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/"
				 "xwf94BcCAzFZH4GiTo0v\"",
				 &sha, buf),
		0);
	ck_assert_ptr_nonnull(strstr(
		buf, "response=\"753927fa0e85d155564e2e272a28d180"
		     "2ca10daf4496794697cf8db5856cb6c1\", algorithm=SHA-256"));
}
END_TEST

START_TEST(without_qop_there_is_none)
{
	char buf[CHALLENGE_ANSWER_SIZE];

	ck_assert_int_eq(challenge_answer("Digest realm=\"testrealm@host.com\", "
					  "nonce=\"n\"",
					  &query, buf),
			 0);
	ck_assert_ptr_null(strstr(buf, "qop"));
	ck_assert_ptr_null(strstr(buf, "cnonce"));
}
END_TEST

START_TEST(others_get_no_answer)
{
	static const struct {
		const char *challenge;
		int error;
	} cases[] = {
		{ "Digest realm=\"elsewhere\", nonce=\"n\"", -ENOENT },
		{ "Digest nonce=\"n\"", -ENOENT },
		{ "Basic realm=\"testrealm@host.com\"", -ENOENT },
		{ "Digest realm=\"testrealm@host.com\"", -EINVAL },
		{ "Digest realm=\"testrealm@host.com\", nonce=\"n", -EINVAL },
		{ "Digest realm=\"testrealm@host.com\", nonce=\"n\", "
		  "algorithm=MD5-sess",
		  -ENOTSUP },
		{ "Digest realm=\"testrealm@host.com\", nonce=\"n\", "
		  "qop=\"auth-int\"",
		  -ENOTSUP },
	};
	char buf[CHALLENGE_ANSWER_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(challenge_answer(cases[i].challenge, &query,
						  buf),
				 cases[i].error);
}
END_TEST

START_TEST(a_uri_cannot_break_out_of_its_quotes)
{
	struct challenge_query bad = query;
	char buf[CHALLENGE_ANSWER_SIZE];

	bad.uri = "sip:x\", response=\"y";
	ck_assert_int_eq(challenge_answer("Digest realm=\"testrealm@host.com\", "
					  "nonce=\"n\"",
					  &bad, buf),
			 -EINVAL);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/challenge", the_example_of_the_rfc,
			 the_example_with_sha256, without_qop_there_is_none,
			 others_get_no_answer,
			 a_uri_cannot_break_out_of_its_quotes);
}
