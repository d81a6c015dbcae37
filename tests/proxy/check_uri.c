/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/uri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/proxy/suite.h"

static struct uri read_uri(const char *text)
{
	struct uri uri;

	ck_assert_msg(uri_parse(text, strlen(text), &uri) == 0, "%s", text);
	return uri;
}

START_TEST(parts_are_found)
{
	static const struct {
		const char *text;
		const char *parts; /* scheme user host port params headers */
	} cases[] = {
		{ "sip:bob@example.com", "0|bob|example.com|0||" },
		{ "SIP:bob:pw@10.0.0.5:5062;transport=udp;lr?Subject=x",
		  "0|bob|10.0.0.5|5062|transport=udp;lr|Subject=x" },
		{ "sips:[2001:db8::1]:5061", "1||[2001:db8::1]|5061||" },
		{ "sip:[2001:db8::1]", "0||[2001:db8::1]|0||" },
		{ "sip:+1;phone-context=x?y@h",
		  "0|+1;phone-context=x?y|h|0||" },
		{ "tel:+4912;ext=5", "2|+4912||0|ext=5|" },
		{ "urn:service:sos", "3|||0||" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri uri = read_uri(cases[i].text);
		char parts[256];

		snprintf(parts, sizeof(parts), "%d|%.*s|%.*s|%u|%.*s|%.*s",
			 (int)uri.scheme, (int)uri.user.len, uri.user.text,
			 (int)uri.host.len, uri.host.text, (unsigned)uri.port,
			 (int)uri.params.len, uri.params.text,
			 (int)uri.headers.len, uri.headers.text);
		ck_assert_str_eq(parts, cases[i].parts);
	}
}
END_TEST

START_TEST(malformed_ones_are_refused)
{
	static const char *const cases[] = {
		"",          "sip",         "sip:",        "sip:@",
		"sip:a@",    "sip:a@h:",    "sip:a@h:0",   "sip:a@h:65536",
		"sip:a@h:x", "sip:a@[::1",  "sip:a@[::]x", "sip:a b@h",
		"<sip:a@h>", "sip:a@:5060", ":a",          "tel:",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri uri;

		ck_assert_msg(uri_parse(cases[i], strlen(cases[i]), &uri) ==
				      -EINVAL,
			      "%s", cases[i]);
	}
}
END_TEST

START_TEST(comparing_is_what_phones_need)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "sip:bob@Example.com", "SIP:bob@example.COM:5060", true },
		{ "sip:bob@h;transport=UDP", "sip:bob@h;x=1;transport=udp",
		  true },
		{ "sip:bob@h;transport=tcp", "sip:bob@h", true },
		{ "sip:bob@h;transport=tcp", "sip:bob@h;transport=udp", false },
		{ "sip:Bob@h", "sip:bob@h", false },
		{ "sip:bob@h", "sips:bob@h", false },
		{ "sip:bob@h", "sip:bob@h:5061", false },
		{ "sip:bob@h", "sip:h", false },
		{ "tel:+491", "tel:+491", true },
		{ "urn:a", "urn:a", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uri a = read_uri(cases[i].a), b = read_uri(cases[i].b);

		ck_assert_msg(uri_equal(&a, &b) == cases[i].equal, "%s %s",
			      cases[i].a, cases[i].b);
		ck_assert_int_eq(uri_equal(&b, &a), cases[i].equal);
	}
}
END_TEST

START_TEST(escapes_are_resolved)
{
	char buf[8];

	ck_assert_int_eq(uri_unescape((struct uri_part){ "%41b%2f", 7 }, buf,
				      sizeof(buf)),
			 0);
	ck_assert_str_eq(buf, "Ab/");
	ck_assert_int_eq(uri_unescape((struct uri_part){ "%4", 2 }, buf, 8),
			 -EINVAL);
	ck_assert_int_eq(uri_unescape((struct uri_part){ "%00", 3 }, buf, 8),
			 -EINVAL);
	ck_assert_int_eq(uri_unescape((struct uri_part){ "12345678", 8 }, buf,
				      8),
			 -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/uri", parts_are_found,
			 malformed_ones_are_refused,
			 comparing_is_what_phones_need, escapes_are_resolved);
}
