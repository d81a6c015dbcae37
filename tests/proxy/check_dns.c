/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/proxy/suite.h"

#define QUESTION    "\4_sip\4_udp\1x\0\0\x21\0\1"
#define HEAD(n)     "\x12\x34\x81\x80\0\1\0" n "\0\0\0\0" QUESTION
#define BYTES(text) (const uint8_t *)(const char[]){ text }, sizeof(text) - 1

/* An alias, two servers (one by a pointer), and what is no SRV. */
#define SRV                                                            \
	HEAD("\4")                                                     \
	"\xc0\x0c\0\5\0\1\0\0\1\0\0\2\xc0\x0c"                         \
	"\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b\0\x0a\0\x14\x13\xc4\1a\1x" \
	"\0"                                                           \
	"\xc0\x0c\0\x21\0\1\0\0\0\x1e\0\x0a\0\x0b\0\x15\x13\xc5\1b"    \
	"\xc0\x16"                                                     \
	"\xc0\x0c\0\1\0\1\0\0\0\x78\0\4\1\2\3\4"

START_TEST(servers_are_read_with_the_least_time_to_live)
{
	struct dns_answer answer;

	ck_assert_int_eq(dns_parse(BYTES(SRV), DNS_SRV, &answer), 0);
	ck_assert_uint_eq(answer.count, 2);
	ck_assert_uint_eq(answer.ttl, 30);
	ck_assert_str_eq(answer.records[0].name, "a.x");
	ck_assert_uint_eq(answer.records[0].priority, 10);
	ck_assert_uint_eq(answer.records[0].weight, 20);
	ck_assert_uint_eq(answer.records[0].port, 5060);
	ck_assert_str_eq(answer.records[1].name, "b.x");
	ck_assert_uint_eq(answer.records[1].port, 5061);
	ck_assert_int_eq(dns_parse(BYTES(SRV), DNS_A, &answer), 0);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_uint_eq(ip_addr_to_v4(&answer.records[0].addr), 0x01020304);
}
END_TEST

START_TEST(services_are_read)
{
	static const char text[] = HEAD(
		"\1") "\xc0\x0c\0\x23\0\1\0\0\0\x3c\0\x16\0\1\0\2\1s\7"
		      "SIP+D2U\0\4_sip\xc0\x16";
	struct dns_answer answer;

	ck_assert_int_eq(dns_parse((const uint8_t *)text, sizeof(text) - 1,
				   DNS_NAPTR, &answer),
			 0);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_uint_eq(answer.records[0].priority, 1);
	ck_assert_uint_eq(answer.records[0].weight, 2);
	ck_assert_str_eq(answer.records[0].flags, "s");
	ck_assert_str_eq(answer.records[0].service, "SIP+D2U");
	ck_assert_str_eq(answer.records[0].name, "_sip.x");
}
END_TEST

START_TEST(an_answer_that_is_cut_is_none)
{
	static const char text[] = SRV;
	struct dns_answer answer;

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		uint8_t *copy = malloc(len + 1);

		memcpy(copy, text, len);
		ck_assert_int_eq(dns_parse(copy, len, DNS_SRV, &answer),
				 -EBADMSG);
		free(copy);
	}
}
END_TEST

START_TEST(names_that_point_at_themselves_end)
{
	static const char loop[] = HEAD(
		"\1") "\xc0\x19\0\x21\0\1\0\0\0\x3c\0\0";
	static const char odd[] = HEAD(
		"\1") "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b\0\1\0\1\0\1"
		      "\3a b\0";
	struct dns_answer answer;

	ck_assert_int_eq(dns_parse((const uint8_t *)loop, sizeof(loop) - 1,
				   DNS_SRV, &answer),
			 -EBADMSG);
	ck_assert_int_eq(dns_parse((const uint8_t *)odd, sizeof(odd) - 1,
				   DNS_SRV, &answer),
			 -EBADMSG);
}
END_TEST

int main(void)
{
	return SUITE_RUN("dns", servers_are_read_with_the_least_time_to_live,
			 services_are_read, an_answer_that_is_cut_is_none,
			 names_that_point_at_themselves_end);
}
