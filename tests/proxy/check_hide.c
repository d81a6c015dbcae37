/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/hide.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/hide_word.h"
#include "tests/proxy/suite.h"

static const uint8_t key[HIDE_KEY_SIZE] = "a key for the tests, not random";

/* Hidden are 10.0.0.0/8 and 2001:db8::/32; 1.1.1.1 too. */
static bool is_shown(const struct ip_addr *addr, void *arg)
{
	(void)arg;
	if (addr->family == IP_V6)
		return memcmp(addr->bytes, "\x20\x01\x0d\xb8", 4) != 0;
	return addr->bytes[0] != 10 && ip_addr_to_v4(addr) != 0x01010101;
}

static const struct hide hide = {
	.shown = is_shown,
	.host = "203.0.113.10",
	.port = 5070,
	.key = key,
};

/* As the other side: everything may be seen. */
static bool is_all_shown(const struct ip_addr *addr, void *arg)
{
	(void)addr;
	(void)arg;
	return true;
}

static const struct hide show = {
	.shown = is_all_shown,
	.host = "10.0.0.1",
	.key = key,
};

/* want NULL: the value must stay as it is. */
static void assert_value(const struct hide *how, enum hide_kind kind,
			 const char *value, const char *want)
{
	char *text = NULL;
	enum hide_result result = hide_value(how, kind, value, &text);

	ck_assert_msg(result == (want ? HIDE_CHANGED : HIDE_SAME), "%s: %d %s",
		      value, (int)result, text ? text : "");
	if (want)
		ck_assert_str_eq(text, want);
	free(text);
}

START_TEST(hosts_in_uris_become_ours)
{
	static const char *const cases[][2] = {
		{ "<sip:bob@10.0.0.5>;tag=1", "<sip:bob@203.0.113.10>;tag=1" },
		{ "sip:bob@10.0.0.5:5062;tag=1",
		  "sip:bob@203.0.113.10:5070;tag=1" },
		{ "\"10.0.0.5\" <sip:10.0.0.5@10.0.0.5;maddr=10.0.0.6>",
		  "\"203.0.113.10\" "
		  "<sip:10.0.0.5@203.0.113.10;maddr=203.0.113.10>" },
		{ "<sip:a@[2001:db8::5]:5060>", "<sip:a@203.0.113.10:5070>" },
		{ "<sip:a@10.0.0.5>, <sips:b@1.1.1.1>",
		  "<sip:a@203.0.113.10>, <sips:b@203.0.113.10>" },
		{ "sip:10.0.0.5", "sip:203.0.113.10" },
		{ "<sip:a@9.9.9.9?X-From=b%4010.0.0.5>",
		  "<sip:a@9.9.9.9?X-From=b%40203.0.113.10>" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_value(&hide, HIDE_ADDRESS, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(a_host_of_ipv6_gets_brackets)
{
	static const char *const hosts[] = { "fd00::1", "[fd00::1]" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct hide six = hide;

		six.host = hosts[i];
		assert_value(&six, HIDE_ADDRESS, "<sip:a@10.0.0.5:5060>",
			     "<sip:a@[fd00::1]:5070>");
		/* RFC 5118, 4.10: no address, and one is in it */
		assert_value(&six, HIDE_ADDRESS,
			     "<sip:a@[2001:db8:::10.0.0.5]>",
			     "<sip:a@[fd00::1]>");
	}
}
END_TEST

START_TEST(what_may_be_seen_stays)
{
	static const char *const cases[] = {
		"<sip:bob@9.9.9.9:5060>;tag=10.0.0",
		"Bob <sip:bob@example.com>",
		"sip:bob@11.1.1.1",
		"sip:bob@1.1.1.12",
		"sip:bob@1.1.1.1.1",
		"sip:bob@0.10.0.0.5",
		"sip:10.0.0.5@9.9.9.9",
		"sip:a@[2001:db9::5]",
		"sip:a@h;v=10.0.0",
		"sip:a@110.0.0.5",
		"[",
		"",
		"sip:",
		"?Replaces=",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_value(&hide, HIDE_ADDRESS, cases[i], NULL);
}
END_TEST

START_TEST(addresses_are_found_at_every_edge_of_a_word)
{
	static const char *const cases[][2] = {
		{ "301 10.0.0.5:5060 \"from 10.0.0.5.\"",
		  "301 203.0.113.10:5070 \"from 203.0.113.10.\"" },
		{ "1.1.1.1", "203.0.113.10" },
		{ "x1.1.1.1y", "x203.0.113.10y" },
		{ "1.1.1.1-1.1.1.1", "203.0.113.10-203.0.113.10" },
		{ "..1.1.1.1..", "..203.0.113.10.." },
		{ "(10.1.2.3)", "(203.0.113.10)" },
		{ "10.0.0.5:", "203.0.113.10:" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_value(&hide, HIDE_TEXT, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(free_text_with_an_address_goes)
{
	char *text = NULL;

	ck_assert_int_eq(hide_value(&hide, HIDE_DROP, "Phone/1 (10.0.0.5)",
				    &text),
			 HIDE_DROPPED);
	ck_assert_ptr_null(text);
	assert_value(&hide, HIDE_DROP, "Phone/1.2.3.4", NULL);
	assert_value(&hide, HIDE_NOT, "10.0.0.5", NULL);
}
END_TEST

START_TEST(call_ids_go_there_and_back)
{
	static const char id[] = "f81d4fae@10.0.0.5";
	char *word = NULL, *again = NULL;

	assert_value(&hide, HIDE_CALL_ID, "f81d4fae@example.com", NULL);
	assert_value(&hide, HIDE_CALL_ID, "f81d4fae@9.9.9.9", NULL);
	ck_assert_int_eq(hide_value(&hide, HIDE_CALL_ID, id, &word),
			 HIDE_CHANGED);
	ck_assert_ptr_null(strstr(word, "10.0.0.5"));
	ck_assert_ptr_null(strstr(word, "f81d4fae"));
	ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789"),
			  strlen(word));
	/* The same word each time, and no word of a word. */
	ck_assert_int_eq(hide_value(&hide, HIDE_CALL_ID, id, &again),
			 HIDE_CHANGED);
	ck_assert_str_eq(word, again);
	assert_value(&hide, HIDE_CALL_ID, word, NULL);
	assert_value(&show, HIDE_CALL_ID, word, id);
	free(word);
	free(again);
}
END_TEST

START_TEST(words_of_others_are_left_alone)
{
	static const uint8_t other_key[HIDE_KEY_SIZE] = "another key";
	struct hide other = hide;
	char *word = NULL;

	other.key = other_key;
	ck_assert_int_eq(hide_value(&other, HIDE_CALL_ID, "a@10.0.0.5", &word),
			 HIDE_CHANGED);
	assert_value(&show, HIDE_CALL_ID, word, NULL);
	word[strlen(word) - 1] ^= 1;
	other.shown = is_all_shown;
	assert_value(&other, HIDE_CALL_ID, word, NULL);
	assert_value(&other, HIDE_CALL_ID, "vd", NULL);
	assert_value(&other, HIDE_CALL_ID, "vd00112233445566770", NULL);
	assert_value(&other, HIDE_CALL_ID, "vd00112233445566zz00", NULL);
	free(word);
}
END_TEST

START_TEST(call_ids_in_other_headers_are_the_same_word)
{
	char want[512], *word = NULL;

	ck_assert_int_eq(hide_value(&hide, HIDE_CALL_ID, "a@10.0.0.5", &word),
			 HIDE_CHANGED);
	snprintf(want, sizeof(want), "%s;to-tag=1;from-tag=2", word);
	assert_value(&hide, HIDE_CALL_IDS, "a@10.0.0.5;to-tag=1;from-tag=2",
		     want);
	assert_value(&show, HIDE_CALL_IDS, want,
		     "a@10.0.0.5;to-tag=1;from-tag=2");
	snprintf(want, sizeof(want), "x@h , %s,%s", word, word);
	assert_value(&hide, HIDE_CALL_IDS, "x@h , a@10.0.0.5,a@10.0.0.5", want);
	snprintf(want, sizeof(want),
		 "<sip:b@203.0.113.10?Replaces=%s%%3Bto-tag%%3D1&X=y>", word);
	assert_value(&hide, HIDE_ADDRESS,
		     "<sip:b@10.0.0.6?Replaces=a%4010.0.0.5%3Bto-tag%3D1&X=y>",
		     want);
	snprintf(want, sizeof(want), "<sip:b@9.9.9.9?replaces=%s;to-tag=1>",
		 word);
	assert_value(&hide, HIDE_ADDRESS,
		     "<sip:b@9.9.9.9?replaces=a@10.0.0.5;to-tag=1>", want);
	snprintf(want, sizeof(want), "<sip:b@h?Replaces=%s%%3Bto-tag%%3D1>",
		 word);
	assert_value(&show, HIDE_ADDRESS, want,
		     "<sip:b@h?Replaces=a%4010.0.0.5%3Bto-tag%3D1>");
	free(word);
}
END_TEST

START_TEST(an_escaped_nul_ends_no_call_id)
{
	char *once = NULL, *twice = NULL;

	ck_assert_int_eq(hide_value(&hide, HIDE_ADDRESS,
				    "<sip:b@h?Replaces=a%00b%4010.0.0.5>",
				    &once),
			 HIDE_CHANGED);
	ck_assert_ptr_null(strstr(once, "10.0.0.5"));
	ck_assert_int_eq(hide_value(&hide, HIDE_ADDRESS, once, &twice),
			 HIDE_SAME);
	free(once);
}
END_TEST

START_TEST(headers_are_known_by_both_names)
{
	ck_assert_int_eq(hide_kind_of("from"), HIDE_ADDRESS);
	ck_assert_int_eq(hide_kind_of("F"), HIDE_ADDRESS);
	ck_assert_int_eq(hide_kind_of("i"), HIDE_CALL_ID);
	ck_assert_int_eq(hide_kind_of("Replaces"), HIDE_CALL_IDS);
	ck_assert_int_eq(hide_kind_of("Warning"), HIDE_TEXT);
	ck_assert_int_eq(hide_kind_of("User-Agent"), HIDE_DROP);
	ck_assert_int_eq(hide_kind_of("Via"), HIDE_NOT);
	ck_assert_int_eq(hide_kind_of("X-Unknown"), HIDE_NOT);
}
END_TEST

START_TEST(a_realm_sees_itself_and_what_it_reaches)
{
	static realm_id inside_reaches[] = { 1 };
	static struct ip_prefix inside_networks[1];
	static struct conf_realm realms[] = {
		{ .id = 0,
		  .networks = inside_networks,
		  .network_count = 1,
		  .reaches = inside_reaches,
		  .reach_count = 1 },
		{ .id = 1 },
	};
	static const struct conf conf = { .realms = realms, .realm_count = 2 };
	struct hide_view out = { &conf, 0, 1 }, in = { &conf, 1, 0 };
	struct ip_addr inside = ip_addr_v4(0x0a000005);
	struct ip_addr outside = ip_addr_v4(0x09090909);

	ck_assert_int_eq(ip_prefix_parse("10.0.0.0/8", 10, inside_networks), 0);
	ck_assert(!hide_shown_in_view(&inside, &out));
	ck_assert(hide_shown_in_view(&outside, &out));
	ck_assert(hide_shown_in_view(&outside, &in));
	/* A party outside means a 10.0.0.5 of its own. */
	ck_assert(hide_shown_in_view(&inside, &in));
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/hide", hosts_in_uris_become_ours,
			 a_host_of_ipv6_gets_brackets, what_may_be_seen_stays,
			 addresses_are_found_at_every_edge_of_a_word,
			 free_text_with_an_address_goes,
			 call_ids_go_there_and_back,
			 words_of_others_are_left_alone,
			 call_ids_in_other_headers_are_the_same_word,
			 an_escaped_nul_ends_no_call_id,
			 headers_are_known_by_both_names,
			 a_realm_sees_itself_and_what_it_reaches);
}
