/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/rulelink.c against a translator on a real socket. */
#include "natctl/rulelink.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mono.h"
#include "tests/natctl/fake_translator.h"
#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define PATIENT  5000 /* ms */
#define REMOVALS (RULELINK_RECORDS_MAX + 1000)

static char dir[] = "/tmp/viaduct-rulelink-XXXXXX";
static char path[64];
static struct conf *conf;
static struct event_base *base;
static struct rulelink *rulelink;
static struct fake_translator *fake;
static int ups, downs;
static struct wire_activity heard;
static unsigned done_count, failed_count;

static const struct rule *no_rule(void *arg, uint64_t id)
{
	(void)arg;
	(void)id;
	return NULL;
}

static void on_link(bool up, void *arg)
{
	ck_assert_ptr_eq(arg, &ups);
	ups += up;
	downs += !up;
}

static void on_activity(const struct wire_activity *activity, void *arg)
{
	ck_assert_ptr_eq(arg, &ups);
	heard = *activity;
}

static void turn(void)
{
	ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK),
			 0);
}

#define wait_until(condition)                                \
	do {                                                 \
		uint64_t end_ms = mono_ms() + PATIENT;       \
                                                             \
		while (!(condition)) {                       \
			ck_assert_msg(mono_ms() < end_ms,    \
				      "never: " #condition); \
			turn();                              \
		}                                            \
	} while (0)

static void begin(void)
{
	struct rulelink_sync sync = { .next = no_rule,
				      .arg = &ups,
				      .on_link = on_link,
				      .on_activity = on_activity };

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/translator.link", dir);
	conf = sample_conf(
		SAMPLE_INSIDE SAMPLE_OUTSIDE("\"3.3.3.3/32:1000-1999\""));
	base = event_base_new();
	fake = malloc(sizeof(*fake));
	ck_assert(base != NULL && fake != NULL);
	fake_translator_start(fake, base, path, &conf->names);
	rulelink = rulelink_new(base, path, &conf->names);
	ck_assert_ptr_nonnull(rulelink);
	ups = 0;
	downs = 0;
	memset(&heard, 0, sizeof(heard));
	rulelink_start(rulelink, &sync);
	wait_until(ups == 1);
}

static void end(void)
{
	rulelink_free(rulelink);
	fake_translator_stop(fake);
	free(fake);
	event_base_free(base);
	conf_free(conf);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void on_done(int result, uint64_t now_ms, void *arg)
{
	(void)now_ms;
	(void)arg;
	done_count++;
	failed_count += result != 0;
}

START_TEST(a_queue_that_is_full_takes_removals)
{
	struct rule rule = { .id = 1, .ports = 1, .protocol = RULE_UDP };

	done_count = 0;
	failed_count = 0;
	fake->is_deaf = true;
	for (uint64_t id = 1; id <= REMOVALS; id++)
		ck_assert_int_eq(rulelink_ops.remove(rulelink, &id, 1, on_done,
						     NULL),
				 0);
	ck_assert_int_eq(rulelink_ops.put(rulelink, &rule, 1, on_done, NULL),
			 -ENOBUFS);
	fake_translator_listen(fake);
	wait_until(done_count == REMOVALS);
	ck_assert_uint_eq(failed_count, 0);
	ck_assert_uint_eq(fake->connections, 1);
	ck_assert(rulelink_ops.is_up(rulelink));
	ck_assert_int_eq(downs, 0);
}
END_TEST

START_TEST(what_is_watched_is_told_and_what_is_found_comes_back)
{
	const struct wire_watch watch = { .watcher = 7,
					  .seconds = 30,
					  .lease = 5 };
	const struct wire_activity activity = { .watcher = 7,
						.seconds = 31,
						.lease = 5,
						.silent = true,
						.inwards = true };
	struct wire_head head = { .type = WIRE_ACTIVITY };
	struct wire_writer writer;
	uint8_t data[64];

	rulelink_ops.watch(rulelink, &watch, 1);
	wait_until(fake->watched.lease == 5);
	ck_assert_uint_eq(fake->watched.watcher, 7);
	ck_assert_uint_eq(fake->watched.seconds, 30);
	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data), head), 0);
	ck_assert_int_eq(wire_add_activity(&writer, &activity), 0);
	fake_translator_send(fake, data, writer.used);
	wait_until(heard.lease == 5);
	ck_assert(heard.silent && heard.inwards);
	ck_assert_uint_eq(heard.seconds, 31);
	ck_assert_uint_eq(heard.watcher, 7);
}
END_TEST

START_TEST(up_and_down_are_told)
{
	fake_translator_hang_up(fake);
	wait_until(ups == 2);
	ck_assert_int_eq(downs, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_queue_that_is_full_takes_removals,
		what_is_watched_is_told_and_what_is_found_comes_back,
		up_and_down_are_told,
	};

	return SUITE_RUN("rulelink", tests, begin, end);
}
