/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * natctl from end to end over real UNIX sockets: the client library, control,
 * manager and rulelink, and a translator of the test's own, in one event loop.
 */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mono.h"
#include "natctl/client/natctl.h"
#include "natctl/control.h"
#include "natctl/manager.h"
#include "natctl/rulelink.h"
#include "tests/natctl/fake_translator.h"
#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define ASKS    10000
#define WINDOW  64
#define PATIENT 10000 /* ms that anything may take */

struct got {
	int count;
	int error;
	uint64_t lease;
	bool was_in_force; /* when the answer came */
};

static char dir[] = "/tmp/viaduct-control-XXXXXX";
static char control_path[64];
static char link_path[64];
static struct conf *conf;
static struct event_base *base;
static struct rulelink *rulelink;
static struct manager *manager;
static struct control *control;
static struct natctl *client;
static struct fake_translator *fake;
static struct natctl_want want = { .inner = "2.2.2.2:2222@inside",
				   .realm = "outside",
				   .ports = 2 };

static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)endpoint;
	(void)arg;
	return true;
}

static const struct rule *next_rule(void *arg, uint64_t id)
{
	return manager_next_rule(arg, id);
}

/* One turn of everybody. */
static void turn(void)
{
	struct pollfd pollfd = { .fd = natctl_fd(client),
				 .events = natctl_events(client) };
	short revents = poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;

	natctl_process(client, revents, mono_ms());
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
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

static bool translator_is_up(void)
{
	return rulelink_ops.is_up(rulelink);
}

static void on_link(bool up, void *arg)
{
	(void)arg;
	manager_on_link(manager, up);
}

static void on_activity(const struct wire_activity *activity, void *arg)
{
	(void)arg;
	manager_on_activity(manager, activity);
}

static void begin(void)
{
	struct manager_options options = {
		.seed = 1, .epoch = 77, .owner = geteuid(), .is_own = is_own
	};
	struct rulelink_sync sync = { .next = next_rule,
				      .on_link = on_link,
				      .on_activity = on_activity,
				      .epoch = 77 };

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(control_path, sizeof(control_path), "%s/natctl.sock",
		       dir);
	(void)snprintf(link_path, sizeof(link_path), "%s/translator.link", dir);
	conf = sample_conf(SAMPLE_INSIDE
			   "realm outside { interface = eth0 hold_down = 0"
			   " pool = {\"3.3.3.0/28:1024-65535\"} }\n");
	base = event_base_new();
	fake = malloc(sizeof(*fake));
	ck_assert(base != NULL && fake != NULL);
	fake_translator_start(fake, base, link_path, &conf->names);
	rulelink = rulelink_new(base, link_path, &conf->names);
	options.conf = conf;
	options.translator.ops = &rulelink_ops;
	options.translator.link = rulelink;
	manager = manager_new(&options);
	ck_assert(rulelink != NULL && manager != NULL);
	sync.arg = manager;
	rulelink_start(rulelink, &sync);
	ck_assert_int_eq(control_new(base, conf, control_path, manager,
				     &control),
			 0);
	client = natctl_new(control_path, PATIENT, NULL);
	ck_assert_ptr_nonnull(client);
	wait_until(natctl_is_up(client) && translator_is_up());
}

static void end(void)
{
	natctl_free(client);
	control_stop(control);
	rulelink_free(rulelink);
	control_free(control);
	manager_free(manager);
	fake_translator_stop(fake);
	free(fake);
	event_base_free(base);
	conf_free(conf);
	unlink(control_path);
	unlink(link_path);
	rmdir(dir);
}

static void on_answer(const struct natctl_answer *answer, void *arg)
{
	struct got *got = arg;

	got->count++;
	got->error = answer->error;
	if (answer->lease_count == 0)
		return;
	got->lease = answer->leases[0].id;
	got->was_in_force = fake->in_force[got->lease];
}

static struct natctl_callback to(struct got *got)
{
	struct natctl_callback callback = { on_answer, got };

	return callback;
}

static int ask_for(const char *group, struct got *got)
{
	struct natctl_ask ask = { .group = group,
				  .wants = &want,
				  .want_count = 1 };

	return natctl_ask(client, &ask, mono_ms(), to(got), NULL);
}

static void grant(const char *group, struct got *got)
{
	memset(got, 0, sizeof(*got));
	ck_assert_int_eq(ask_for(group, got), 0);
	wait_until(got->count == 1);
}

static void expect_pool(uint64_t leased)
{
	struct manager_request request = { .method = "pools" };
	struct manager_answer answer;
	json_t *pool;

	ck_assert_int_eq(manager_request(manager, &request, mono_ms(), NULL,
					 NULL, &answer),
			 0);
	pool = json_array_get(json_object_get(answer.result, "pools"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(pool, "leased")),
			 (json_int_t)leased);
	json_decref(answer.result);
}

START_TEST(ten_thousand_asks_are_in_force_when_they_are_answered)
{
	static struct got asked[ASKS];
	static struct got released[ASKS];
	unsigned sent = 0;
	unsigned done = 0;
	char group[32];

	while (done < ASKS) {
		while (sent < ASKS && sent < done + WINDOW) {
			(void)snprintf(group, sizeof(group), "call-%u", sent);
			ck_assert_int_eq(ask_for(group, &asked[sent]), 0);
			sent++;
		}
		wait_until(asked[done].count == 1);
		ck_assert_int_eq(asked[done].error, 0);
		ck_assert(asked[done].was_in_force);
		(void)snprintf(group, sizeof(group), "call-%u", done);
		ck_assert_int_eq(natctl_release(client, group, mono_ms(),
						to(&released[done]), NULL),
				 0);
		done++;
	}
	wait_until(released[ASKS - 1].count == 1);
	for (unsigned i = 0; i < ASKS; i++) {
		ck_assert_int_eq(released[i].error, 0);
		ck_assert(!fake->in_force[asked[i].lease]);
	}
	ck_assert_uint_eq(fake->rules, 0);
	expect_pool(0);
}
END_TEST

START_TEST(a_release_is_answered_when_the_rule_is_gone)
{
	struct got got;
	struct got released = { 0 };

	grant("g", &got);
	ck_assert(fake->in_force[got.lease]);
	ck_assert_int_eq(natctl_release(client, "g", mono_ms(), to(&released),
					NULL),
			 0);
	wait_until(released.count == 1);
	ck_assert(!fake->in_force[got.lease]);
}
END_TEST

START_TEST(a_large_group_is_released_in_slices)
{
	static struct got asked[ASKS];
	struct got released = { 0 };
	unsigned sent = 0;

	for (unsigned done = 0; done < ASKS; done++) {
		for (; sent < ASKS && sent < done + WINDOW; sent++)
			ck_assert_int_eq(ask_for("large", &asked[sent]), 0);
		wait_until(asked[done].count == 1);
		ck_assert_int_eq(asked[done].error, 0);
	}
	ck_assert_int_eq(natctl_release(client, "large", mono_ms(),
					to(&released), NULL),
			 0);
	wait_until(released.count == 1);
	ck_assert_int_eq(released.error, 0);
	ck_assert_uint_eq(fake->rules, 0);
	ck_assert_uint_eq(fake->longest_removal, RULELINK_REMOVE_MAX);
	expect_pool(0);
}
END_TEST

START_TEST(a_silent_translator_is_given_up_after_a_second)
{
	struct got got;
	uint64_t start_ms = mono_ms();

	fake->is_silent = true;
	grant("g", &got);
	ck_assert_int_eq(got.error, NATCTL_TRANSLATOR_DOWN);
	ck_assert_uint_ge(mono_ms() - start_ms, RULELINK_TIMEOUT_MS - 100);
	ck_assert_uint_le(mono_ms() - start_ms, RULELINK_TIMEOUT_MS + 1000);
	ck_assert(!translator_is_up());
	/* It had the rule; the synchronisation takes it away. */
	ck_assert_uint_eq(fake->rules, 1);
	fake->is_silent = false;
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->rules, 0);
	expect_pool(0);
}
END_TEST

START_TEST(a_translator_that_dies_ends_what_is_under_way)
{
	struct got got[8] = { 0 };
	struct got kept;

	grant("kept", &kept);
	fake->is_silent = true;
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(ask_for("g", &got[i]), 0);
	wait_until(fake->rules == 9);
	fake_translator_hang_up(fake);
	for (int i = 0; i < 8; i++) {
		wait_until(got[i].count == 1);
		ck_assert_int_eq(got[i].error, NATCTL_TRANSLATOR_DOWN);
	}
	fake->is_silent = false;
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->connections, 2);
	ck_assert_uint_eq(fake->rules, 1);
	ck_assert(fake->in_force[kept.lease]);
	expect_pool(2);
	grant("g", &got[0]);
	ck_assert_int_eq(got[0].error, 0);
}
END_TEST

START_TEST(a_translator_that_lost_its_rules_gets_all_of_them)
{
	static struct got got[3000];
	struct natctl_condition condition = { .source = "1.1.1.1" };
	struct got released = { 0 };

	want.conditions = &condition;
	want.condition_count = 1;
	for (int i = 0; i < 3000; i++) {
		char group[32];

		(void)snprintf(group, sizeof(group), "call-%d", i / 4);
		memset(&got[i], 0, sizeof(got[i]));
		ck_assert_int_eq(ask_for(group, &got[i]), 0);
		if (i % 100 == 99)
			wait_until(got[i].count == 1);
	}
	want.conditions = NULL;
	want.condition_count = 0;
	ck_assert_uint_eq(fake->rules, 3000);
	memset(fake->in_force, 0, sizeof(fake->in_force));
	fake->rules = 0;
	fake->in_force[FAKE_IDS - 1] = true; /* one that nobody knows */
	fake->rules++;
	fake_translator_hang_up(fake);
	wait_until(!translator_is_up());
	/* Released while it is away: gone at once, and not synchronised. */
	ck_assert_int_eq(natctl_release(client, "call-7", mono_ms(),
					to(&released), NULL),
			 0);
	wait_until(released.count == 1);
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->rules, 2996);
	ck_assert(!fake->in_force[FAKE_IDS - 1]);
	for (int i = 0; i < 3000; i++)
		ck_assert(fake->in_force[got[i].lease] == (i / 4 != 7));
}
END_TEST

START_TEST(changes_during_a_synchronisation_come_after_it)
{
	static struct got got[600];
	struct got during = { 0 };
	struct got released = { 0 };

	for (int i = 0; i < 600; i++) {
		memset(&got[i], 0, sizeof(got[i]));
		ck_assert_int_eq(ask_for("g", &got[i]), 0);
	}
	wait_until(got[599].count == 1);
	fake->is_deaf = true;
	fake_translator_hang_up(fake);
	wait_until(fake->fd >= 0);
	/* Connected, told hello, and does not read the synchronisation. */
	for (int i = 0; i < 50; i++)
		turn();
	ck_assert_int_eq(ask_for("during", &during), 0);
	ck_assert_int_eq(natctl_release_leases(client, &got[3].lease, 1,
					       mono_ms(), to(&released), NULL),
			 0);
	for (int i = 0; i < 50; i++)
		turn();
	ck_assert_int_eq(during.count, 0);
	fake_translator_listen(fake);
	wait_until(during.count == 1 && released.count == 1);
	ck_assert_int_eq(during.error, 0);
	ck_assert(during.was_in_force);
	ck_assert(!fake->in_force[got[3].lease]);
	ck_assert_uint_eq(fake->rules, 600);
	ck_assert_uint_eq(fake->synchronisations, 2);
}
END_TEST

START_TEST(a_translator_that_does_not_read_is_given_up)
{
	static struct got got[NATCTL_QUEUE_MAX];
	unsigned sent = 0;
	uint64_t start_ms = mono_ms();

	memset(got, 0, sizeof(got));
	fake->is_deaf = true;
	while (sent < 900 && ask_for("g", &got[sent]) == 0)
		sent++;
	wait_until(got[sent - 1].count == 1);
	ck_assert_uint_le(mono_ms() - start_ms, RULELINK_TIMEOUT_MS + 1000);
	for (unsigned i = 0; i < sent; i++)
		ck_assert_int_eq(got[i].error, NATCTL_TRANSLATOR_DOWN);
	fake_translator_listen(fake);
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->rules, 0);
	expect_pool(0);
}
END_TEST

START_TEST(a_rule_that_the_translator_refuses_is_not_granted)
{
	struct got got;

	fake->refuse = WIRE_CONFLICT;
	grant("g", &got);
	ck_assert_int_eq(got.error, NATCTL_NOT_AVAILABLE);
	fake->refuse = WIRE_NO_MEMORY;
	grant("g", &got);
	ck_assert_int_eq(got.error, NATCTL_INTERNAL_ERROR);
	fake->refuse = WIRE_OK;
	grant("g", &got);
	ck_assert_int_eq(got.error, 0);
	ck_assert_uint_eq(fake->connections, 1);
	expect_pool(2);
}
END_TEST

START_TEST(a_translator_that_breaks_the_protocol_is_left)
{
	uint8_t ack[64];
	struct wire_head head = { .seq = 12345, .type = WIRE_ACK };
	struct wire_writer writer;
	unsigned before = fake->connections;

	fake_translator_send(fake, "junk", 4);
	wait_until(!translator_is_up());
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->connections, before + 1);
	ck_assert_int_eq(wire_begin(&writer, ack, sizeof(ack), head), 0);
	ck_assert_int_eq(wire_add_status(&writer, WIRE_OK), 0);
	fake_translator_send(fake, ack, writer.used);
	wait_until(!translator_is_up());
	wait_until(translator_is_up());
	ck_assert_uint_eq(fake->connections, before + 2);
}
END_TEST

START_TEST(a_translator_with_other_realms_gets_no_rules)
{
	static const char *const others[] = { "inside", "other", "outsider" };
	struct realm_names names = { others, 3 };
	struct got got;

	fake->names = &names;
	fake_translator_hang_up(fake);
	wait_until(fake->connections >= 3);
	ck_assert(!translator_is_up());
	grant("g", &got);
	ck_assert_int_eq(got.error, NATCTL_TRANSLATOR_DOWN);
	ck_assert_uint_eq(fake->synchronisations, 1);
	fake->names = &conf->names;
	wait_until(translator_is_up());
}
END_TEST

START_TEST(leases_expire_by_the_clock)
{
	struct natctl_ask ask = {
		.group = "g", .lifetime = 1, .wants = &want, .want_count = 1
	};
	struct got got = { 0 };
	uint64_t start_ms;

	ck_assert_int_eq(natctl_ask(client, &ask, mono_ms(), to(&got), NULL),
			 0);
	wait_until(got.count == 1);
	start_ms = mono_ms();
	ck_assert_uint_eq(fake->rules, 1);
	wait_until(fake->rules == 0);
	ck_assert_uint_ge(mono_ms() - start_ms, 900);
	ck_assert_uint_le(mono_ms() - start_ms, 1500);
	wait_until(event_base_loop(base, EVLOOP_NONBLOCK) >= 0 &&
		   manager_next_rule(manager, 0) == NULL);
	expect_pool(0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ten_thousand_asks_are_in_force_when_they_are_answered,
		a_release_is_answered_when_the_rule_is_gone,
		a_large_group_is_released_in_slices,
		a_silent_translator_is_given_up_after_a_second,
		a_translator_that_dies_ends_what_is_under_way,
		a_translator_that_lost_its_rules_gets_all_of_them,
		changes_during_a_synchronisation_come_after_it,
		a_translator_that_does_not_read_is_given_up,
		a_rule_that_the_translator_refuses_is_not_granted,
		a_translator_that_breaks_the_protocol_is_left,
		a_translator_with_other_realms_gets_no_rules,
		leases_expire_by_the_clock,
	};

	return SUITE_RUN("control", tests, begin, end);
}
