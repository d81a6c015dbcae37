/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations and values for the tests of natctl, out of text. */
#ifndef VIADUCT_TESTS_NATCTL_SAMPLE_H
#define VIADUCT_TESTS_NATCTL_SAMPLE_H

#include <jansson.h>

#include "common/conf.h"
#include "natctl/pool.h"

/*
 * The parts of a configuration that most tests want: realm inside
 * (2.0.0.0/8, reaches outside), realm other (2.0.0.0/8 as well), and realm
 * outside with the pools given.
 */
#define SAMPLE_INSIDE                                                \
	"realm inside { interface = eth1 networks = {\"2.0.0.0/8\"}" \
	" reaches = {\"outside\"} }\n"                               \
	"realm other { interface = eth2 networks = {\"2.0.0.0/8\"}"  \
	" reaches = {\"outside\"} }\n"
#define SAMPLE_OUTSIDE(pools) \
	"realm outside { interface = eth0 pool = {" pools "} hold_down = 60 }\n"

/* Read from a file made for it; a mistake in it fails the test. */
struct conf *sample_conf(const char *text);
/* "2.2.2.2:2222@inside" */
struct endpoint sample_endpoint(const struct conf *conf, const char *text);
/* "20.20.20.16/28" or an address. */
struct ip_prefix sample_prefix(const char *text);
/* Single quotes stand for double ones. */
json_t *sample_json(const char *text);
/* leased and held of all pools. */
void sample_expect_pools(const struct pool_set *set, uint64_t leased,
			 uint64_t held);

#endif
