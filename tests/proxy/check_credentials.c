/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/credentials.h"

#include <errno.h>
#include <string.h>

#include "tests/proxy/suite.h"

static void assert_field(const struct credentials *credentials,
			 enum credentials_field field, const char *want)
{
	struct text_word word = credentials->fields[field];

	ck_assert_msg(text_word_is(word, want), "%.*s, not %s", (int)word.len,
		      word.text, want);
}

START_TEST(the_example_of_the_rfc_is_read)
{
	struct credentials credentials;

	/* RFC 2617 section 3.5 */
	ck_assert_int_eq(
		credentials_parse(
			"Digest username=\"Mufasa\",\r\n"
			"  realm=\"testrealm@host.com\",\r\n"
			"  nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",\r\n"
			"  uri=\"/dir/index.html\", qop=auth, nc=00000001,\r\n"
			"  cnonce=\"0a4f113b\", opaque=\"5ccc\",\r\n"
			"  response=\"6629fae49393a05397450978507c4ef1\"",
			&credentials),
		0);
	ck_assert_str_eq(credentials.username, "Mufasa");
	ck_assert_str_eq(credentials.realm, "testrealm@host.com");
	assert_field(&credentials, CREDENTIALS_URI, "/dir/index.html");
	assert_field(&credentials, CREDENTIALS_QOP, "auth");
	assert_field(&credentials, CREDENTIALS_NC, "00000001");
	assert_field(&credentials, CREDENTIALS_CNONCE, "0a4f113b");
	ck_assert_ptr_null(credentials.fields[CREDENTIALS_ALGORITHM].text);
}
END_TEST

START_TEST(escapes_and_odd_spacing_are_read)
{
	struct credentials credentials;

	ck_assert_int_eq(
		credentials_parse(" DIGEST  UserName = \"a\\\"b\\\\c\" , "
				  "x-other=1,x-other=2 ,algorithm=MD5 ",
				  &credentials),
		0);
	ck_assert_str_eq(credentials.username, "a\"b\\c");
	assert_field(&credentials, CREDENTIALS_ALGORITHM, "MD5");
}
END_TEST

START_TEST(malformed_ones_are_refused)
{
	static const char *const cases[] = {
		"Digest",
		"Digest ",
		"Digest a",
		"Digest a=",
		"Digest =b",
		"Digest a=\"b",
		"Digest a=\"b\\",
		"Digest a=b c=d",
		"Digest a=b,",
		"Digest a=b\"c\"",
		"Digest nonce=\"1\", nonce=\"1\"",
		"Digest nc=1, NC=1",
		"Digest username=\"a\", username=\"b\"",
		"Digest uri=\"sip:a\\@b\"",
	};
	struct credentials credentials;
	char text[1024] = "Digest username=\"";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(credentials_parse(cases[i], &credentials) ==
				      -EINVAL,
			      "%s", cases[i]);
	memset(text + strlen(text), 'a', CREDENTIALS_NAME_MAX);
	strcat(text, "\"");
	ck_assert_int_eq(credentials_parse(text, &credentials), -EINVAL);
	ck_assert_int_eq(credentials_parse("Basic abc=", &credentials),
			 -ENOENT);
	ck_assert_int_eq(credentials_parse("", &credentials), -ENOENT);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/credentials", the_example_of_the_rfc_is_read,
			 escapes_and_odd_spacing_are_read,
			 malformed_ones_are_refused);
}
