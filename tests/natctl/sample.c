/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations and values for the tests of natctl, out of text. */
#include "tests/natctl/sample.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conf *sample_conf(const char *text)
{
	char path[] = "/tmp/viaduct-sample-XXXXXX";
	int fd = mkstemp(path);
	struct conf *conf;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	conf = conf_read(path, stderr);
	unlink(path);
	ck_assert_ptr_nonnull(conf);
	return conf;
}

struct endpoint sample_endpoint(const struct conf *conf, const char *text)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse(text, &conf->names, &endpoint), 0);
	return endpoint;
}

struct ip_prefix sample_prefix(const char *text)
{
	struct ip_prefix prefix;

	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &prefix), 0);
	return prefix;
}

json_t *sample_json(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *value;

	ck_assert_ptr_nonnull(copy);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, JSON_DECODE_ANY, &error);
	ck_assert_msg(value != NULL, "%s: %s", error.text, copy);
	free(copy);
	return value;
}

void sample_expect_pools(const struct pool_set *set, uint64_t leased,
			 uint64_t held)
{
	uint64_t found_leased = 0;
	uint64_t found_held = 0;

	for (size_t i = 0; i < pool_count(set); i++) {
		struct pool_info info;

		pool_describe(set, i, &info);
		ck_assert_uint_le(info.udp.leased + info.udp.held,
				  info.endpoints);
		ck_assert_uint_le(info.tcp.leased + info.tcp.held,
				  info.endpoints);
		if (info.dynamic)
			continue;
		found_leased += info.udp.leased + info.tcp.leased;
		found_held += info.udp.held + info.tcp.held;
	}
	ck_assert_uint_eq(found_leased, leased);
	ck_assert_uint_eq(found_held, held);
}
