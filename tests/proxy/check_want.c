/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/want.h"

#include <errno.h>
#include <string.h>

#include "tests/proxy/suite.h"

static char inside_name[] = "inside", outside_name[] = "outside";
static struct conf_realm realms[] = { { .name = inside_name, .id = 0 },
				      { .name = outside_name, .id = 1 } };
static const char *const names[] = { inside_name, outside_name };
static struct conf conf = { .realms = realms,
			    .realm_count = 2,
			    .names = { names, 2 } };
static const struct grant_limits anyone;
static struct want want;

static struct endpoint at(const char *text, realm_id realm)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse_bare(text, strlen(text), &endpoint), 0);
	endpoint.realm = realm;
	return endpoint;
}

static void format(const struct conf_media_rule *request,
		   const struct grant_limits *limits)
{
	struct endpoint inner = at("2.2.2.2:2222", 0);

	want_format(&want, &conf, &inner, 1, 2, request, limits);
}

static struct conf_media_rule rule(const char *prefix, uint16_t port_first,
				   uint16_t port_last, enum conf_mode mode)
{
	struct conf_media_rule request;

	memset(&request, 0, sizeof(request));
	ck_assert_int_eq(ip_prefix_parse(prefix, strlen(prefix),
					 &request.outer.prefix),
			 0);
	request.outer.ports.first = port_first;
	request.outer.ports.last = port_last;
	request.mode = mode;
	return request;
}

START_TEST(a_plain_want_asks_for_any_endpoint_from_anywhere)
{
	format(NULL, &anyone);
	ck_assert_str_eq(want.want.inner, "2.2.2.2:2222@inside");
	ck_assert_str_eq(want.want.realm, "outside");
	ck_assert_uint_eq(want.want.ports, 2);
	ck_assert_ptr_null(want.want.outer);
	ck_assert_ptr_null(want.want.pool);
	ck_assert_ptr_null(want.want.remote);
	ck_assert_uint_eq(want.want.condition_count, 0);
}
END_TEST

START_TEST(a_media_section_asks_for_an_endpoint_a_range_or_an_address)
{
	struct conf_media_rule exact = rule("3.3.3.3", 3333, 3333,
					    CONF_MODE_STRICT);
	struct conf_media_rule range = rule("20.20.20.16/28", 2000, 2999,
					    CONF_MODE_PREFERRED);
	struct conf_media_rule address = rule("3.3.3.3", 1, UINT16_MAX,
					      CONF_MODE_PREFERRED);

	format(&exact, &anyone);
	ck_assert_str_eq(want.want.outer, "3.3.3.3:3333");
	ck_assert(want.want.strict);
	format(&range, &anyone);
	ck_assert_str_eq(want.want.outer, "20.20.20.16/28:2000-2999");
	ck_assert(!want.want.strict);
	format(&address, &anyone);
	ck_assert_str_eq(want.want.outer, "3.3.3.3");
}
END_TEST

START_TEST(a_media_section_may_name_a_pool)
{
	static char pool[] = "billing";
	struct conf_media_rule request = { .pool = pool };

	format(&request, &anyone);
	ck_assert_str_eq(want.want.pool, "billing");
	ck_assert_ptr_null(want.want.outer);
}
END_TEST

START_TEST(limits_are_told_with_ports_only_where_they_matter)
{
	struct grant_limits limits;

	memset(&limits, 0, sizeof(limits));
	limits.count = 2;
	ip_prefix_parse("1.1.1.1", 7, &limits.conditions[0].source);
	limits.conditions[0].ports = (struct port_range){ 1, UINT16_MAX };
	ip_prefix_parse("1.1.0.0/16", 10, &limits.conditions[1].source);
	limits.conditions[1].ports = (struct port_range){ 1000, 1999 };
	limits.conditions[1].target = at("2.2.2.2:1111", 0);
	limits.remote.prefix = limits.conditions[0].source;
	limits.remote.port = 1111;
	format(NULL, &limits);
	ck_assert_uint_eq(want.want.condition_count, 2);
	ck_assert_str_eq(want.want.conditions[0].source, "1.1.1.1/32");
	ck_assert_ptr_null(want.want.conditions[0].ports);
	ck_assert_ptr_null(want.want.conditions[0].target);
	ck_assert_str_eq(want.want.conditions[1].ports, "1000-1999");
	ck_assert_str_eq(want.want.conditions[1].target, "2.2.2.2:1111@inside");
	ck_assert_str_eq(want.want.remote, "1.1.1.1:1111");
}
END_TEST

START_TEST(a_lease_is_asked_for_again_as_it_was)
{
	struct grant grant = { .inner = at("2.2.2.2:2222", 0),
			       .outer = at("3.3.3.3:3333", 1),
			       .ports = 2 };

	want_format_again(&want, &conf, &grant);
	ck_assert_str_eq(want.want.outer, "3.3.3.3:3333");
	ck_assert(want.want.strict);
}
END_TEST

START_TEST(a_grant_in_another_realm_is_not_taken)
{
	struct natctl_lease lease = { .id = 7,
				      .outer = "3.3.3.3:3333@outside" };
	struct endpoint outer;

	ck_assert_int_eq(want_read(&lease, &conf, 1, &outer), 0);
	ck_assert_uint_eq(outer.port, 3333);
	ck_assert_int_eq(want_read(&lease, &conf, 0, &outer), -EBADMSG);
	lease.id = 0;
	ck_assert_int_eq(want_read(&lease, &conf, 1, &outer), -EBADMSG);
	lease.id = 7;
	strcpy(lease.outer, "nonsense");
	ck_assert_int_eq(want_read(&lease, &conf, 1, &outer), -EBADMSG);
}
END_TEST

START_TEST(latches_and_kept_sources_are_asked_for)
{
	struct grant_limits limits = anyone;

	format(NULL, &limits);
	ck_assert_ptr_null(want.want.latch);
	ck_assert(!want.want.keep_source);
	ck_assert_int_eq(ip_prefix_parse("1.1.1.0/24", 10, &limits.latch), 0);
	realms[0].source = CONF_SOURCE_KEEP;
	format(NULL, &limits);
	realms[0].source = CONF_SOURCE_ADDRESS;
	ck_assert_str_eq(want.want.latch, "1.1.1.0/24");
	ck_assert(want.want.keep_source);
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"want", a_plain_want_asks_for_any_endpoint_from_anywhere,
		a_media_section_asks_for_an_endpoint_a_range_or_an_address,
		a_media_section_may_name_a_pool,
		limits_are_told_with_ports_only_where_they_matter,
		a_lease_is_asked_for_again_as_it_was,
		a_grant_in_another_realm_is_not_taken,
		latches_and_kept_sources_are_asked_for);
}
