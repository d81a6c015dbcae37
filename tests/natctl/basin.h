/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of pools to take endpoints from, for the tests of natctl/pool. */
#ifndef VIADUCT_TESTS_NATCTL_BASIN_H
#define VIADUCT_TESTS_NATCTL_BASIN_H

#include "tests/natctl/sample.h"

#define OWNER      1000
#define BASIN_RUNS 2048 /* that a test has at most */

struct basin {
	struct conf *conf;
	struct pool_set *set;
	struct pool_run *runs[BASIN_RUNS]; /* owned: given back at the end */
	size_t run_count;
};

extern struct basin basin;

/*
 * The fixture: 3.3.3.0/30:1000-1999, and 20.20.20.16/28:2000-2009 as pool
 * "billing". At its end the account must close to zero.
 */
void basin_begin(void);
void basin_end(void);
/* Another configuration and seed; remake ends the one before. */
void basin_make(const char *text, uint64_t seed);
void basin_remake(const char *text, uint64_t seed);
void basin_give_all(void);

struct pool_want basin_want_of(const char *inner, unsigned ports);
/* One port for 2.2.2.2:2222@inside, so wished. */
struct pool_want basin_wish_of(const char *prefix, unsigned first,
			       unsigned last, bool strict);
/* 0 with a run that basin_end gives back, or why not. */
int basin_take(const struct pool_want *want, struct endpoint *ret,
	       bool *ret_preferred);
/* It gives this, as preferred. */
void basin_expect(const struct pool_want *want, const char *outer);
void basin_refuse(const struct pool_want *want, int error);

#endif
