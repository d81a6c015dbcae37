/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests common/rpcserver.c: what clients are told without having asked. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/rpcserver.h"

static char dir[32];
static char path[64];
static struct event_base *base;
static struct rpcserver *server;
static struct rpcserver_client *client; /* who asked last; NULL: has gone */
static struct rpcserver_call *held;
static int gone;

static void on_request(struct rpcserver_call *call, const char *method,
		       json_t *params, void *arg)
{
	(void)params;
	(void)arg;
	client = rpcserver_client(call);
	ck_assert_ptr_nonnull(client);
	if (strcmp(method, "hold") == 0)
		held = call;
	else
		rpcserver_result(call, json_true());
}

static void on_end(struct rpcserver_client *who, void *arg)
{
	ck_assert_ptr_eq(arg, &base);
	ck_assert_ptr_eq(who, client);
	client = NULL;
	gone++;
}

static void begin(void)
{
	struct rpcserver_options options = { .path = path,
					     .mode = 0660,
					     .max_clients = 2,
					     .on_request = on_request,
					     .on_end = on_end,
					     .arg = &base };

	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/viaduct-rpc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	options.base = base;
	ck_assert_int_eq(rpcserver_new(&options, &server), 0);
	gone = 0;
}

static void end(void)
{
	rpcserver_free(server);
	/* The ends of connections that libevent has put off. */
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* A client that has asked. */
static int dial(const char *method)
{
	char line[128];
	int fd = sock_connect(path, SOCK_STREAM);
	int len = snprintf(line, sizeof(line),
			   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n",
			   method);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(send(fd, line, (size_t)len, MSG_NOSIGNAL), len);
	turn();
	return fd;
}

START_TEST(a_client_is_told_without_having_asked)
{
	static const char expected[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}\n"
		"{\"jsonrpc\":\"2.0\",\"method\":\"event\","
		"\"params\":{\"n\":7}}\n";
	char text[256] = "";
	int fd = dial("ask");

	ck_assert_int_eq(rpcserver_notify(client, "event",
					  json_pack("{s:i}", "n", 7)),
			 0);
	turn();
	ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 0);
	ck_assert_str_eq(text, expected);
	close(fd);
	turn();
	ck_assert_int_eq(gone, 1);
}
END_TEST

START_TEST(one_that_has_gone_is_nobody)
{
	int fd = dial("hold");

	ck_assert_ptr_eq(rpcserver_client(held), client);
	close(fd);
	turn();
	/* It is owed an answer, and cannot be written to. */
	rpcserver_result(held, json_true());
	turn();
	ck_assert_int_eq(gone, 1);
	ck_assert_ptr_null(client);
}
END_TEST

START_TEST(what_waits_for_a_slow_reader_is_bounded)
{
	static char big[10001];
	int fd = dial("ask");
	char *space = malloc(4 * RPCSERVER_NOTIFY_MAX);
	ssize_t total = 0;
	int sent = 0;
	int rc = 0;

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_ptr_nonnull(space);
	while (rc == 0 && sent < 1000) {
		rc = rpcserver_notify(client, "event",
				      json_pack("{s:s}", "text", big));
		sent += rc == 0;
		turn();
	}
	ck_assert_int_eq(rc, -ENOBUFS);
	ck_assert_int_gt(sent, RPCSERVER_NOTIFY_MAX / 10100);
	for (int i = 0; i < 1000; i++) {
		ssize_t len = recv(fd, space, 4 * RPCSERVER_NOTIFY_MAX,
				   MSG_DONTWAIT);

		total += len > 0 ? len : 0;
		turn();
	}
	ck_assert_int_gt(total, (ssize_t)sent * 10000);
	/* It has caught up. */
	ck_assert_int_eq(rpcserver_notify(client, "event", json_object()), 0);
	ck_assert_int_eq(gone, 0);
	free(space);
	close(fd);
}
END_TEST

START_TEST(the_end_of_the_server_is_that_of_its_clients)
{
	int fd = dial("ask");

	rpcserver_free(server);
	server = NULL;
	ck_assert_int_eq(gone, 1);
	close(fd);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_client_is_told_without_having_asked,
		one_that_has_gone_is_nobody,
		what_waits_for_a_slow_reader_is_bounded,
		the_end_of_the_server_is_that_of_its_clients,
	};
	Suite *suite = suite_create("rpcnotify");
	TCase *tcase = tcase_create("rpcnotify");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, begin, end);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
