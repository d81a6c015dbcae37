/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of pools to take endpoints from. */
#include "tests/natctl/basin.h"

#include <check.h>

struct basin basin;

static const char configuration[] = SAMPLE_INSIDE SAMPLE_OUTSIDE(
	"\"3.3.3.0/30:1000-1999\"") "pool billing { realm = outside"
				    " endpoints = {\"20.20.20.16/28:2000-2009\"} }\n";

void basin_make(const char *text, uint64_t seed)
{
	basin.conf = sample_conf(text);
	basin.set = pool_set_new(basin.conf, seed);
	ck_assert_ptr_nonnull(basin.set);
}

void basin_begin(void)
{
	basin.run_count = 0;
	basin_make(configuration, 1);
}

void basin_give_all(void)
{
	while (basin.run_count > 0)
		pool_give(basin.set, basin.runs[--basin.run_count], false, 0);
}

void basin_end(void)
{
	basin_give_all();
	pool_expire(basin.set, UINT64_MAX - 1);
	sample_expect_pools(basin.set, 0, 0);
	ck_assert_uint_eq(pool_deadline(basin.set), UINT64_MAX);
	pool_set_free(basin.set);
	conf_free(basin.conf);
}

void basin_remake(const char *text, uint64_t seed)
{
	basin_end();
	basin_make(text, seed);
}

struct pool_want basin_want_of(const char *inner, unsigned ports)
{
	struct pool_want want = { .inner = sample_endpoint(basin.conf, inner),
				  .ports = (uint16_t)ports,
				  .owner = OWNER };

	want.realm = realm_find(&basin.conf->names, "outside");
	return want;
}

struct pool_want basin_wish_of(const char *prefix, unsigned first,
			       unsigned last, bool strict)
{
	struct pool_want want = basin_want_of("2.2.2.2:2222@inside", 1);

	want.wish.prefix = sample_prefix(prefix);
	want.wish.ports.first = (uint16_t)first;
	want.wish.ports.last = (uint16_t)last;
	want.wish.strict = strict;
	return want;
}

/* 0 with a run that basin_end() gives back, or why not. */
int basin_take(const struct pool_want *want, struct endpoint *ret,
	       bool *ret_preferred)
{
	bool preferred;
	int rc;

	ck_assert_uint_lt(basin.run_count, BASIN_RUNS);
	rc = pool_take(basin.set, want, &basin.runs[basin.run_count],
		       &preferred);
	if (rc != 0)
		return rc;
	*ret = *pool_run_outer(basin.runs[basin.run_count++]);
	if (ret_preferred != NULL)
		*ret_preferred = preferred;
	return 0;
}

void basin_expect(const struct pool_want *want, const char *outer)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT];
	bool preferred = false;

	ck_assert_int_eq(basin_take(want, &endpoint, &preferred), 0);
	ck_assert_str_eq(endpoint_format(&endpoint, &basin.conf->names, text),
			 outer);
	ck_assert(preferred);
}

void basin_refuse(const struct pool_want *want, int error)
{
	struct endpoint endpoint;

	ck_assert_int_eq(basin_take(want, &endpoint, NULL), error);
}
