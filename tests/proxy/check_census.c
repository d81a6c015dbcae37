/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/census.h"
#include "proxy/sockaddr.h"

#include <string.h>

#include "tests/proxy/suite.h"

static struct census census;
static const int ports[2];

static void setup(void)
{
	ck_assert_int_eq(census_init(&census, 7), 0);
}

static void teardown(void)
{
	census_done(&census);
}

START_TEST(each_address_is_counted_for_each_port)
{
	struct ip_addr one = ip_addr_v4(1), other = ip_addr_v4(2);

	ck_assert_uint_eq(census_enter(&census, &ports[0], &one), 1);
	ck_assert_uint_eq(census_enter(&census, &ports[0], &one), 2);
	ck_assert_uint_eq(census_enter(&census, &ports[0], &other), 1);
	ck_assert_uint_eq(census_enter(&census, &ports[1], &one), 1);
	census_leave(&census, &ports[0], &one);
	ck_assert_uint_eq(census_enter(&census, &ports[0], &one), 2);
}
END_TEST

START_TEST(who_has_none_left_takes_no_room)
{
	for (uint32_t i = 0; i < 1000; i++) {
		struct ip_addr addr = ip_addr_v4(i);

		ck_assert_uint_eq(census_enter(&census, &ports[0], &addr), 1);
		census_leave(&census, &ports[0], &addr);
		census_leave(&census, &ports[0], &addr);
	}
	ck_assert_uint_eq(census.sources.count, 0);
}
END_TEST

START_TEST(endpoints_survive_the_kernels_form)
{
	static const char *const texts[] = { "1.2.3.4:5060",
					     "[2001:db8::1]:65535" };

	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_storage form;
		struct endpoint from, to;

		ck_assert_int_eq(endpoint_parse_bare(texts[i], strlen(texts[i]),
						     &from),
				 0);
		from.realm = 3;
		ck_assert_uint_gt(sockaddr_format(&from, &form), 0);
		ck_assert(sockaddr_parse((struct sockaddr *)&form, 3, &to));
		ck_assert(endpoint_equal(&from, &to));
	}
	ck_assert(!sockaddr_parse(&(struct sockaddr){ .sa_family = AF_UNIX }, 3,
				  &(struct endpoint){ .port = 0 }));
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH("census", setup, teardown,
			      each_address_is_counted_for_each_port,
			      who_has_none_left_takes_no_room,
			      endpoints_survive_the_kernels_form);
}
