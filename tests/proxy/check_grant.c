/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/grant.h"

#include <string.h>

#include "tests/proxy/suite.h"

static struct grants grants;

static void setup(void)
{
	grants_init(&grants);
}

static void teardown(void)
{
	grants_done(&grants);
	ck_assert_uint_eq(grants.count, 0);
}

static struct endpoint at(const char *text, realm_id realm)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse_bare(text, strlen(text), &endpoint), 0);
	endpoint.realm = realm;
	return endpoint;
}

static struct grant *add(uint64_t lease, int side, const char *inner,
			 uint16_t ports)
{
	struct grant value = { .lease = lease,
			       .side = side,
			       .inner = at(inner, 0),
			       .outer = at("3.3.3.3:3333", 1),
			       .ports = ports };

	return grant_add(&grants, &value);
}

static struct rule_condition from(const char *text)
{
	struct rule_condition condition;

	memset(&condition, 0, sizeof(condition));
	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &condition.source),
			 0);
	condition.ports = (struct port_range){ 1, UINT16_MAX };
	return condition;
}

static struct grant_limits one(const char *source, uint16_t remote)
{
	struct anchor_limits anchor;
	struct grant_limits limits;

	memset(&anchor, 0, sizeof(anchor));
	anchor.condition_count = 1;
	anchor.conditions[0] = from(source);
	anchor.remote.prefix = anchor.conditions[0].source;
	anchor.remote.port = remote;
	grant_limits_from(&limits, &anchor);
	return limits;
}

START_TEST(a_lease_serves_the_same_endpoint_with_fewer_ports)
{
	struct endpoint inner = at("2.2.2.2:2222", 0);
	struct endpoint other = at("2.2.2.2:2224", 0);
	const struct grant *grant = add(1, 0, "2.2.2.2:2222", 2);

	ck_assert_ptr_eq(grant_find(&grants, 0, &inner, 1, 2), grant);
	ck_assert_ptr_eq(grant_find(&grants, 0, &inner, 1, 1), grant);
	ck_assert_ptr_null(grant_find(&grants, 0, &inner, 1, 3));
	ck_assert_ptr_null(grant_find(&grants, 1, &inner, 1, 2));
	ck_assert_ptr_null(grant_find(&grants, 0, &inner, 2, 2));
	ck_assert_ptr_null(grant_find(&grants, 0, &other, 1, 2));
}
END_TEST

START_TEST(a_sweep_takes_what_is_not_marked_and_the_marks)
{
	uint64_t ids[GRANTS_MAX];
	struct grant *kept;

	add(1, 0, "2.2.2.2:2222", 2);
	kept = add(2, 0, "2.2.2.2:2224", 2);
	add(3, 1, "2.2.2.2:2226", 2);
	kept->marked = true;
	ck_assert_uint_eq(grants_sweep(&grants, ids), 2);
	ck_assert_uint_eq(ids[0], 1);
	ck_assert_uint_eq(ids[1], 3);
	ck_assert_uint_eq(grants_sweep(&grants, ids), 1);
	ck_assert_uint_eq(ids[0], 2);
}
END_TEST

START_TEST(a_call_holds_no_more_than_its_limit)
{
	for (unsigned i = 0; i < GRANTS_MAX; i++)
		ck_assert_ptr_nonnull(add(i + 1, 0, "2.2.2.2:2222", 2));
	ck_assert_ptr_null(add(GRANTS_MAX + 1, 0, "2.2.2.2:2222", 2));
	ck_assert_uint_eq(grants.count, GRANTS_MAX);
}
END_TEST

START_TEST(united_limits_admit_what_either_admits)
{
	struct grant_limits a = one("1.1.1.1", 1111);
	struct grant_limits b = one("1.1.1.2", 1111);
	struct grant_limits same = a;

	grant_limits_unite(&same, &a);
	ck_assert(grant_limits_equal(&same, &a));
	grant_limits_unite(&a, &b);
	ck_assert_uint_eq(a.count, 2);
	ck_assert_int_eq(a.remote.prefix.addr.family, IP_NONE);
	ck_assert(!grant_limits_equal(&a, &b));
}
END_TEST

START_TEST(anyone_united_with_one_is_anyone)
{
	struct grant_limits anyone, a = one("1.1.1.1", 1111);

	memset(&anyone, 0, sizeof(anyone));
	grant_limits_unite(&a, &anyone);
	ck_assert_uint_eq(a.count, 0);
}
END_TEST

START_TEST(limits_differ_by_source_and_by_remote)
{
	struct grant_limits a = one("1.1.1.1", 1111);
	struct grant_limits port = one("1.1.1.1", 1113);
	struct grant_limits source = one("1.1.1.3", 1111);

	source.remote = a.remote;
	ck_assert(!grant_limits_equal(&a, &port));
	ck_assert(!grant_limits_equal(&a, &source));
	ck_assert(grant_limits_equal(&a, &a));
}
END_TEST

START_TEST(what_two_latch_on_to_apart_becomes_conditions)
{
	struct grant_limits a = { .count = 0 }, b, c;

	ck_assert_int_eq(ip_prefix_parse("1.1.1.1", 7, &a.latch), 0);
	b = a;
	ck_assert_int_eq(ip_prefix_parse("1.1.1.2", 7, &b.latch), 0);
	c = a;
	grant_limits_unite(&c, &a);
	ck_assert(grant_limits_equal(&c, &a));
	ck_assert(!grant_limits_equal(&a, &b));
	grant_limits_unite(&c, &b);
	ck_assert_uint_eq(c.count, 2);
	ck_assert_int_eq(c.latch.addr.family, IP_NONE);
	/* And latched on to again once one of them has won. */
	ck_assert(grant_limits_latch_anew(&c, &a));
	ck_assert(!grant_limits_latch_anew(&a, &c));
	ck_assert(!grant_limits_latch_anew(&a, &a));
	b = a;
	b.remote.port = 7;
	b.remote.prefix = a.latch;
	ck_assert(grant_limits_latch_anew(&a, &b));
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH("grant", setup, teardown,
			      a_lease_serves_the_same_endpoint_with_fewer_ports,
			      a_sweep_takes_what_is_not_marked_and_the_marks,
			      a_call_holds_no_more_than_its_limit,
			      united_limits_admit_what_either_admits,
			      anyone_united_with_one_is_anyone,
			      limits_differ_by_source_and_by_remote,
			      what_two_latch_on_to_apart_becomes_conditions);
}
