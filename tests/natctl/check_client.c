/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/client: this program is the manager at the other end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rpc.h"
#include "common/sock.h"
#include "natctl/client/natctl.h"
#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define TIMEOUT 3000

#define GRANTED                                                         \
	"{'jsonrpc':'2.0','id':%d,'result':{'epoch':7,'group':'g',"     \
	"'leases':[{'id':17,'inner':'2.2.2.2:2222@inside','outer':"     \
	"'3.3.3.3:3333@outside','kind':'terminating','protocol':'tcp'," \
	"'ports':2,'preferred':false,'expires_in':60}]}}"

struct seen {
	int count;
	int error;
	char reason[64];
	struct natctl_lease lease;
	size_t lease_count;
	uint64_t answer_count;
};

static char path[64];
static int listener;
static int peer; /* the manager's end; -1: none */
static struct natctl *client;
static uint64_t now_ms;
static int ups, news, downs;
static uint64_t epoch;

static void on_up(uint64_t its_epoch, bool is_new, void *arg)
{
	(void)arg;
	ups++;
	news += is_new;
	epoch = its_epoch;
}

static void on_down(void *arg)
{
	(void)arg;
	downs++;
}

static void on_answer(const struct natctl_answer *answer, void *arg)
{
	struct seen *seen = arg;

	seen->count++;
	seen->error = answer->error;
	seen->lease_count = answer->lease_count;
	seen->answer_count = answer->count;
	if (answer->lease_count > 0)
		seen->lease = answer->leases[0];
	(void)snprintf(seen->reason, sizeof(seen->reason), "%s",
		       answer->reason);
}

static struct natctl_callback to(struct seen *seen)
{
	struct natctl_callback callback = { on_answer, seen };

	return callback;
}

/* What the client has sent, one line; "" when nothing. */
static void receive(char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && recv(peer, line + used, 1, MSG_DONTWAIT) == 1)
		if (line[used++] == '\n')
			break;
	line[used] = '\0';
}

/* Single quotes stand for double ones. */
static void answer(const char *text)
{
	char line[1024];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", text);

	for (size_t i = 0; i < len; i++)
		if (line[i] == '\'')
			line[i] = '"';
	ck_assert_int_eq(send(peer, line, len, MSG_NOSIGNAL), (int)len);
}

/* `format` has a %d for the id of the request. */
static void answer_id(const char *format, int id)
{
	char text[1024];
	const char *mark = strstr(format, "%d");

	(void)snprintf(text, sizeof(text), "%.*s%d%s", (int)(mark - format),
		       format, id, mark + 2);
	answer(text);
}

static void process(void)
{
	struct pollfd pollfd = { .fd = natctl_fd(client),
				 .events = natctl_events(client) };
	short revents = poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;

	natctl_process(client, revents, now_ms);
}

/* The client connects and is told the epoch. Returns the id of its request. */
static int take_client(int its_epoch)
{
	char line[256];
	char text[128];
	const char *mark;
	int id;

	process();
	peer = sock_accept(listener);
	ck_assert_int_ge(peer, 0);
	receive(line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "\"status\""));
	mark = strstr(line, "\"id\":");
	ck_assert_ptr_nonnull(mark);
	id = atoi(mark + 5);
	(void)snprintf(text, sizeof(text),
		       "{'jsonrpc':'2.0','id':%d,'result':{'epoch':%d}}", id,
		       its_epoch);
	answer(text);
	process();
	ck_assert(natctl_is_up(client));
	return id;
}

static void begin(void)
{
	struct natctl_hooks hooks = { .on_up = on_up, .on_down = on_down };

	json_set_alloc_funcs(malloc, free);
	faults_begin();
	(void)snprintf(path, sizeof(path), "/tmp/viaduct-client-%d.sock",
		       (int)getpid());
	listener = sock_listen(path, SOCK_STREAM, 0600);
	ck_assert_int_ge(listener, 0);
	peer = -1;
	now_ms = 10000;
	ups = news = downs = 0;
	client = natctl_new(path, TIMEOUT, &hooks);
	ck_assert_ptr_nonnull(client);
}

static void end(void)
{
	natctl_free(client);
	if (peer >= 0)
		close(peer);
	close(listener);
	unlink(path);
	faults_end();
}

static const struct natctl_want want = { .inner = "2.2.2.2:2222@inside",
					 .realm = "outside",
					 .ports = 2 };
static const struct natctl_ask ask = { .group = "g",
				       .wants = &want,
				       .want_count = 1 };

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
		{ .inner = "2.2.2.2:9@inside", .realm = "outside", .pool = "p" },
	};
	struct natctl_ask full = { .group = "call-1",
				   .lifetime = 60,
				   .wants = wants,
				   .want_count = 2 };
	struct seen seen = { 0 };
	char line[2048];
	json_t *is;
	json_t *should;

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &full, now_ms, to(&seen), NULL), 0);
	receive(line, sizeof(line));
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
		"{'pool':'p','mode':'preferred'},'conditions':[]}]}}");
	ck_assert_msg(json_equal(is, should), "%s", line);
	json_decref(is);
	json_decref(should);
}
END_TEST

START_TEST(an_answer_is_given_once_and_later)
{
	struct seen seen = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL), 0);
	process();
	ck_assert_int_eq(seen.count, 0);
	answer_id(GRANTED, 2);
	answer_id(GRANTED, 2);
	process();
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
	struct seen first = { 0 };
	struct seen second = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_refresh(client, "a", 60, now_ms, to(&first),
					NULL),
			 0);
	ck_assert_int_eq(natctl_release(client, "b", now_ms, to(&second), NULL),
			 0);
	answer("{'jsonrpc':'2.0','id':3,'result':{'released':5}}");
	process();
	ck_assert_int_eq(first.count, 0);
	ck_assert_uint_eq(second.answer_count, 5);
	answer("{'jsonrpc':'2.0','id':2,'result':{'refreshed':6}}");
	process();
	ck_assert_uint_eq(first.answer_count, 6);
}
END_TEST

START_TEST(an_error_comes_with_its_code_and_reason)
{
	struct seen seen = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL), 0);
	answer("{'jsonrpc':'2.0','id':2,'error':{'code':-32002,'message':"
	       "'NOT_AVAILABLE','data':{'reason':'taken'}}}");
	process();
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
	struct seen seen = { 0 };

	take_client(7);
	for (int i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); i++) {
		ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen),
					    NULL),
				 0);
		answer_id(bad[i], 2 + i);
		process();
		ck_assert_int_eq(seen.count, i + 1);
		ck_assert_int_eq(seen.error, -EBADMSG);
	}
}
END_TEST

START_TEST(without_a_connection_a_request_fails_and_nobody_is_called)
{
	struct seen seen = { 0 };

	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL),
			 -ENOTCONN);
	ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(a_lost_connection_ends_requests_and_is_made_again)
{
	struct seen seen[3] = { 0 };

	take_client(7);
	ck_assert_int_eq(ups, 1);
	ck_assert_int_eq(news, 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen[i]),
					    NULL),
				 0);
	close(peer);
	process();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(seen[i].count, 1);
		ck_assert_int_eq(seen[i].error, -ECONNRESET);
	}
	ck_assert_int_eq(downs, 1);
	ck_assert(!natctl_is_up(client));
	ck_assert_int_eq(natctl_fd(client), -1);
	ck_assert_uint_eq(natctl_deadline(client), now_ms + 50);
	now_ms += 50;
	take_client(7); /* the same manager */
	ck_assert_int_eq(ups, 2);
	ck_assert_int_eq(news, 1);
	close(peer);
	process();
	now_ms += 50;
	take_client(8); /* another one */
	ck_assert_int_eq(news, 2);
	ck_assert_uint_eq(epoch, 8);
}
END_TEST

START_TEST(attempts_become_rare)
{
	uint64_t last_ms;
	uint64_t waited_ms = 0;

	close(listener);
	unlink(path);
	for (int i = 0; i < 10; i++) {
		last_ms = now_ms;
		process();
		now_ms = natctl_deadline(client);
		waited_ms = now_ms - last_ms;
	}
	ck_assert_uint_eq(waited_ms, 1000);
	listener = sock_listen(path, SOCK_STREAM, 0600);
	take_client(7);
}
END_TEST

START_TEST(a_request_without_an_answer_ends_in_time)
{
	struct seen seen = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL), 0);
	ck_assert_uint_eq(natctl_deadline(client), now_ms + TIMEOUT);
	now_ms += TIMEOUT - 1;
	process();
	ck_assert_int_eq(seen.count, 0);
	now_ms++;
	process();
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.error, -ETIMEDOUT);
	answer_id(GRANTED, 2); /* too late */
	process();
	ck_assert_int_eq(seen.count, 1);
	ck_assert(natctl_is_up(client));
}
END_TEST

START_TEST(a_manager_that_takes_the_connection_only_is_given_up)
{
	process();
	peer = sock_accept(listener);
	ck_assert_int_ge(peer, 0);
	now_ms += TIMEOUT;
	process();
	ck_assert_int_eq(natctl_fd(client), -1);
	ck_assert_int_eq(ups, 0);
	close(peer);
	now_ms += 50;
	take_client(7);
}
END_TEST

START_TEST(a_cancelled_request_calls_nobody)
{
	struct seen seen = { 0 };
	uint64_t request;

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), &request),
			 0);
	natctl_cancel(client, request);
	answer_id(GRANTED, 2);
	process();
	ck_assert_int_eq(seen.count, 0);
	natctl_cancel(client, request);
}
END_TEST

START_TEST(a_manager_that_does_not_read_blocks_nobody)
{
	struct seen seen = { 0 };
	static char group[127];
	char line[256];
	unsigned sent = 0;
	int rc = 0;

	take_client(7);
	memset(group, 'g', sizeof(group) - 1);
	while (rc == 0) {
		rc = natctl_release(client, group, now_ms, to(&seen), NULL);
		sent += rc == 0;
		ck_assert_uint_lt(sent, 100000);
	}
	ck_assert_int_eq(rc, -ENOBUFS);
	ck_assert_uint_eq(sent, NATCTL_QUEUE_MAX);
	/* It reads: all of them come, each whole. */
	for (unsigned i = 0; i < sent; i++) {
		receive(line, sizeof(line));
		if (line[0] == '\0' || line[strlen(line) - 1] != '\n') {
			process();
			receive(line + strlen(line),
				sizeof(line) - strlen(line));
		}
		ck_assert_ptr_nonnull(strstr(line, group));
	}
	ck_assert_int_eq(natctl_events(client), POLLIN);
	now_ms += TIMEOUT;
	process();
	ck_assert_int_eq(seen.count, (int)sent);
}
END_TEST

START_TEST(what_is_no_protocol_closes_the_connection)
{
	char *junk = malloc(2 * RPC_LINE_MAX);
	struct seen seen = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL), 0);
	answer("hello");
	process();
	ck_assert_int_eq(seen.error, -ECONNRESET);
	ck_assert_int_eq(natctl_fd(client), -1);
	close(peer);
	now_ms += 50;
	take_client(7);
	memset(junk, 'x', 2 * RPC_LINE_MAX); /* a line without an end */
	ck_assert_int_gt(send(peer, junk, 2 * RPC_LINE_MAX, MSG_DONTWAIT), 0);
	process();
	ck_assert_int_eq(natctl_fd(client), -1);
	free(junk);
}
END_TEST

static void on_answer_again(const struct natctl_answer *answer_, void *arg)
{
	struct seen *seen = arg;

	on_answer(answer_, seen);
	if (seen->count == 1)
		(void)natctl_release(client, "g", now_ms, to(seen), NULL);
}

START_TEST(a_callback_may_ask_again)
{
	struct seen seen = { 0 };
	struct natctl_callback again = { on_answer_again, &seen };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, again, NULL), 0);
	answer_id(GRANTED, 2);
	process();
	ck_assert_int_eq(seen.count, 1);
	answer("{'jsonrpc':'2.0','id':3,'result':{'released':1}}");
	process();
	ck_assert_int_eq(seen.count, 2);
	/* And when the connection is lost: that one fails at once. */
	seen.count = 0;
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, again, NULL), 0);
	close(peer);
	process();
	ck_assert_int_eq(seen.count, 1);
}
END_TEST

START_TEST(freeing_ends_requests)
{
	struct seen seen = { 0 };

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &ask, now_ms, to(&seen), NULL), 0);
	natctl_free(client);
	client = NULL;
	ck_assert_int_eq(seen.count, 1);
	ck_assert_int_eq(seen.error, -ECANCELED);
}
END_TEST

START_TEST(too_much_at_once_is_refused)
{
	struct seen seen = { 0 };
	struct natctl_ask none = { .group = "g" };
	struct natctl_ask many = { .group = "g",
				   .wants = &want,
				   .want_count = NATCTL_LEASES_MAX + 1 };
	uint64_t *ids = calloc(1 << 16, sizeof(*ids));

	take_client(7);
	ck_assert_int_eq(natctl_ask(client, &none, now_ms, to(&seen), NULL),
			 -EINVAL);
	ck_assert_int_eq(natctl_ask(client, &many, now_ms, to(&seen), NULL),
			 -EINVAL);
	ck_assert_int_eq(natctl_release_leases(client, ids, 1 << 16, now_ms,
					       to(&seen), NULL),
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
	struct seen seen = { 0 };
	bool failed = true;
	int granted = 0;

	take_client(7);
	for (unsigned n = 1; failed; n++) {
		int rc[2];

		faults_arm(n);
		rc[0] = natctl_ask(client, &ask, now_ms, to(&seen), NULL);
		rc[1] = natctl_tighten(client, &change, 1, now_ms, to(&seen),
				       NULL);
		failed = faults_disarm();
		for (int i = 0; i < 2; i++) {
			ck_assert(rc[i] == 0 || rc[i] == -ENOMEM);
			granted += rc[i] == 0;
		}
		ck_assert(failed == (rc[0] != 0 || rc[1] != 0));
		ck_assert_uint_lt(n, 500);
	}
	close(peer);
	process();
	ck_assert_int_eq(seen.count, granted);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_full_ask_is_written_as_documented,
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

	return SUITE_RUN("client", tests, begin, end);
}
