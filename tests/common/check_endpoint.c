/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/endpoint.c. */
#include <errno.h>
#include <string.h>

#include "common/endpoint.h"
#include "tests/common/suite.h"

static const char *const realm_list[] = { "inside", "outside" };
static const struct realm_names names = { realm_list, 2 };

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr = { .family = IP_NONE };

	ck_assert_int_eq(ip_addr_parse(text, strlen(text), &addr), 0);
	return addr;
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix prefix = { .bits = 0 };

	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &prefix), 0);
	return prefix;
}

START_TEST(addresses_have_one_canonical_text)
{
	static const char *const cases[][2] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2.2.2.2", "2.2.2.2" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "::", "::" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr addr = addr_of(cases[i][0]);
		char text[IP_ADDR_TEXT];

		ck_assert_str_eq(ip_addr_format(&addr, text), cases[i][1]);
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused_and_leaves_the_result_alone)
{
	static const char *const cases[] = {
		"",
		"1.1.1",
		"1.1.1.1.1",
		"1.1.1.256",
		"01.1.1.1",
		"1.1.1.1 ",
		" 1.1.1.1",
		"1.1.1.x",
		"[::1]",
		"::1%lo",
		":::",
		"1::2::3",
		"0x1.1.1.1",
		"1.1.1.1/8",
		"fe80::g",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr addr = { .family = 77 };

		ck_assert_int_eq(ip_addr_parse(cases[i], strlen(cases[i]),
					       &addr),
				 -EINVAL);
		ck_assert_uint_eq(addr.family, 77);
	}
	ck_assert_int_eq(ip_addr_parse("1.1.1.1\0x", 9, &(struct ip_addr){}),
			 -EINVAL);
}
END_TEST

START_TEST(an_address_ends_where_its_length_says)
{
	struct ip_addr addr;
	char text[IP_ADDR_TEXT];

	ck_assert_int_eq(ip_addr_parse("1.1.1.123", 7, &addr), 0);
	ck_assert_str_eq(ip_addr_format(&addr, text), "1.1.1.1");
}
END_TEST

START_TEST(numbers_and_addresses_convert_both_ways)
{
	struct ip_addr addr = ip_addr_v4(0xcb007110);
	struct ip_addr same = addr_of("203.0.113.16");

	ck_assert(ip_addr_equal(&addr, &same));
	ck_assert_uint_eq(ip_addr_to_v4(&addr), 0xcb007110);
}
END_TEST

START_TEST(special_addresses_are_told)
{
	struct ip_addr a = addr_of("0.0.0.0"), b = addr_of("::"),
		       c = addr_of("127.1.2.3"), d = addr_of("::1"),
		       e = addr_of("239.1.1.1"), f = addr_of("ff02::1"),
		       g = addr_of("255.255.255.255"), h = addr_of("1.1.1.1"),
		       none = { .family = IP_NONE };

	ck_assert(ip_addr_is_any(&a) && ip_addr_is_any(&b));
	ck_assert(ip_addr_is_loopback(&c) && ip_addr_is_loopback(&d));
	ck_assert(ip_addr_is_multicast(&e) && ip_addr_is_multicast(&f));
	ck_assert(ip_addr_is_broadcast(&g) && !ip_addr_is_multicast(&g));
	ck_assert(!ip_addr_is_any(&h) && !ip_addr_is_loopback(&h) &&
		  !ip_addr_is_multicast(&h) && !ip_addr_is_broadcast(&h));
	ck_assert(!ip_addr_is_any(&none) && !ip_addr_is_loopback(&none));
}
END_TEST

START_TEST(prefixes_with_host_bits_are_refused)
{
	static const char *const bad[] = {
		"10.0.0.1/8",      "1.1.1.1/33",     "1.1.1.1/-1",
		"1.1.1.1/",        "1.1.1.1/032",    "/8",
		"1.1.1.1/8 ",      "2001:db8::1/64", "::/129",
		"203.0.113.17/30",
	};
	struct ip_prefix prefix;
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(ip_prefix_parse(bad[i], strlen(bad[i]),
						 &prefix),
				 -EINVAL);
	prefix = prefix_of("10.0.0.0/8");
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "10.0.0.0/8");
	prefix = prefix_of("1.1.1.1");
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "1.1.1.1/32");
	prefix = prefix_of("2001:db8::/33");
	ck_assert_str_eq(ip_prefix_format(&prefix, text), "2001:db8::/33");
}
END_TEST

START_TEST(prefixes_contain_and_overlap_by_their_bits)
{
	struct ip_prefix all = prefix_of("0.0.0.0/0"),
			 ten = prefix_of("10.0.0.0/8"),
			 part = prefix_of("10.128.0.0/9"),
			 other = prefix_of("11.0.0.0/8"),
			 six = prefix_of("::/0");
	struct ip_addr in = addr_of("10.200.1.1"), out = addr_of("11.0.0.1"),
		       in_six = addr_of("::1"), none = { .family = IP_NONE };

	ck_assert(ip_prefix_contains(&ten, &in));
	ck_assert(ip_prefix_contains(&part, &in));
	ck_assert(!ip_prefix_contains(&ten, &out));
	ck_assert(ip_prefix_contains(&all, &out));
	ck_assert(!ip_prefix_contains(&all, &in_six));
	ck_assert(!ip_prefix_contains(&six, &in));
	ck_assert(!ip_prefix_contains(&all, &none));
	ck_assert(ip_prefix_overlaps(&ten, &part));
	ck_assert(ip_prefix_overlaps(&part, &ten));
	ck_assert(!ip_prefix_overlaps(&ten, &other));
	ck_assert(!ip_prefix_overlaps(&all, &six));
	ck_assert_uint_eq(ip_prefix_count(&ten), 1u << 24);
	ck_assert_uint_eq(ip_prefix_count(&six), UINT64_MAX);
	all = ip_prefix_of(&in);
	ck_assert_uint_eq(ip_prefix_count(&all), 1);
}
END_TEST

START_TEST(port_ranges_are_of_ports_in_order)
{
	static const char *const bad[] = {
		"",      "0",     "65536", "0-5", "9-8",     "1-", "-1",
		"1-2-3", "1 - 2", "01",    "+1",  "1-65536", "a",  "99999999999"
	};
	struct port_range range;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(port_range_parse(bad[i], strlen(bad[i]),
						  &range),
				 -EINVAL);
	ck_assert_int_eq(port_range_parse("2000-2999", 9, &range), 0);
	ck_assert(port_range_contains(range, 2000));
	ck_assert(port_range_contains(range, 2999));
	ck_assert(!port_range_contains(range, 1999));
	ck_assert(!port_range_contains(range, 3000));
	ck_assert_int_eq(port_range_parse("65535", 5, &range), 0);
	ck_assert_uint_eq(range.first, 65535);
	ck_assert_uint_eq(range.last, 65535);
}
END_TEST

START_TEST(endpoints_have_one_text_form)
{
	static const char *const cases[] = { "2.2.2.2:2222@inside",
					     "[2001:db8::1]:5060@outside",
					     "0.0.0.0:1@inside" };
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(endpoint_parse(cases[i], &names, &endpoint),
				 0);
		ck_assert_str_eq(endpoint_format(&endpoint, &names, text),
				 cases[i]);
	}
	ck_assert_str_eq(endpoint_format(&endpoint, NULL, text), "0.0.0.0:1");
	endpoint.realm = 7;
	ck_assert_str_eq(endpoint_format(&endpoint, &names, text),
			 "0.0.0.0:1@?");
}
END_TEST

START_TEST(what_is_no_endpoint_is_refused)
{
	static const char *const bad[] = {
		"",
		"2.2.2.2",
		"2.2.2.2:2222",
		"2.2.2.2@inside",
		"2.2.2.2:0@inside",
		"2.2.2.2:70000@inside",
		"2.2.2.2:1-2@inside",
		"2001:db8::1:5060@inside",
		"[2.2.2.2]:1@inside",
		"[2001:db8::1:5060@inside",
		"2.2.2.2:1@",
		"2.2.2.2:1@inside@inside",
		"@inside",
		":1@inside",
	};
	struct endpoint endpoint = { .port = 77 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(endpoint_parse(bad[i], &names, &endpoint),
				 -EINVAL);
	ck_assert_int_eq(endpoint_parse("2.2.2.2:1@nowhere", &names, &endpoint),
			 -ENOENT);
	ck_assert_uint_eq(endpoint.port, 77);
}
END_TEST

START_TEST(equal_endpoints_hash_alike_and_others_differ)
{
	struct endpoint a, b;

	ck_assert_int_eq(endpoint_parse("2.2.2.2:2222@inside", &names, &a), 0);
	b = a;
	ck_assert(endpoint_equal(&a, &b));
	ck_assert_uint_eq(endpoint_hash(&a, 1), endpoint_hash(&b, 1));
	ck_assert_uint_ne(endpoint_hash(&a, 1), endpoint_hash(&b, 2));
	b.realm = 1;
	ck_assert(!endpoint_equal(&a, &b));
	ck_assert_int_lt(endpoint_compare(&a, &b), 0);
	ck_assert_uint_ne(endpoint_hash(&a, 1), endpoint_hash(&b, 1));
	b = a;
	b.port++;
	ck_assert_int_lt(endpoint_compare(&a, &b), 0);
	ck_assert_int_gt(endpoint_compare(&b, &a), 0);
	ck_assert_uint_ne(endpoint_hash(&a, 1), endpoint_hash(&b, 1));
	ck_assert_int_eq(endpoint_parse("[2001:db8::1]:2222@inside", &names,
					&b),
			 0);
	ck_assert_uint_ne(endpoint_hash(&a, 1), endpoint_hash(&b, 1));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		addresses_have_one_canonical_text,
		what_is_no_address_is_refused_and_leaves_the_result_alone,
		an_address_ends_where_its_length_says,
		numbers_and_addresses_convert_both_ways,
		special_addresses_are_told,
		prefixes_with_host_bits_are_refused,
		prefixes_contain_and_overlap_by_their_bits,
		port_ranges_are_of_ports_in_order,
		endpoints_have_one_text_form,
		what_is_no_endpoint_is_refused,
		equal_endpoints_hash_alike_and_others_differ,
		NULL,
	};

	return suite_run("endpoint", tests);
}
