/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/policy. */
#include "natctl/policy.h"

#include <errno.h>
#include <string.h>

#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define OWNER  500
#define CLIENT 4321

static struct conf *conf;
static struct policy policy;
static struct fault fault;
static struct request_want want;

static void begin(void)
{
	conf = sample_conf(SAMPLE_INSIDE SAMPLE_OUTSIDE(
		"\"3.3.3.0/30:1000-"
		"1999\"") "client phone { user = \"4321\""
			  " realms = {\"outside\"} kinds = {\"terminating\"}"
			  " outer = {\"3.3.3.2:1000-1099\"}"
			  " third_party = no max_leases = 4"
			  " max_lifetime = 600 }\n");
	memset(&want, 0, sizeof(want));
	want.inner = sample_endpoint(conf, "2.2.2.2:2222@inside");
	want.realm = realm_find(&conf->names, "outside");
	want.kind = RULE_TERMINATING;
	fault.code = 0;
	ck_assert_int_eq(policy_find(conf, OWNER, CLIENT, &policy, &fault), 0);
}

static void end(void)
{
	conf_free(conf);
}

START_TEST(root_and_the_owner_may_do_all)
{
	static const uint32_t uids[] = { 0, OWNER };

	for (size_t i = 0; i < 2; i++) {
		const struct conf_range *ranges;
		uint32_t lifetime;

		ck_assert_int_eq(policy_find(conf, OWNER, uids[i], &policy,
					     &fault),
				 0);
		ck_assert(policy_may_manage_all(&policy));
		want.kind = RULE_BOTH;
		want.realm = realm_find(&conf->names, "inside");
		ck_assert_int_eq(policy_check_want(&policy, &want, false,
						   &fault),
				 0);
		ck_assert_int_eq(policy_check_count(&policy, 1 << 20, 64,
						    &fault),
				 0);
		ck_assert_int_eq(policy_check_lifetime(&policy, 86400,
						       &lifetime, &fault),
				 0);
		ck_assert_uint_eq(policy_within(&policy, &ranges), 0);
	}
}
END_TEST

START_TEST(others_without_a_section_may_do_nothing)
{
	ck_assert_int_eq(policy_find(conf, OWNER, 77, &policy, &fault),
			 -EPROTO);
	ck_assert_int_eq(fault.code, RPC_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "77"));
}
END_TEST

START_TEST(a_client_within_its_limits_is_let_through)
{
	ck_assert(!policy_may_manage_all(&policy));
	ck_assert_int_eq(policy_check_want(&policy, &want, true, &fault), 0);
	ck_assert_int_eq(policy_check_count(&policy, 2, 2, &fault), 0);
}
END_TEST

START_TEST(another_realm_is_refused)
{
	want.realm = realm_find(&conf->names, "other");
	ck_assert_int_eq(policy_check_want(&policy, &want, true, &fault),
			 -EPROTO);
	ck_assert_int_eq(fault.code, RPC_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "other"));
}
END_TEST

START_TEST(another_kind_is_refused)
{
	want.kind = RULE_ORIGINATING;
	ck_assert_int_eq(policy_check_want(&policy, &want, true, &fault),
			 -EPROTO);
	ck_assert_int_eq(fault.code, RPC_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "originating"));
}
END_TEST

START_TEST(an_address_of_another_machine_is_refused)
{
	ck_assert_int_eq(policy_check_want(&policy, &want, false, &fault),
			 -EPROTO);
	ck_assert_int_eq(fault.code, RPC_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "machine"));
}
END_TEST

START_TEST(one_lease_too_many_is_refused)
{
	ck_assert_int_eq(policy_check_count(&policy, 2, 3, &fault), -EPROTO);
	ck_assert_int_eq(fault.code, RPC_LIMIT);
}
END_TEST

START_TEST(a_second_too_long_is_refused)
{
	uint32_t lifetime = 0;

	ck_assert_int_eq(policy_check_lifetime(&policy, 601, &lifetime, &fault),
			 -EPROTO);
	ck_assert_int_eq(fault.code, RPC_LIMIT);
	ck_assert_int_eq(policy_check_lifetime(&policy, 600, &lifetime, &fault),
			 0);
	ck_assert_uint_eq(lifetime, 600);
}
END_TEST

START_TEST(the_default_lifetime_keeps_to_the_limit)
{
	uint32_t lifetime = 0;

	ck_assert_int_eq(policy_check_lifetime(&policy, 0, &lifetime, &fault),
			 0);
	ck_assert_uint_eq(lifetime, 600);
	ck_assert_int_eq(policy_find(conf, OWNER, 0, &policy, &fault), 0);
	ck_assert_int_eq(policy_check_lifetime(&policy, 0, &lifetime, &fault),
			 0);
	ck_assert_uint_eq(lifetime, 3600);
}
END_TEST

START_TEST(a_client_is_bound_to_its_outer_ranges)
{
	const struct conf_range *ranges = NULL;

	ck_assert_uint_eq(policy_within(&policy, &ranges), 1);
	ck_assert_uint_eq(ranges[0].ports.last, 1099);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		root_and_the_owner_may_do_all,
		others_without_a_section_may_do_nothing,
		a_client_within_its_limits_is_let_through,
		another_realm_is_refused,
		another_kind_is_refused,
		an_address_of_another_machine_is_refused,
		one_lease_too_many_is_refused,
		a_second_too_long_is_refused,
		the_default_lifetime_keeps_to_the_limit,
		a_client_is_bound_to_its_outer_ranges,
	};

	return SUITE_RUN("policy", tests, begin, end);
}
