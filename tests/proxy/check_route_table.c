/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the cases of tests/proxy/route/: a configuration up to the line "==",
 * then lines "WHO METHOD URI = RESULT". WHO is a trunk, or the realm of a user.
 * RESULT is "user USER@DOMAIN", "trunk NAME", "STATUS text", or "ROUTE: URI to
 * TARGET TARGET ...".
 */
#include "config.h"

#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proxy/corpus.h"
#include "tests/proxy/suite.h"

struct bed {
	struct conf *conf;
	struct trunk_list trunks;
	struct users users;
};

static void bed_init(struct bed *bed, const char *text)
{
	char lines[] = "bob:example.com:0123456789abcdef0123456789abcdef\n"
		       "100:example.com:0123456789abcdef0123456789abcdef\n";
	FILE *in = fmemopen(lines, strlen(lines), "r");
	char path[] = "/tmp/vdrouteXXXXXX";
	int fd = mkstemp(path);

	memset(bed, 0, sizeof(*bed));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	bed->conf = conf_read(path, stderr);
	unlink(path);
	ck_assert_ptr_nonnull(bed->conf);
	ck_assert_int_eq(trunk_list_init(&bed->trunks, bed->conf), 0);
	ck_assert_int_eq(users_read_stream(&bed->users, in, "users", stderr),
			 0);
	fclose(in);
}

static void bed_done(struct bed *bed)
{
	users_done(&bed->users);
	trunk_list_done(&bed->trunks);
	conf_free(bed->conf);
}

static void tell_table(const struct bed *bed, const struct route_query *query,
		       const struct conf_route *route, char *buf, size_t size)
{
	size_t order[CONF_TARGETS_MAX];
	size_t count = route_order(route, 1, order);
	char uri[256];
	int error = route_rewrite(route, query->request_uri, uri, sizeof(uri));
	int len = snprintf(buf, size, "%s: %s to", route->name,
			   error == 0 ? uri : "(cannot be rewritten)");

	for (size_t i = 0; i < count; i++) {
		const struct conf_target *target = &route->targets[order[i]];
		const char *name =
			target->trunk != SIZE_MAX ?
				bed->conf->trunks[target->trunk].name :
				bed->conf->domains[target->domain].name;

		len += snprintf(buf + len, size - (size_t)len, " %s", name);
	}
}

static void run(const struct bed *bed, const char *who, const char *method,
		const char *uri, char *buf, size_t size)
{
	const struct conf *conf = bed->conf;
	struct route_query query = { .conf = conf,
				     .trunks = &bed->trunks,
				     .users = &bed->users,
				     .request_uri = uri,
				     .method = method,
				     .speaker = ROUTE_FROM_USER,
				     .trunk = TRUNK_NONE };
	realm_id realm = realm_find(&conf->names, who);
	struct route_result result;

	for (size_t i = 0; i < conf->trunk_count; i++) {
		if (strcmp(conf->trunks[i].name, who) != 0)
			continue;
		query.speaker = ROUTE_FROM_TRUNK;
		query.trunk = i;
		realm = conf->trunks[i].realm;
	}
	while (conf->listens[query.listen].realm != realm)
		ck_assert_uint_lt(++query.listen, conf->listen_count);
	route_find(&query, &result);
	if (result.kind == ROUTE_USER)
		snprintf(buf, size, "user %s@%s", result.user, result.domain);
	else if (result.kind == ROUTE_TRUNK)
		snprintf(buf, size, "trunk %s",
			 conf->trunks[result.trunk].name);
	else if (result.kind == ROUTE_TABLE)
		tell_table(bed, &query, result.route, buf, size);
	else
		snprintf(buf, size, "%d %s", result.status, result.text);
}

static size_t run_file(const char *path)
{
	size_t len, count = 0;
	char *text = corpus_read(path, &len);
	char *cases = strstr(text, "\n==\n"), *line, *rest;
	struct bed bed;

	ck_assert_ptr_nonnull(cases);
	cases[1] = '\0';
	bed_init(&bed, text);
	for (line = strtok_r(cases + 4, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		char who[64], method[32], uri[128], want[256], have[512];

		if (line[0] == '#')
			continue;
		ck_assert_msg(sscanf(line, "%63s %31s %127s = %255[^\n]", who,
				     method, uri, want) == 4,
			      "%s: \"%s\"", path, line);
		run(&bed, who, method, uri, have, sizeof(have));
		ck_assert_msg(strcmp(have, want) == 0,
			      "%s: %s %s %s: %s, not %s", path, who, method,
			      uri, have, want);
		count++;
	}
	bed_done(&bed);
	free(text);
	return count;
}

START_TEST(the_closest_section_holds)
{
	ck_assert_uint_ge(run_file("tests/proxy/route/table.txt"), 25);
}
END_TEST

START_TEST(numbers_are_rewritten)
{
	ck_assert_uint_ge(run_file("tests/proxy/route/numbers.txt"), 12);
}
END_TEST

START_TEST(emergency_numbers_have_their_way)
{
	ck_assert_uint_ge(run_file("tests/proxy/route/emergency.txt"), 5);
}
END_TEST

/* By priority; within one, the first is chosen by weight. */
START_TEST(targets_share_by_weight)
{
	struct conf_target targets[] = { { 0, SIZE_MAX, 2, 1 },
					 { 1, SIZE_MAX, 1, 70 },
					 { 2, SIZE_MAX, 1, 30 },
					 { 3, SIZE_MAX, 1, 0 } };
	const struct conf_route route = { .targets = targets,
					  .target_count = 4 };
	size_t first[4] = { 0 };

	for (uint64_t i = 0; i < 10000; i++) {
		size_t order[CONF_TARGETS_MAX];

		ck_assert_uint_eq(route_order(&route, i * 0x9e3779b97f4a7c15u,
					      order),
				  4);
		ck_assert_uint_eq(order[3], 0);
		first[order[0]]++;
	}
	ck_assert_uint_eq(first[0], 0);
	ck_assert_uint_eq(first[3], 0);
	ck_assert_uint_gt(first[1], 6500);
	ck_assert_uint_lt(first[1], 7500);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/route: the table", the_closest_section_holds,
			 numbers_are_rewritten,
			 emergency_numbers_have_their_way,
			 targets_share_by_weight);
}
