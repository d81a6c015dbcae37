/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/client. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rpc.h"
#include "common/sock.h"
#include "tests/natctl/sample.h"
#include "tests/natctl/server.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

START_TEST(a_full_ask_is_written_as_documented)
{
	struct natctl_condition conditions[] = {
		{ .source = "1.1.1.1", .target = "2.2.2.2:1@inside" },
		{ .source = "0.0.0.0/0", .ports = "5-9", .discard = true },
	};
	struct natctl_want wants[] = {
		{ .inner = "2.2.2.2:2222@inside",
		  .realm = "outside",
		  .ports = 2,
		  .kind = NATCTL_ORIGINATING,
		  .protocol = NATCTL_TCP,
		  .outer = "3.3.3.3:3333",
		  .strict = true,
		  .conditions = conditions,
		  .condition_count = 2,
		  .remote = "1.1.1.1:1111" },
		{ .inner = "2.2.2.2:9@inside",
		  .realm = "outside",
		  .pool = "p",
		  .latch = "1.1.0.0/16",
		  .keep_source = true },
	};
	struct natctl_ask full = { .group = "call-1",
				   .lifetime = 60,
				   .wants = wants,
				   .want_count = 2 };
	struct server_seen seen = { 0 };
	char line[2048];
	json_t *is;
	json_t *should;

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &full, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	server_receive(line, sizeof(line));
	is = json_loads(line, 0, NULL);
	should = sample_json(
		"{'jsonrpc':'2.0','id':2,'method':'ask','params':{'group':"
		"'call-1','lifetime':60,'leases':[{'inner':"
		"'2.2.2.2:2222@inside','realm':'outside','ports':2,'kind':"
		"'originating','protocol':'tcp','request':{'outer':"
		"'3.3.3.3:3333','mode':'strict'},'conditions':[{'source':"
		"'1.1.1.1','target':'2.2.2.2:1@inside','discard':false},"
		"{'source':'0.0.0.0/0','ports':'5-9','discard':true}],"
		"'remote':'1.1.1.1:1111'},{'inner':'2.2.2.2:9@inside','realm':"
		"'outside','ports':1,'kind':'both','protocol':'udp','request':"
		"{'pool':'p','mode':'preferred'},'conditions':[],'latch':"
		"'1.1.0.0/16','keep_source':true}]}}");
	ck_assert_msg(json_equal(is, should), "%s", line);
	json_decref(is);
	json_decref(should);
}
END_TEST

START_TEST(a_tightening_tells_of_a_latch_what_is_to_change)
{
	struct natctl_change changes[] = {
		{ .lease = 7, .remote = "1.1.1.1:1111" },
		{ .lease = 8, .latch = "1.1.1.1" },
		{ .lease = 9, .no_latch = true },
	};
	struct server_seen seen = { 0 };
	char line[2048];
	json_t *is;
	json_t *should;

	server_take_client(7);
	ck_assert_int_eq(natctl_tighten(server.client, changes, 3,
					server.now_ms, server_to(&seen), NULL),
			 0);
	server_receive(line, sizeof(line));
	is = json_loads(line, 0, NULL);
	should = sample_json(
		"{'jsonrpc':'2.0','id':2,'method':'tighten','params':{"
		"'changes':[{'lease':7,'conditions':[],'remote':"
		"'1.1.1.1:1111'},{'lease':8,'conditions':[],'remote':null,"
		"'latch':'1.1.1.1'},{'lease':9,'conditions':[],'remote':null,"
		"'latch':null}]}}");
	ck_assert_msg(json_equal(is, should), "%s", line);
	json_decref(is);
	json_decref(should);
}
END_TEST

START_TEST(an_answer_is_given_once_and_later)
{
	struct server_seen seen = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	server_process();
	ck_assert_int_eq(seen.count, 0);
	server_answer_id(SERVER_GRANTED, 2);
	server_answer_id(SERVER_GRANTED, 2);
	server_process();
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.error, 0);
	ck_assert_uint_eq(seen.lease_count, 1);
	ck_assert_uint_eq(seen.lease.id, 17);
	ck_assert_str_eq(seen.lease.outer, "3.3.3.3:3333@outside");
	ck_assert_int_eq(seen.lease.kind, NATCTL_TERMINATING);
	ck_assert_int_eq(seen.lease.protocol, NATCTL_TCP);
	ck_assert_uint_eq(seen.lease.expires_in, 60);
	ck_assert(!seen.lease.preferred);
}
END_TEST

START_TEST(answers_in_another_order_find_their_requests)
{
	struct server_seen first = { 0 };
	struct server_seen second = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_refresh(server.client, "a", 60, server.now_ms,
					server_to(&first), NULL),
			 0);
	ck_assert_int_eq(natctl_release(server.client, "b", server.now_ms,
					server_to(&second), NULL),
			 0);
	server_answer("{'jsonrpc':'2.0','id':3,'result':{'released':5}}");
	server_process();
	ck_assert_int_eq(first.count, 0);
	ck_assert_uint_eq(second.answer_count, 5);
	server_answer("{'jsonrpc':'2.0','id':2,'result':{'refreshed':6}}");
	server_process();
	ck_assert_uint_eq(first.answer_count, 6);
}
END_TEST

START_TEST(an_error_comes_with_its_code_and_reason)
{
	struct server_seen seen = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	server_answer(
		"{'jsonrpc':'2.0','id':2,'error':{'code':-32002,'message':"
		"'NOT_AVAILABLE','data':{'reason':'taken'}}}");
	server_process();
	ck_assert_int_eq(seen.error, NATCTL_NOT_AVAILABLE);
	ck_assert_str_eq(seen.reason, "taken");
}
END_TEST

START_TEST(an_answer_without_sense_is_an_error)
{
	static const char *const bad[] = {
		"{'jsonrpc':'2.0','id':%d,'result':{}}",
		"{'jsonrpc':'2.0','id':%d,'result':{'epoch':7,'leases':[]}}",
		"{'jsonrpc':'2.0','id':%d,'result':{'epoch':7,'leases':[{}]}}",
		"{'jsonrpc':'2.0','id':%d,'result':[]}",
		"{'jsonrpc':'2.0','id':%d,'error':{'code':0,'message':''}}",
	};
	struct server_seen seen = { 0 };

	server_take_client(7);
	for (int i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); i++) {
		ck_assert_int_eq(natctl_ask(server.client, &server_ask,
					    server.now_ms, server_to(&seen),
					    NULL),
				 0);
		server_answer_id(bad[i], 2 + i);
		server_process();
		ck_assert_int_eq(seen.count, i + 1);
		ck_assert_int_eq(seen.error, -EBADMSG);
	}
}
END_TEST

START_TEST(without_a_connection_a_request_fails_and_nobody_is_called)
{
	struct server_seen seen = { 0 };

	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 -ENOTCONN);
	ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(a_lost_connection_ends_requests_and_is_made_again)
{
	struct server_seen seen[3] = { 0 };

	server_take_client(7);
	ck_assert_int_eq(server.ups, 1);
	ck_assert_int_eq(server.news, 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(natctl_ask(server.client, &server_ask,
					    server.now_ms, server_to(&seen[i]),
					    NULL),
				 0);
	close(server.peer);
	server_process();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(seen[i].count, 1);
		ck_assert_int_eq(seen[i].error, -ECONNRESET);
	}
	ck_assert_int_eq(server.downs, 1);
	ck_assert(!natctl_is_up(server.client));
	ck_assert_int_eq(natctl_fd(server.client), -1);
	ck_assert_uint_eq(natctl_deadline(server.client), server.now_ms + 50);
	server.now_ms += 50;
	server_take_client(7); /* the same manager */
	ck_assert_int_eq(server.ups, 2);
	ck_assert_int_eq(server.news, 1);
	close(server.peer);
	server_process();
	server.now_ms += 50;
	server_take_client(8); /* another one */
	ck_assert_int_eq(server.news, 2);
	ck_assert_uint_eq(server.epoch, 8);
}
END_TEST

START_TEST(attempts_become_rare)
{
	uint64_t last_ms;
	uint64_t waited_ms = 0;

	close(server.listener);
	unlink(server.path);
	for (int i = 0; i < 10; i++) {
		last_ms = server.now_ms;
		server_process();
		server.now_ms = natctl_deadline(server.client);
		waited_ms = server.now_ms - last_ms;
	}
	ck_assert_uint_eq(waited_ms, 1000);
	server.listener = sock_listen(server.path, SOCK_STREAM, 0600);
	server_take_client(7);
}
END_TEST

START_TEST(a_request_without_an_answer_ends_in_time)
{
	struct server_seen seen = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	ck_assert_uint_eq(natctl_deadline(server.client),
			  server.now_ms + SERVER_TIMEOUT);
	server.now_ms += SERVER_TIMEOUT - 1;
	server_process();
	ck_assert_int_eq(seen.count, 0);
	server.now_ms++;
	server_process();
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	server_answer_id(SERVER_GRANTED, 2); /* too late */
	server_process();
	ck_assert_int_eq(seen.count, 1);
	ck_assert(natctl_is_up(server.client));
}
END_TEST

START_TEST(a_manager_that_takes_the_connection_only_is_given_up)
{
	server_process();
	server.peer = sock_accept(server.listener);
	ck_assert_int_ge(server.peer, 0);
	server.now_ms += SERVER_TIMEOUT;
	server_process();
	ck_assert_int_eq(natctl_fd(server.client), -1);
	ck_assert_int_eq(server.ups, 0);
	close(server.peer);
	server.now_ms += 50;
	server_take_client(7);
}
END_TEST

START_TEST(a_cancelled_request_calls_nobody)
{
	struct server_seen seen = { 0 };
	uint64_t request;

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), &request),
			 0);
	natctl_cancel(server.client, request);
	server_answer_id(SERVER_GRANTED, 2);
	server_process();
	ck_assert_int_eq(seen.count, 0);
	natctl_cancel(server.client, request);
}
END_TEST

START_TEST(a_manager_that_does_not_read_blocks_nobody)
{
	struct server_seen seen = { 0 };
	static char group[127];
	char line[256];
	unsigned sent = 0;
	int rc = 0;

	server_take_client(7);
	memset(group, 'g', sizeof(group) - 1);
	while (rc == 0) {
		rc = natctl_release(server.client, group, server.now_ms,
				    server_to(&seen), NULL);
		sent += rc == 0;
		ck_assert_uint_lt(sent, 100000);
	}
	ck_assert_int_eq(rc, -ENOBUFS);
	ck_assert_uint_eq(sent, NATCTL_QUEUE_MAX);
	/* It reads: all of them come, each whole. */
	for (unsigned i = 0; i < sent; i++) {
		server_receive(line, sizeof(line));
		if (line[0] == '\0' || line[strlen(line) - 1] != '\n') {
			server_process();
			server_receive(line + strlen(line),
				       sizeof(line) - strlen(line));
		}
		ck_assert_ptr_nonnull(strstr(line, group));
	}
	ck_assert_int_eq(natctl_events(server.client), POLLIN);
	server.now_ms += SERVER_TIMEOUT;
	server_process();
	ck_assert_int_eq(seen.count, (int)sent);
}
END_TEST

START_TEST(what_is_no_protocol_closes_the_connection)
{
	char *junk = malloc(2 * RPC_LINE_MAX);
	struct server_seen seen = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	server_answer("hello");
	server_process();
	ck_assert_int_eq(seen.error, -ECONNRESET);
	ck_assert_int_eq(natctl_fd(server.client), -1);
	close(server.peer);
	server.now_ms += 50;
	server_take_client(7);
	memset(junk, 'x', 2 * RPC_LINE_MAX); /* a line without an end */
	ck_assert_int_gt(send(server.peer, junk, 2 * RPC_LINE_MAX,
			      MSG_DONTWAIT),
			 0);
	server_process();
	ck_assert_int_eq(natctl_fd(server.client), -1);
	free(junk);
}
END_TEST

static void on_answer_again(const struct natctl_answer *answer_, void *arg)
{
	struct server_seen *seen = arg;

	server_on_answer(answer_, seen);
	if (seen->count == 1)
		(void)natctl_release(server.client, "g", server.now_ms,
				     server_to(seen), NULL);
}

START_TEST(a_callback_may_ask_again)
{
	struct server_seen seen = { 0 };
	struct natctl_callback again = { on_answer_again, &seen };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    again, NULL),
			 0);
	server_answer_id(SERVER_GRANTED, 2);
	server_process();
	ck_assert_int_eq(seen.count, 1);
	server_answer("{'jsonrpc':'2.0','id':3,'result':{'released':1}}");
	server_process();
	ck_assert_int_eq(seen.count, 2);
	/* And when the connection is lost: that one fails at once. */
	seen.count = 0;
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    again, NULL),
			 0);
	close(server.peer);
	server_process();
	ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(freeing_ends_requests)
{
	struct server_seen seen = { 0 };

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &server_ask, server.now_ms,
				    server_to(&seen), NULL),
			 0);
	natctl_free(server.client);
	server.client = NULL;
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.error, -ECANCELED);
}
END_TEST

START_TEST(too_much_at_once_is_refused)
{
	struct server_seen seen = { 0 };
	struct natctl_ask none = { .group = "g" };
	struct natctl_ask many = { .group = "g",
				   .wants = &server_want,
				   .want_count = NATCTL_LEASES_MAX + 1 };
	uint64_t *ids = calloc(1 << 16, sizeof(*ids));

	server_take_client(7);
	ck_assert_int_eq(natctl_ask(server.client, &none, server.now_ms,
				    server_to(&seen), NULL),
			 -EINVAL);
	ck_assert_int_eq(natctl_ask(server.client, &many, server.now_ms,
				    server_to(&seen), NULL),
			 -EINVAL);
	ck_assert_int_eq(natctl_release_leases(server.client, ids, 1 << 16,
					       server.now_ms, server_to(&seen),
					       NULL),
			 -EMSGSIZE);
	free(ids);
	ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(a_lack_of_memory_is_told)
{
	struct natctl_condition condition = { .source = "1.1.1.1" };
	struct natctl_change change = { .lease = 1,
					.conditions = &condition,
					.condition_count = 1 };
	struct server_seen seen = { 0 };
	bool failed = true;
	int granted = 0;

	server_take_client(7);
	for (unsigned n = 1; failed; n++) {
		int rc[2];

		faults_arm(n);
		rc[0] = natctl_ask(server.client, &server_ask, server.now_ms,
				   server_to(&seen), NULL);
		rc[1] = natctl_tighten(server.client, &change, 1, server.now_ms,
				       server_to(&seen), NULL);
		failed = faults_disarm();
		for (int i = 0; i < 2; i++) {
			ck_assert(rc[i] == 0 || rc[i] == -ENOMEM);
			granted += rc[i] == 0;
		}
		ck_assert(failed == (rc[0] != 0 || rc[1] != 0));
		ck_assert_uint_lt(n, 500);
	}
	close(server.peer);
	server_process();
	ck_assert_int_eq(seen.count, granted);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_full_ask_is_written_as_documented,
		a_tightening_tells_of_a_latch_what_is_to_change,
		an_answer_is_given_once_and_later,
		answers_in_another_order_find_their_requests,
		an_error_comes_with_its_code_and_reason,
		an_answer_without_sense_is_an_error,
		without_a_connection_a_request_fails_and_nobody_is_called,
		a_lost_connection_ends_requests_and_is_made_again,
		attempts_become_rare,
		a_request_without_an_answer_ends_in_time,
		a_manager_that_takes_the_connection_only_is_given_up,
		a_cancelled_request_calls_nobody,
		a_manager_that_does_not_read_blocks_nobody,
		what_is_no_protocol_closes_the_connection,
		a_callback_may_ask_again,
		freeing_ends_requests,
		too_much_at_once_is_refused,
		a_lack_of_memory_is_told,
	};

	return SUITE_RUN("client", tests, server_begin, server_end);
}
