/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/link.c from natctl's side of the socket. */
#include "translator/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rulewire.h"
#include "common/sock.h"
#include "tests/translator/conftext.h"
#include "tests/translator/suite.h"

static char dir[32];
static char path[64];
static struct conf *conf;
static struct event_base *base;
static struct ruleset *ruleset;
static struct link *server;
static uint8_t record[WIRE_MAX];
static struct wire_writer writer;
static struct wire_reader reader;

static void begin(void)
{
	strcpy(dir, "/tmp/viaduct-link-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/link", dir);
	conf = conftext_read("realm a { interface = {\"a0\"} }\n"
			     "realm b { interface = {\"b0\"} }\n");
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ruleset = ruleset_new(conf->realm_count, 1);
	ck_assert_ptr_nonnull(ruleset);
	ck_assert_int_eq(link_new(path, conf, 7, &server), 0);
	ck_assert_int_eq(link_start(server, base, ruleset), 0);
}

static void end(void)
{
	link_free(server);
	ck_assert_int_eq(rmdir(dir), 0);
	ruleset_free(ruleset);
	event_base_free(base);
	conf_free(conf);
}

static void turn(void)
{
	/* Once for the listener, once for what it accepted. */
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int dial(void)
{
	int fd = sock_connect(path, SOCK_SEQPACKET);

	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

static void start(enum wire_type type, uint32_t seq)
{
	struct wire_head head = { .seq = seq, .type = (uint8_t)type };

	ck_assert_int_eq(wire_begin(&writer, record, sizeof(record), head), 0);
}

static void say(int fd)
{
	ck_assert_int_eq(send(fd, record, writer.used, MSG_NOSIGNAL),
			 (ssize_t)writer.used);
	turn();
}

static void hear(int fd, enum wire_type type)
{
	static uint8_t heard[WIRE_MAX];
	ssize_t len = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);

	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(wire_open(&reader, heard, (size_t)len), 0);
	ck_assert_uint_eq(reader.head.type, type);
}

static void hear_ack(int fd, uint32_t seq, enum wire_status expected)
{
	enum wire_status status;

	hear(fd, WIRE_ACK);
	ck_assert_uint_eq(reader.head.seq, seq);
	ck_assert_int_eq(wire_read_status(&reader, &status), 0);
	ck_assert_int_eq(wire_close(&reader), 0);
	ck_assert_int_eq(status, expected);
}

static void hear_nothing(int fd)
{
	uint8_t byte;

	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void hear_end(int fd)
{
	uint8_t byte;

	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	close(fd);
}

static void say_hello(int fd, const char *second_realm)
{
	struct wire_hello hello = { .epoch = 9, .realm_count = 2 };

	strcpy(hello.realms[0], "a");
	strcpy(hello.realms[1], second_realm);
	start(WIRE_HELLO, 1);
	ck_assert_int_eq(wire_add_hello(&writer, &hello), 0);
	say(fd);
}

static int dial_and_greet(void)
{
	int fd = dial();

	hear(fd, WIRE_HELLO);
	say_hello(fd, "b");
	hear_nothing(fd);
	ck_assert(link_is_up(server));
	return fd;
}

static void add_rule(uint64_t id, uint16_t port)
{
	struct rule rule = { .id = id,
			     .group = "g",
			     .inner = { ip_addr_v4(1), 10, 0 },
			     .outer = { ip_addr_v4(2), port, 1 },
			     .timer = 60,
			     .ports = 1,
			     .protocol = RULE_UDP };

	ck_assert_int_eq(wire_add_rule(&writer, &rule), 0);
}

static void put(int fd, uint32_t seq, uint64_t id, uint16_t port)
{
	start(WIRE_PUT, seq);
	add_rule(id, port);
	say(fd);
}

START_TEST(the_hello_tells_epoch_and_realms)
{
	struct wire_hello hello;
	int fd = dial();

	hear(fd, WIRE_HELLO);
	ck_assert_int_eq(wire_read_hello(&reader, &hello), 0);
	ck_assert_uint_eq(hello.epoch, 7);
	ck_assert_uint_eq(hello.realm_count, 2);
	ck_assert_str_eq(hello.realms[1], "b");
	ck_assert(!link_is_up(server));
	close(fd);
}
END_TEST

START_TEST(other_realms_are_refused)
{
	int fd = dial();

	hear(fd, WIRE_HELLO);
	say_hello(fd, "c");
	hear_ack(fd, 1, WIRE_REALMS);
	hear_end(fd);
	ck_assert(!link_is_up(server));
}
END_TEST

START_TEST(an_acknowledged_rule_is_in_force)
{
	int fd = dial_and_greet();

	start(WIRE_PUT, 2);
	add_rule(5, 20);
	add_rule(6, 21);
	say(fd);
	hear_ack(fd, 2, WIRE_OK);
	ck_assert_uint_eq(ruleset_count(ruleset), 2);
	ck_assert_uint_eq(ruleset_find(ruleset, 6)->outer.port, 21);
	start(WIRE_DELETE, 3);
	ck_assert_int_eq(wire_add_id(&writer, 5), 0);
	ck_assert_int_eq(wire_add_id(&writer, 99), 0);
	say(fd);
	hear_ack(fd, 3, WIRE_OK);
	ck_assert_uint_eq(ruleset_count(ruleset), 1);
	ck_assert_ptr_null(ruleset_find(ruleset, 5));
	close(fd);
}
END_TEST

START_TEST(conditions_arrive_with_their_rule)
{
	struct rule_condition conditions[2] = {
		{ .source = { ip_addr_v4(0x01010101), 32 }, .ports = { 1, 9 } },
		{ .source = { ip_addr_v4(0), 0 },
		  .ports = { 1, 65535 },
		  .discard = true },
	};
	struct rule rule = { .id = 5,
			     .group = "g",
			     .inner = { ip_addr_v4(1), 10, 0 },
			     .outer = { ip_addr_v4(2), 20, 1 },
			     .timer = 60,
			     .ports = 1,
			     .protocol = RULE_UDP,
			     .condition_count = 2,
			     .conditions = conditions };
	const struct rule_condition *found;
	int fd = dial_and_greet();
	uint16_t count;

	start(WIRE_PUT, 2);
	ck_assert_int_eq(wire_add_rule(&writer, &rule), 0);
	add_rule(6, 21);
	say(fd);
	hear_ack(fd, 2, WIRE_OK);
	found = ruleset_rule_conditions(ruleset_find(ruleset, 5), &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(found[0].ports.last, 9);
	ck_assert(found[1].discard);
	ck_assert(!ruleset_find(ruleset, 6)->has_conditions);
	close(fd);
}
END_TEST

START_TEST(a_conflict_changes_nothing_and_the_link_stays)
{
	int fd = dial_and_greet();

	put(fd, 2, 5, 20);
	hear_ack(fd, 2, WIRE_OK);
	start(WIRE_PUT, 3);
	add_rule(6, 21);
	add_rule(7, 20);
	say(fd);
	hear_ack(fd, 3, WIRE_CONFLICT);
	ck_assert_uint_eq(ruleset_count(ruleset), 1);
	put(fd, 4, 6, 21);
	hear_ack(fd, 4, WIRE_OK);
	close(fd);
}
END_TEST

START_TEST(rules_outlive_the_link_until_a_synchronisation_without_them)
{
	int fd = dial_and_greet();

	put(fd, 2, 5, 20);
	hear_ack(fd, 2, WIRE_OK);
	put(fd, 3, 6, 21);
	hear_ack(fd, 3, WIRE_OK);
	close(fd);
	turn();
	ck_assert(!link_is_up(server));
	ck_assert_uint_eq(ruleset_count(ruleset), 2);
	fd = dial_and_greet();
	start(WIRE_SYNC_BEGIN, 2);
	say(fd);
	put(fd, 3, 6, 21);
	hear_ack(fd, 3, WIRE_OK);
	ck_assert_uint_eq(ruleset_count(ruleset), 2);
	start(WIRE_SYNC_END, 4);
	say(fd);
	hear_ack(fd, 4, WIRE_OK);
	ck_assert_uint_eq(ruleset_count(ruleset), 1);
	ck_assert_ptr_nonnull(ruleset_find(ruleset, 6));
	close(fd);
}
END_TEST

START_TEST(a_natctl_that_forgot_leases_the_same_endpoint_under_another_id)
{
	int fd = dial_and_greet();

	put(fd, 2, 5, 20);
	hear_ack(fd, 2, WIRE_OK);
	close(fd);
	turn();
	fd = dial_and_greet();
	start(WIRE_SYNC_BEGIN, 2);
	say(fd);
	put(fd, 3, 6, 20);
	hear_ack(fd, 3, WIRE_OK);
	put(fd, 4, 7, 20);
	hear_ack(fd, 4, WIRE_CONFLICT);
	start(WIRE_SYNC_END, 5);
	say(fd);
	hear_ack(fd, 5, WIRE_OK);
	ck_assert_uint_eq(ruleset_count(ruleset), 1);
	ck_assert_uint_eq(ruleset_find(ruleset, 6)->outer.port, 20);
	close(fd);
}
END_TEST

START_TEST(a_second_natctl_is_refused_while_the_first_lives)
{
	int first = dial_and_greet();
	int second = dial();

	hear_end(second);
	put(first, 2, 5, 20);
	hear_ack(first, 2, WIRE_OK);
	close(first);
	/* Its end has not been read yet: the next one is taken all the same. */
	second = sock_connect(path, SOCK_SEQPACKET);
	ck_assert_int_ge(second, 0);
	turn();
	hear(second, WIRE_HELLO);
	close(second);
}
END_TEST

START_TEST(one_that_does_not_greet_gives_way)
{
	int silent = dial();
	int natctl;

	hear(silent, WIRE_HELLO);
	natctl = dial_and_greet();
	hear_end(silent);
	put(natctl, 2, 5, 20);
	hear_ack(natctl, 2, WIRE_OK);
	close(natctl);
}
END_TEST

/* Says it, and is told that it is nonsense. */
static void expect_refusal(int fd, uint32_t seq)
{
	say(fd);
	hear_ack(fd, seq, WIRE_BAD_RECORD);
	hear_end(fd);
	ck_assert(!link_is_up(server));
	ck_assert_uint_eq(ruleset_count(ruleset), 0);
}

START_TEST(what_is_no_record_closes_the_link)
{
	int fd = dial_and_greet();

	memset(record, 0xff, 32);
	writer.used = 32;
	expect_refusal(fd, 0);
	fd = dial_and_greet();
	start(WIRE_PUT, 2);
	add_rule(5, 20);
	writer.used--;
	expect_refusal(fd, 2);
	fd = dial_and_greet();
	start(WIRE_ACK, 3);
	ck_assert_int_eq(wire_add_status(&writer, WIRE_OK), 0);
	expect_refusal(fd, 3);
}
END_TEST

START_TEST(a_rule_of_an_unknown_realm_closes_the_link)
{
	struct rule rule = { .id = 5,
			     .group = "g",
			     .inner = { ip_addr_v4(1), 10, 0 },
			     .outer = { ip_addr_v4(2), 20, 2 },
			     .timer = 60,
			     .ports = 1,
			     .protocol = RULE_UDP };
	int fd = dial_and_greet();

	start(WIRE_PUT, 2);
	ck_assert_int_eq(wire_add_rule(&writer, &rule), 0);
	expect_refusal(fd, 2);
}
END_TEST

START_TEST(nothing_is_taken_before_the_hello_and_no_second_hello)
{
	int fd = dial();

	hear(fd, WIRE_HELLO);
	put(fd, 4, 5, 20);
	hear_ack(fd, 4, WIRE_BAD_RECORD);
	hear_end(fd);
	ck_assert_uint_eq(ruleset_count(ruleset), 0);
	fd = dial_and_greet();
	say_hello(fd, "b");
	hear_ack(fd, 1, WIRE_BAD_RECORD);
	hear_end(fd);
}
END_TEST

START_TEST(who_does_not_read_is_not_read_and_loses_no_acknowledgement)
{
	const uint32_t count = 2000;
	uint32_t sent = 0, heard = 0;
	int fd = dial_and_greet();

	while (heard < count) {
		start(WIRE_PUT, sent);
		add_rule(5, 20);
		if (sent < count && send(fd, record, writer.used,
					 MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
			sent++;
			continue;
		}
		/* Full in both directions, or all sent. */
		turn();
		hear_ack(fd, heard++, WIRE_OK);
	}
	ck_assert_uint_eq(sent, count);
	close(fd);
}
END_TEST

static struct rule latching_rule(uint32_t round)
{
	return (struct rule){ .id = 5,
			      .group = "g",
			      .inner = { ip_addr_v4(1), 10, 0 },
			      .outer = { ip_addr_v4(2), 20, 1 },
			      .timer = 60,
			      .ports = 2,
			      .protocol = RULE_UDP,
			      .latch = { .prefix = { ip_addr_v4(7), 32 },
					 .round = round } };
}

static void put_latching(int fd, const struct rule *rule)
{
	start(WIRE_PUT, 2);
	ck_assert_int_eq(wire_add_rule(&writer, rule), 0);
	say(fd);
	hear_ack(fd, 2, WIRE_OK);
}

static void hear_latched(int fd, uint32_t round, uint16_t offset, uint16_t port)
{
	struct wire_latched latched;

	hear(fd, WIRE_LATCHED);
	ck_assert_int_eq(wire_read_latched(&reader, &latched), 0);
	ck_assert_int_eq(wire_close(&reader), 0);
	ck_assert_uint_eq(latched.id, 5);
	ck_assert_uint_eq(latched.round, round);
	ck_assert_uint_eq(latched.offset, offset);
	ck_assert_uint_eq(latched.remote.port, port);
}

/* As a packet would. */
static void latch(uint16_t offset, uint16_t port)
{
	const struct ruleset_rule *rule = ruleset_find(ruleset, 5);
	struct wire_latched latched = {
		.id = 5,
		.round = ruleset_rule_own_latch(rule)->round,
		.offset = offset,
		.remote = { ip_addr_v4(7), port, 1 }
	};

	ck_assert(latch_take(ruleset_rule_own_latch(rule), offset,
			     &latched.remote));
	link_latched(server, &latched);
	turn();
}

START_TEST(natctl_is_told_what_has_latched)
{
	struct rule rule = latching_rule(1);
	int fd = dial_and_greet();

	put_latching(fd, &rule);
	hear_nothing(fd);
	latch(1, 61001);
	hear_latched(fd, 1, 1, 61001);
	/* Put by one who knows: nothing is told, nothing is forgotten. */
	rule.latch.remotes[1] = (struct endpoint){ ip_addr_v4(7), 61001, 1 };
	put_latching(fd, &rule);
	hear_nothing(fd);
	/* By one who does not, as after a restart that lost it. */
	rule = latching_rule(1);
	put_latching(fd, &rule);
	hear_latched(fd, 1, 1, 61001);
	/* Another round: nobody so far. */
	rule = latching_rule(2);
	put_latching(fd, &rule);
	hear_nothing(fd);
	close(fd);
	turn();
	latch(0, 61000);
	fd = dial_and_greet();
	put_latching(fd, &rule);
	hear_latched(fd, 2, 0, 61000);
	hear_nothing(fd);
	/* What natctl knows and we do not, after a restart of ours. */
	ruleset_delete(ruleset, &rule.id, 1);
	rule.latch.remotes[0] = (struct endpoint){ ip_addr_v4(7), 61000, 1 };
	put_latching(fd, &rule);
	hear_nothing(fd);
	ck_assert(!latch_take(ruleset_rule_own_latch(ruleset_find(ruleset, 5)),
			      0, &rule.latch.remotes[0]));
	close(fd);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_hello_tells_epoch_and_realms,
		other_realms_are_refused,
		an_acknowledged_rule_is_in_force,
		conditions_arrive_with_their_rule,
		a_conflict_changes_nothing_and_the_link_stays,
		rules_outlive_the_link_until_a_synchronisation_without_them,
		a_natctl_that_forgot_leases_the_same_endpoint_under_another_id,
		a_second_natctl_is_refused_while_the_first_lives,
		one_that_does_not_greet_gives_way,
		what_is_no_record_closes_the_link,
		a_rule_of_an_unknown_realm_closes_the_link,
		nothing_is_taken_before_the_hello_and_no_second_hello,
		who_does_not_read_is_not_read_and_loses_no_acknowledgement,
		natctl_is_told_what_has_latched,
	};

	return SUITE_RUN("link", tests, begin, end);
}
