/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests translator/control.c and worker.c: socket pairs stand in for the TUNs,
 * so a packet that is written to one is read from another. Needs root for a
 * network namespace with the nft tables in it.
 */
#include "translator/control.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rpc.h"
#include "common/sock.h"
#include "tests/translator/conftext.h"
#include "tests/translator/sample.h"
#include "tests/translator/suite.h"
#include "translator/nft.h"

static char dir[32];
static char path[64], link_path[64];
static struct conf *conf;
static struct event_base *base;
static struct link *natctl_link;
static struct worker *worker;
static struct control *control;
static int kernel[2]; /* the kernel's side of each TUN */
static uint64_t sent; /* packets by the kernel */

static void on_lost(realm_id realm, int err, void *arg)
{
	(void)arg;
	ck_abort_msg("TUN %u: %s", (unsigned)realm, strerror(-err));
}

static void make_worker(void)
{
	int tuns[1][REALM_MAX];
	struct worker_options options = { .base = base,
					  .conf = conf,
					  .count = 1,
					  .tuns = tuns,
					  .on_lost = on_lost };

	for (int i = 0; i < 2; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX,
					    SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
					    pair),
				 0);
		tuns[0][i] = pair[0];
		kernel[i] = pair[1];
	}
	ck_assert_int_eq(worker_new(&options, &worker), 0);
	ck_assert_int_eq(worker_start(worker), 0);
	sent = 0;
}

static void begin(void)
{
	struct control_options options = { .path = path, .epoch = 7 };

	strcpy(dir, "/tmp/viaduct-ctrl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(link_path, sizeof(link_path), "%s/link", dir);
	conf = conftext_read("realm inside { interface = {\"a0\"} "
			     "networks = {\"10.0.0.0/8\"} "
			     "reaches = {\"outside\"} }\n"
			     "realm outside { interface = {\"b0\"} "
			     "pool = {\"203.0.113.16/30:2000-2999\"} }\n");
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	make_worker();
	ck_assert_int_eq(link_new(link_path, conf, 7, &natctl_link), 0);
	ck_assert_int_eq(link_start(natctl_link, base, worker_ruleset(worker)),
			 0);
	options.base = base;
	options.conf = conf;
	options.worker = worker;
	options.link = natctl_link;
	ck_assert_int_eq(control_new(&options, &control), 0);
}

static void end(void)
{
	control_free(control);
	link_free(natctl_link);
	worker_free(worker);
	close(kernel[0]);
	close(kernel[1]);
	event_base_free(base);
	conf_free(conf);
	ck_assert_int_eq(rmdir(dir), 0);
}

static uint64_t translated(void)
{
	struct worker_counts counts = worker_counts(worker);
	uint64_t total = 0;

	for (size_t i = 0; i < VERDICT_COUNT; i++)
		total += counts.verdicts[i];
	return total;
}

/* Until what was sent has been translated, 5 seconds at most. */
static void turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < 5000 && translated() < sent; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	ck_assert_uint_eq(translated(), sent);
}

static void send_packet(int realm, const void *packet, size_t len)
{
	ck_assert_int_eq(write(kernel[realm], packet, len), (ssize_t)len);
	sent++;
}

/* What comes out of a TUN, within 5 seconds. */
static ssize_t hear(int realm, uint8_t got[SAMPLE_MAX])
{
	struct pollfd pollfd = { .fd = kernel[realm], .events = POLLIN };

	ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
	return recv(kernel[realm], got, SAMPLE_MAX, MSG_DONTWAIT);
}

/* The answer to a request, whole; params may be NULL. */
static json_t *call(const char *method, json_t *params)
{
	static char text[1 << 20];
	json_t *request = json_pack("{s:s, s:i, s:s, s:o*}", "jsonrpc", "2.0",
				    "id", 1, "method", method, "params",
				    params);
	char *line = json_dumps(request, JSON_COMPACT);
	int fd = sock_connect(path, SOCK_STREAM);
	size_t used = 0;
	json_t *answer;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(write(fd, line, strlen(line)), 0);
	ck_assert_int_eq(write(fd, "\n", 1), 1);
	while (used == 0 || text[used - 1] != '\n') {
		ssize_t len;

		turn();
		len = recv(fd, text + used, sizeof(text) - used, MSG_DONTWAIT);
		ck_assert_int_gt(len, 0);
		used += (size_t)len;
	}
	close(fd);
	free(line);
	json_decref(request);
	answer = json_loadb(text, used, 0, NULL);
	ck_assert_ptr_nonnull(answer);
	return answer;
}

static json_t *result_of(const char *method, json_t *params)
{
	json_t *answer = call(method, params);
	json_t *result = json_incref(json_object_get(answer, "result"));

	ck_assert_ptr_nonnull(result);
	json_decref(answer);
	return result;
}

static void expect_error(const char *method, json_t *params, int code)
{
	json_t *answer = call(method, params);

	ck_assert_int_eq(json_integer_value(json_object_get(
				 json_object_get(answer, "error"), "code")),
			 code);
	json_decref(answer);
}

static void put(uint64_t id, const char *group, uint16_t port)
{
	static const struct rule_condition conditions[2] = {
		{ .source = { { .bytes = { 1, 1, 1, 1 }, .family = IP_V4 },
			      32 },
		  .ports = { 7, 9 },
		  .target = { { .bytes = { 10, 0, 0, 3 }, .family = IP_V4 },
			      30,
			      0 } },
		{ .source = { { .family = IP_V4 }, 0 },
		  .ports = { 1, 65535 },
		  .discard = true },
	};
	struct rule rule = { .id = id,
			     .inner = { ip_addr_v4(0x0a000002), 10, 0 },
			     .outer = { ip_addr_v4(0xcb007110), port, 1 },
			     .remote = { { ip_addr_v4(0x01010101), 32 }, 7 },
			     .timer = 60,
			     .ports = 2,
			     .protocol = RULE_UDP,
			     .condition_count = id == 1 ? 2 : 0,
			     .conditions = conditions };

	strcpy(rule.group, group);
	ck_assert_int_eq(ruleset_put(worker_ruleset(worker), &rule, 1), 0);
}

static const char *text_of(json_t *rule, const char *member)
{
	const char *text = json_string_value(json_object_get(rule, member));

	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(a_rule_is_told_as_the_contract_has_it)
{
	json_t *expected, *result;

	put(1, "call-1", 2000);
	result = result_of("rules", NULL);
	expected = json_pack(
		"{s:[{s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:i,"
		" s:[{s:s, s:s, s:s}, {s:s, s:s, s:b}]}], s:b}",
		"rules", "id", 1, "group", "call-1", "protocol", "udp", "inner",
		"10.0.0.2:10@inside", "outer", "203.0.113.16:2000@outside",
		"ports", 2, "kind", "both", "remote", "1.1.1.1:7", "packets_in",
		0, "packets_out", 0, "discarded", 0, "conditions", "source",
		"1.1.1.1/32", "ports", "7-9", "target", "10.0.0.3:30@inside",
		"source", "0.0.0.0/0", "ports", "1-65535", "discard", 1, "more",
		0);
	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(json_equal(result, expected), "%s",
		      json_dumps(result, 0));
	json_decref(expected);
	json_decref(result);
}
END_TEST

START_TEST(rules_come_in_pages_and_by_group)
{
	json_t *result, *rules;

	put(2, "x", 2000);
	put(3, "y", 2002);
	put(5, "x", 2004);
	result = result_of("rules", json_pack("{s:i}", "limit", 2));
	ck_assert_uint_eq(json_array_size(json_object_get(result, "rules")), 2);
	ck_assert(json_is_true(json_object_get(result, "more")));
	json_decref(result);
	result = result_of("rules",
			   json_pack("{s:i, s:i}", "limit", 2, "after", 3));
	rules = json_object_get(result, "rules");
	ck_assert_uint_eq(json_array_size(rules), 1);
	ck_assert_str_eq(text_of(json_array_get(rules, 0), "outer"),
			 "203.0.113.16:2004@outside");
	ck_assert(json_is_false(json_object_get(result, "more")));
	json_decref(result);
	result = result_of("rules", json_pack("{s:s}", "group", "x"));
	ck_assert_uint_eq(json_array_size(json_object_get(result, "rules")), 2);
	json_decref(result);
}
END_TEST

START_TEST(a_page_fits_a_line)
{
	json_int_t after = 0;
	size_t count = 0;
	bool more = true;

	for (uint16_t i = 0; i < 400; i++)
		put(10u + i, "a-group-with-a-name-of-some-length",
		    (uint16_t)(2000 + 2 * i));
	while (more) {
		json_t *result = result_of("rules",
					   json_pack("{s:I}", "after", after));
		json_t *rules = json_object_get(result, "rules");
		char *text = json_dumps(result, 0);
		size_t size = json_array_size(rules);

		ck_assert_uint_lt(strlen(text), RPC_LINE_MAX - 100);
		ck_assert_uint_gt(size, 0);
		free(text);
		count += size;
		after = json_integer_value(
			json_object_get(json_array_get(rules, size - 1), "id"));
		more = json_is_true(json_object_get(result, "more"));
		json_decref(result);
	}
	ck_assert_uint_eq(count, 400);
}
END_TEST

START_TEST(a_rule_with_more_conditions_than_a_line_holds_is_told_in_part)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	struct rule rule = { .id = 4,
			     .group = "g",
			     .inner = { ip_addr_v4(0x0a000002), 10, 0 },
			     .outer = { ip_addr_v4(0xcb007110), 2100, 1 },
			     .timer = 60,
			     .ports = 2,
			     .protocol = RULE_UDP,
			     .condition_count = RULE_CONDITIONS_MAX,
			     .conditions = conditions };
	json_t *result, *rules, *told;
	char *text;

	for (uint32_t i = 0; i < RULE_CONDITIONS_MAX; i++)
		conditions[i] = (struct rule_condition){
			.source = { ip_addr_v4(0xc8640a00 + i), 32 },
			.ports = { 10000, 65535 },
			.target = { ip_addr_v4(0x0a646464), 30000, 0 }
		};
	ck_assert_int_eq(ruleset_put(worker_ruleset(worker), &rule, 1), 0);
	put(5, "g", 2000);
	result = result_of("rules", NULL);
	rules = json_object_get(result, "rules");
	told = json_object_get(json_array_get(rules, 0), "conditions");
	text = json_dumps(result, 0);
	ck_assert_uint_lt(strlen(text), RPC_LINE_MAX - 100);
	free(text);
	ck_assert_uint_gt(json_array_size(told), 150);
	ck_assert_str_eq(text_of(json_array_get(told, 150), "source"),
			 "200.100.10.150/32");
	ck_assert_int_eq(json_integer_value(
				 json_object_get(json_array_get(rules, 0),
						 "conditions_total")),
			 RULE_CONDITIONS_MAX);
	json_decref(result);
	result = result_of("rules", json_pack("{s:i}", "after", 4));
	rules = json_object_get(result, "rules");
	ck_assert_uint_eq(json_array_size(rules), 1);
	ck_assert_ptr_null(
		json_object_get(json_array_get(rules, 0), "conditions_total"));
	json_decref(result);
}
END_TEST

START_TEST(what_is_not_understood_is_told)
{
	expect_error("rule", NULL, RPC_METHOD_NOT_FOUND);
	expect_error("rules", json_pack("{s:s}", "limit", "x"),
		     RPC_INVALID_PARAMS);
	expect_error("rules", json_pack("{s:i}", "limit", 0),
		     RPC_INVALID_PARAMS);
	expect_error("rules", json_pack("{s:i}", "first", 1),
		     RPC_INVALID_PARAMS);
}
END_TEST

static json_t *explain_params(const char *source, const char *destination,
			      const char *from)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "protocol", "udp", "source",
			 source, "destination", destination, "from", from);
}

START_TEST(explain_tells_what_would_become_of_a_packet)
{
	json_t *result, *expected;

	put(1, "call-1", 2000);
	result = result_of("explain",
			   explain_params("1.1.1.1:7", "203.0.113.16:2000",
					  "outside"));
	expected = json_pack(
		"{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:i, s:s,"
		" s:s, s:s, s:s, s:s, s:i, s:s, s:{s:s, s:s, s:s}}]}",
		"verdict", "in", "forwarded", 1, "reason",
		"rule 1 of group \"call-1\" has the destination "
		"203.0.113.16:2000@outside",
		"from", "outside", "to", "inside", "source", "1.1.1.1:7",
		"destination", "203.0.113.16:2000", "source_after", "1.1.1.1:7",
		"destination_after", "10.0.0.3:30", "rules", "id", 1, "group",
		"call-1", "part", "destination", "kind", "both", "inner",
		"10.0.0.2:10@inside", "outer", "203.0.113.16:2000@outside",
		"ports", 2, "remote", "1.1.1.1:7", "condition", "source",
		"1.1.1.1/32", "ports", "7-9", "target", "10.0.0.3:30@inside");
	ck_assert_ptr_nonnull(expected);
	ck_assert_msg(json_equal(result, expected), "%s",
		      json_dumps(result, 0));
	json_decref(expected);
	json_decref(result);
	result = result_of("explain",
			   json_pack("{s:s, s:s, s:s, s:s}", "protocol", "echo",
				     "source", "1.1.1.1:7", "destination",
				     "203.0.113.16", "from", "outside"));
	ck_assert_str_eq(text_of(result, "verdict"), "no_rule");
	json_decref(result);
	result = result_of("explain",
			   explain_params("2.2.2.2:7", "203.0.113.16:2000",
					  "outside"));
	ck_assert_str_eq(text_of(result, "verdict"), "condition");
	ck_assert(json_is_null(json_object_get(result, "to")));
	ck_assert(json_is_null(json_object_get(result, "source_after")));
	ck_assert_str_eq(
		text_of(json_array_get(json_object_get(result, "rules"), 0),
			"part"),
		"refuses");
	json_decref(result);
	ck_assert_uint_eq(
		ruleset_find(worker_ruleset(worker), 1)->counters->discarded,
		0);
	ck_assert_uint_eq(worker_counts(worker).verdicts[VERDICT_IN], 0);
}
END_TEST

START_TEST(explain_refuses_what_is_no_packet)
{
	expect_error("explain", NULL, RPC_INVALID_PARAMS);
	expect_error("explain",
		     explain_params("1.1.1.1", "2.2.2.2:2", "inside"),
		     RPC_INVALID_PARAMS);
	expect_error("explain",
		     explain_params("1.1.1.1:1", "2.2.2.2@outside", "inside"),
		     RPC_INVALID_PARAMS);
	expect_error("explain",
		     explain_params("1.1.1.1:1", "[2001:db8::1]:1", "inside"),
		     RPC_INVALID_PARAMS);
	expect_error("explain",
		     explain_params("1.1.1.1:1", "2.2.2.2:2", "moon"),
		     RPC_INVALID_PARAMS);
}
END_TEST

START_TEST(status_tells_who_and_how_many)
{
	json_t *result;

	put(1, "x", 2000);
	result = result_of("status", NULL);
	ck_assert_str_eq(text_of(result, "program"), "viaduct-translator");
	ck_assert_str_eq(text_of(result, "natctl"), "down");
	ck_assert_int_eq(json_integer_value(json_object_get(result, "rules")),
			 1);
	ck_assert_int_eq(json_integer_value(json_object_get(result, "epoch")),
			 7);
	json_decref(result);
}
END_TEST

/* In the tables of an empty namespace; the devices are only named there. */
static void load_tables(void)
{
	char *said;

	ck_assert_msg(unshare(CLONE_NEWNET) == 0, "needs CAP_SYS_ADMIN: %s",
		      strerror(errno));
	ck_assert_int_eq(nft_run("table ip viaduct {\n"
				 " counter spoofed { packets 3 bytes 0 }\n"
				 " counter withheld { packets 7 bytes 0 }\n}\n"
				 "table ip viaduct_guard {\n"
				 " counter dropped { packets 4 bytes 0 }\n"
				 " counter misrouted { packets 5 bytes 0 }\n}\n"
				 "table ip6 viaduct_guard {\n"
				 " counter dropped { packets 6 bytes 0 }\n}\n",
				 false, &said),
			 0);
}

static json_int_t verdict_of(json_t *result, const char *name)
{
	json_t *count = json_object_get(json_object_get(result, "verdicts"),
					name);

	ck_assert(json_is_integer(count));
	return json_integer_value(count);
}

START_TEST(verdicts_are_those_of_packets_and_of_the_ruleset)
{
	json_t *result;

	expect_error("verdicts", NULL, RPC_INTERNAL_ERROR);
	load_tables();
	send_packet(0, "E", 1);
	turn();
	result = result_of("verdicts", NULL);
	ck_assert_int_eq(verdict_of(result, "malformed"), 1);
	ck_assert_int_eq(verdict_of(result, "in"), 0);
	ck_assert_int_eq(verdict_of(result, "tun_full"), 0);
	ck_assert_int_eq(verdict_of(result, "draw_spoofed"), 3);
	ck_assert_int_eq(verdict_of(result, "errors_withheld"), 7);
	ck_assert_int_eq(verdict_of(result, "guard_dropped"), 10);
	ck_assert_int_eq(verdict_of(result, "guard_misrouted"), 5);
	json_decref(result);
}
END_TEST

static size_t media(uint8_t *packet, uint32_t src, uint16_t src_port,
		    uint32_t dst, uint16_t dst_port)
{
	struct sample sample = { .src = { ip_addr_v4(src), src_port, 0 },
				 .dst = { ip_addr_v4(dst), dst_port, 0 },
				 .payload = 20 };

	return sample_build(&sample, packet);
}

START_TEST(a_packet_leaves_by_the_tun_of_its_destination_s_realm)
{
	uint8_t packet[SAMPLE_MAX], got[SAMPLE_MAX];
	uint32_t inner = 0x0a000002, outer = 0xcb007110, remote = 0x01010101;
	size_t len = media(packet, inner, 10, remote, 7);
	json_t *result, *rule;

	put(2, "x", 2000);
	send_packet(0, packet, len);
	turn();
	ck_assert_int_eq(hear(1, got), (ssize_t)len);
	len = media(packet, outer, 2000, remote, 7);
	ck_assert_mem_eq(got + 12, packet + 12, len - 12);
	len = media(packet, remote, 7, outer, 2001);
	send_packet(1, packet, len);
	turn();
	ck_assert_int_eq(hear(0, got), (ssize_t)len);
	len = media(packet, remote, 7, inner, 11);
	ck_assert_mem_eq(got + 12, packet + 12, len - 12);
	result = result_of("rules", NULL);
	rule = json_array_get(json_object_get(result, "rules"), 0);
	ck_assert_int_eq(json_integer_value(
				 json_object_get(rule, "packets_out")),
			 1);
	ck_assert_int_eq(json_integer_value(
				 json_object_get(rule, "packets_in")),
			 1);
	json_decref(result);
}
END_TEST

START_TEST(a_tun_that_takes_no_more_is_counted)
{
	uint8_t packet[SAMPLE_MAX];
	size_t len = media(packet, 0x0a000002, 10, 0x01010101, 7);
	struct worker_counts counts = worker_counts(worker);

	put(2, "x", 2000);
	for (int i = 0; i < 5000 && counts.tun_full == 0; i++) {
		send_packet(0, packet, len);
		turn();
		counts = worker_counts(worker);
	}
	ck_assert_uint_ge(counts.tun_full, 1);
	ck_assert_uint_eq(counts.tun_failed, 0);
	ck_assert_uint_gt(counts.verdicts[VERDICT_OUT], 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_rule_is_told_as_the_contract_has_it,
		rules_come_in_pages_and_by_group,
		a_page_fits_a_line,
		a_rule_with_more_conditions_than_a_line_holds_is_told_in_part,
		what_is_not_understood_is_told,
		explain_tells_what_would_become_of_a_packet,
		explain_refuses_what_is_no_packet,
		status_tells_who_and_how_many,
		verdicts_are_those_of_packets_and_of_the_ruleset,
		a_packet_leaves_by_the_tun_of_its_destination_s_realm,
		a_tun_that_takes_no_more_is_counted,
	};

	return SUITE_RUN("control", tests, begin, end);
}
