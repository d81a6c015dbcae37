/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/subscription.c, event.c and activity.c: who is told what. */
#include <errno.h>
#include <string.h>

#include "tests/natctl/desk.h"
#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define HEARD_MAX 16

/* Clients: what each was told, oldest first. */
static struct client {
	json_t *heard[HEARD_MAX]; /* owned */
	size_t count;
	bool full; /* takes nothing */
} one, two;

static int on_event(void *who, json_t *event, void *arg)
{
	struct client *client = who;

	ck_assert_ptr_eq(arg, &desk);
	if (client->full) {
		json_decref(event);
		return -ENOBUFS;
	}
	ck_assert_uint_lt(client->count, HEARD_MAX);
	client->heard[client->count++] = event;
	return 0;
}

static void forget(struct client *client)
{
	for (size_t i = 0; i < client->count; i++)
		json_decref(client->heard[i]);
	memset(client, 0, sizeof(*client));
}

static void begin_with(const char *more)
{
	desk_begin_with(more);
	manager_on_event(desk.manager, on_event, &desk);
	desk.client = &one;
}

static void end(void)
{
	forget(&one);
	forget(&two);
	desk_end();
}

static void subscribe(struct client *client, uint32_t uid, const char *params)
{
	desk.client = client;
	ck_assert_int_eq(desk_send(uid, "subscribe", params), 0);
	ck_assert_msg(desk.reply.result != NULL, "%s", desk.reply.fault.reason);
	ck_assert_int_eq(desk_number("epoch"), DESK_EPOCH);
	ck_assert_int_gt(desk_number("subscription"), 0);
	desk.client = &one;
}

/* The oldest that was told is this, and no more than this; it is forgotten. */
static void expect(struct client *client, const char *text)
{
	json_t *wanted = sample_json(text);

	ck_assert_uint_ge(client->count, 1);
	ck_assert_msg(json_equal(client->heard[0], wanted), "%s not %s",
		      json_dumps(client->heard[0], 0), text);
	json_decref(wanted);
	json_decref(client->heard[0]);
	client->count--;
	memmove(client->heard, client->heard + 1,
		client->count * sizeof(json_t *));
}

#define PARTS(id, group, owner, outer)                      \
	"'lease':" id ",'group':'" group "','owner':" owner \
	",'inner':'2.2.2.2:2222@inside','outer':'" outer "@outside'"
#define GIVEN "'request':{'outer':'3.3.3.3:1332','mode':'strict'}"
#define LEASE_AT \
	"{'inner':'2.2.2.2:2222@inside','realm':'outside','ports':2," GIVEN "}"

START_TEST(a_lease_that_ends_is_told)
{
	subscribe(&one, ROOT, NULL);
	desk_grant(ROOT, "ask",
		   "{'group':'g','lifetime':10,'leases':[" LEASE_AT "]}");
	ck_assert_uint_eq(one.count, 0);
	desk.now_ms += 10001;
	manager_tick(desk.manager, desk.now_ms);
	expect(&one, "{'subscription':1,'event':'expired'," PARTS(
			     "1", "g", "0", "3.3.3.3:1332") "}");
	desk_acknowledge();
	desk_grant(ROOT, "ask", "{'group':'g','leases':[" LEASE_AT "]}");
	desk_grant(ROOT, "release", "{'group':'g'}");
	expect(&one, "{'subscription':1,'event':'released'," PARTS(
			     "2", "g", "0", "3.3.3.3:1332") ",'by':'owner'}");
	ck_assert_uint_eq(one.count, 0);
}
END_TEST

START_TEST(a_client_hears_of_its_own_leases_only)
{
	subscribe(&one, PHONE, "{}");
	subscribe(&two, ROOT, "{'own':true}");
	desk_grant(PHONE, "ask",
		   "{'group':'g','lifetime':10,'leases':[" LEASE_AT "]}");
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "release", "{'lease':1}");
	expect(&one, "{'subscription':1,'event':'released'," PARTS(
			     "1", "g", "4321",
			     "3.3.3.3:1332") ",'by':'administrator'}");
	desk_grant(ROOT, "release", "{'lease':2}");
	ck_assert_uint_eq(one.count, 0);
	ck_assert_uint_eq(two.count, 1);
}
END_TEST

START_TEST(events_and_groups_are_chosen)
{
	subscribe(&one, ROOT, "{'events':['expired']}");
	subscribe(&two, ROOT, "{'events':['released'],'group':'h'}");
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "ask", "{'group':'h','leases':[" LEASE "}]}");
	desk_grant(ROOT, "release", "{'group':'g'}");
	desk_grant(ROOT, "release", "{'group':'h'}");
	ck_assert_uint_eq(one.count, 0);
	ck_assert_uint_eq(two.count, 1);
	ck_assert_str_eq(json_string_value(
				 json_object_get(two.heard[0], "group")),
			 "h");
}
END_TEST

START_TEST(who_has_gone_or_unsubscribed_is_not_told)
{
	subscribe(&one, ROOT, NULL);
	subscribe(&two, ROOT, NULL);
	desk_refuse(ROOT, "unsubscribe", "{'subscription':2}", RPC_NOT_FOUND);
	desk_refuse(ROOT, "unsubscribe", NULL, RPC_INVALID_PARAMS);
	ck_assert_int_eq(desk_send(ROOT, "unsubscribe", "{'subscription':1}"),
			 0);
	ck_assert_int_eq(desk_number("unsubscribed"), 1);
	manager_client_gone(desk.manager, &two);
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "release", "{'group':'g'}");
	ck_assert_uint_eq(one.count + two.count, 0);
	desk_refuse(ROOT, "unsubscribe", "{'subscription':1}", RPC_NOT_FOUND);
}
END_TEST

START_TEST(who_does_not_listen_loses_events_and_learns_how_many)
{
	subscribe(&one, ROOT, "{'events':['released']}");
	subscribe(&two, ROOT, "{'events':['released']}");
	one.full = true;
	for (int i = 0; i < 3; i++) {
		desk_grant(ROOT, "ask", ASK);
		desk_grant(ROOT, "release", "{'group':'g'}");
	}
	ck_assert_uint_eq(one.count, 0);
	ck_assert_uint_eq(two.count, 3);
	one.full = false;
	desk.now_ms += 1000;
	manager_tick(desk.manager, desk.now_ms);
	expect(&one, "{'subscription':1,'event':'overrun','lost':3}");
	desk.now_ms += 1000;
	manager_tick(desk.manager, desk.now_ms);
	ck_assert_uint_eq(one.count, 0);
}
END_TEST

static void fill(unsigned asks)
{
	for (unsigned i = 0; i < asks; i++)
		desk_grant(ROOT, "ask",
			   "{'group':'g','leases':[{'inner':'2.2.2.2:2222@"
			   "inside','realm':'outside','ports':2,'request':{"
			   "'pool':'tiny'}}]}");
	desk.now_ms += 1000;
	manager_tick(desk.manager, desk.now_ms);
}

START_TEST(a_pool_that_runs_full_is_told_once)
{
	subscribe(&one, ROOT, "{'events':['pool']}");
	subscribe(&two, ROOT, "{'events':['pool'],'percent':50}");
	fill(5);
	ck_assert_uint_eq(two.count, 0);
	fill(1);
	expect(&two, "{'subscription':2,'event':'pool','pool':'tiny','realm':"
		     "'outside','state':'above','percent':50,'used':60}");
	fill(3);
	ck_assert_uint_eq(one.count, 0);
	fill(1);
	expect(&one, "{'subscription':1,'event':'pool','pool':'tiny','realm':"
		     "'outside','state':'above','percent':90,'used':100}");
	/* 90 is not 5 below 90; what was released rests. */
	desk_grant(ROOT, "release", "{'lease':1}");
	desk.now_ms += 60001;
	manager_tick(desk.manager, desk.now_ms);
	ck_assert_uint_eq(one.count, 0);
	desk_grant(ROOT, "release", "{'lease':2}");
	desk.now_ms += 60001;
	manager_tick(desk.manager, desk.now_ms);
	expect(&one, "{'subscription':1,'event':'pool','pool':'tiny','realm':"
		     "'outside','state':'below','percent':90,'used':80}");
	ck_assert_uint_eq(one.count + two.count, 0);
}
END_TEST

static void expect_watch(size_t i, uint32_t watcher, uint16_t seconds,
			 uint64_t lease)
{
	const struct wire_watch *watch = &desk.link.watches[i];

	ck_assert_uint_lt(i, desk.link.watch_count);
	ck_assert_uint_eq(watch->watcher, watcher);
	ck_assert_uint_eq(watch->seconds, seconds);
	ck_assert_uint_eq(watch->lease, lease);
}

START_TEST(leases_are_watched_for_who_wants_silence)
{
	desk_grant(ROOT, "ask", ASK);
	subscribe(&one, ROOT, "{'events':['silent','heard'],'silence':7}");
	expect_watch(0, 1, 7, 1);
	subscribe(&two, ROOT, "{'events':['released']}");
	desk_grant(ROOT, "ask", ASK);
	expect_watch(1, 1, 7, 2);
	ck_assert_uint_eq(desk.link.watch_count, 2);
	/* Another translator knows nothing of it. */
	manager_on_link(desk.manager, false);
	manager_on_link(desk.manager, true);
	expect_watch(2, 1, 7, 1);
	expect_watch(3, 1, 7, 2);
	manager_client_gone(desk.manager, &one);
	expect_watch(4, 1, 0, 0);
	ck_assert_uint_eq(desk.link.watch_count, 5);
}
END_TEST

START_TEST(silence_is_told_to_whose_it_is)
{
	struct wire_activity activity = { .watcher = 1,
					  .seconds = 7,
					  .lease = 1,
					  .silent = true,
					  .inwards = true };

	subscribe(&one, ROOT, "{'events':['silent','heard'],'silence':7}");
	subscribe(&two, ROOT, "{'events':['heard']}");
	desk_grant(ROOT, "ask", "{'group':'g','leases':[" LEASE_AT "]}");
	manager_on_activity(desk.manager, &activity);
	expect(&one, "{'subscription':1,'event':'silent'," PARTS(
			     "1", "g", "0",
			     "3.3.3.3:1332") ",'direction':'in','seconds':7}");
	activity.silent = false;
	activity.inwards = false;
	activity.seconds = 12;
	manager_on_activity(desk.manager, &activity);
	expect(&one,
	       "{'subscription':1,'event':'heard'," PARTS(
		       "1", "g", "0",
		       "3.3.3.3:1332") ",'direction':'out','seconds':12}");
	activity.watcher = 3;
	manager_on_activity(desk.manager, &activity);
	activity.lease = 2;
	manager_on_activity(desk.manager, &activity);
	ck_assert_uint_eq(one.count + two.count, 0);
}
END_TEST

START_TEST(the_translator_comes_and_goes)
{
	subscribe(&one, PHONE, NULL);
	manager_on_link(desk.manager, false);
	expect(&one, "{'subscription':1,'event':'translator','state':'down'}");
	manager_on_link(desk.manager, true);
	expect(&one, "{'subscription':1,'event':'translator','state':'up'}");
}
END_TEST

START_TEST(what_cannot_be_subscribed_to)
{
	desk_refuse(ROOT, "subscribe", "{'events':['none']}",
		    RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "subscribe", "{'events':[]}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "subscribe", "{'silence':0}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "subscribe", "{'silence':3601}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "subscribe", "{'percent':100}", RPC_INVALID_PARAMS);
	desk_refuse(ROOT, "subscribe", "{'groups':'g'}", RPC_INVALID_PARAMS);
	for (int i = 0; i < 16; i++)
		subscribe(&one, ROOT, NULL);
	desk_refuse(ROOT, "subscribe", NULL, RPC_LIMIT);
	desk.client = NULL;
	desk_refuse(ROOT, "subscribe", NULL, RPC_NOT_AUTHORIZED);
}
END_TEST

static void begin_with_tiny(void)
{
	begin_with("pool tiny { realm = outside "
		   "endpoints = {\"20.20.20.20/32:2000-2019\"} }\n");
}

int main(void)
{
	const TTest *const tests[] = {
		a_lease_that_ends_is_told,
		a_client_hears_of_its_own_leases_only,
		events_and_groups_are_chosen,
		who_has_gone_or_unsubscribed_is_not_told,
		who_does_not_listen_loses_events_and_learns_how_many,
		a_pool_that_runs_full_is_told_once,
		leases_are_watched_for_who_wants_silence,
		silence_is_told_to_whose_it_is,
		the_translator_comes_and_goes,
		what_cannot_be_subscribed_to,
	};

	return SUITE_RUN("events", tests, begin_with_tiny, end);
}
