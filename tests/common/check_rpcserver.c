/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests common/rpcserver.c from its clients' side. */
#include "common/rpcserver.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_MAX (2 * RPCSERVER_PENDING_MAX)

static char dir[32];
static char path[64];
static struct event_base *base;
static struct rpcserver *server;
static struct rpcserver_call *held[HELD_MAX];
static size_t held_count;

/*
 * "echo": the params at once; "hold": kept; "big": 100 000 bytes; "refuse":
 * an error; "who": the uid of who asks.
 */
static void on_request(struct rpcserver_call *call, const char *method,
		       json_t *params, void *arg)
{
	static char big[100001];

	ck_assert_ptr_eq(arg, &base);
	memset(big, 'x', sizeof(big) - 1);
	if (strcmp(method, "hold") == 0)
		held[held_count++] = call;
	else if (strcmp(method, "big") == 0)
		rpcserver_result(call, json_string(big));
	else if (strcmp(method, "refuse") == 0)
		rpcserver_fail(call, RPC_NO_ENDPOINT, "none left", NULL);
	else if (strcmp(method, "who") == 0)
		rpcserver_result(call,
				 json_integer(rpcserver_peer(call)->user.uid));
	else
		rpcserver_result(call, params != NULL ? json_incref(params) :
							json_null());
}

static void begin(void)
{
	struct rpcserver_options options = { .path = path,
					     .mode = 0660,
					     .max_clients = 2,
					     .on_request = on_request,
					     .arg = &base };

	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/viaduct-rpc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	options.base = base;
	ck_assert_int_eq(rpcserver_new(&options, &server), 0);
	held_count = 0;
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

static int dial(void)
{
	int fd = sock_connect(path, SOCK_STREAM);

	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
	turn();
}

static void ask(int fd, int id, const char *method)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", id,
		 method);
	say(fd, line);
}

/* Up to the end of a line, not beyond. */
static ssize_t hear_part(int fd, char *buf, size_t size)
{
	ssize_t len = recv(fd, buf, size, MSG_DONTWAIT | MSG_PEEK);
	const char *newline;

	if (len < 0 && errno == EAGAIN) {
		turn();
		len = recv(fd, buf, size, MSG_DONTWAIT | MSG_PEEK);
	}
	if (len <= 0)
		return len;
	newline = memchr(buf, '\n', (size_t)len);
	return recv(fd, buf,
		    newline != NULL ? (size_t)(newline + 1 - buf) : (size_t)len,
		    MSG_DONTWAIT);
}

/* One line of what has arrived; NULL: the server has closed. */
static json_t *hear(int fd)
{
	static char line[RPCSERVER_OUTPUT_MAX];
	size_t used = 0;
	json_t *answer;

	while (used == 0 || line[used - 1] != '\n') {
		ssize_t len = hear_part(fd, line + used, sizeof(line) - used);

		if (len == 0 && used == 0)
			return NULL;
		ck_assert_int_gt(len, 0);
		used += (size_t)len;
	}
	answer = json_loadb(line, used, 0, NULL);
	ck_assert_ptr_nonnull(answer);
	return answer;
}

static void hear_nothing(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static void hear_result(int fd, int id)
{
	json_t *answer = hear(fd);

	ck_assert_ptr_nonnull(answer);
	ck_assert_ptr_nonnull(json_object_get(answer, "result"));
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "id")), id);
	json_decref(answer);
}

static void hear_error(int fd, int code)
{
	json_t *answer = hear(fd);

	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(json_integer_value(json_object_get(
				 json_object_get(answer, "error"), "code")),
			 code);
	json_decref(answer);
}

static void hear_end(int fd)
{
	ck_assert_ptr_null(hear(fd));
	close(fd);
}

START_TEST(requests_are_answered_line_by_line)
{
	int fd = dial();

	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"meth");
	hear_nothing(fd);
	say(fd, "od\":\"echo\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,"
		"\"method\":\"echo\",\"params\":{\"a\":1}}\n");
	hear_result(fd, 1);
	hear_result(fd, 2);
	hear_nothing(fd);
	close(fd);
}
END_TEST

START_TEST(an_error_has_code_and_reason)
{
	json_t *answer;
	int fd = dial();

	ask(fd, 1, "refuse");
	answer = hear(fd);
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(json_object_get(answer,
								 "error"),
						 "data"),
				 "reason")),
			 rpc_code_name(RPC_NO_ENDPOINT));
	json_decref(answer);
	close(fd);
}
END_TEST

START_TEST(nonsense_is_told_and_the_client_stays)
{
	int fd = dial();

	say(fd, "nonsense\n");
	hear_error(fd, RPC_PARSE_ERROR);
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1}\n");
	hear_error(fd, RPC_INVALID_REQUEST);
	ask(fd, 3, "echo");
	hear_result(fd, 3);
	close(fd);
}
END_TEST

START_TEST(a_notification_is_not_answered)
{
	int fd = dial();

	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n"
		"{\"jsonrpc\":\"2.0\",\"method\":\"refuse\"}\n");
	ask(fd, 1, "echo");
	hear_result(fd, 1);
	hear_nothing(fd);
	close(fd);
}
END_TEST

START_TEST(the_peer_is_told)
{
	json_t *answer;
	int fd = dial();

	ask(fd, 1, "who");
	answer = hear(fd);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "result")),
			 getuid());
	json_decref(answer);
	close(fd);
}
END_TEST

START_TEST(answers_may_come_later_and_in_another_order)
{
	int fd = dial();

	ask(fd, 1, "hold");
	ask(fd, 2, "hold");
	ask(fd, 3, "echo");
	hear_result(fd, 3);
	rpcserver_result(held[1], json_true());
	rpcserver_result(held[0], json_true());
	turn();
	hear_result(fd, 2);
	hear_result(fd, 1);
	close(fd);
}
END_TEST

START_TEST(a_call_outlives_its_client_and_is_inert_then)
{
	int fd = dial();

	ask(fd, 1, "hold");
	ask(fd, 2, "hold");
	/* Unread answers: the end is an error, not the end of the input. */
	ask(fd, 3, "echo");
	close(fd);
	turn();
	ck_assert_uint_eq(rpcserver_peer(held[0])->user.uid, getuid());
	rpcserver_result(held[0], json_true());
	rpcserver_fail(held[1], RPC_LIMIT, "late", NULL);
	turn();
	fd = dial();
	ask(fd, 1, "echo");
	hear_result(fd, 1);
	close(fd);
}
END_TEST

START_TEST(a_call_outlives_the_server)
{
	int fd = dial();

	ask(fd, 1, "hold");
	rpcserver_free(server);
	server = NULL;
	rpcserver_result(held[0], json_true());
	hear_end(fd);
}
END_TEST

START_TEST(who_ends_its_output_still_gets_its_answers)
{
	int fd = dial();

	ask(fd, 1, "hold");
	ask(fd, 2, "echo");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	turn();
	rpcserver_result(held[0], json_true());
	turn();
	hear_result(fd, 2);
	hear_result(fd, 1);
	hear_end(fd);
}
END_TEST

START_TEST(a_line_too_long_ends_the_client)
{
	char *line = malloc(RPC_LINE_MAX + 1);
	size_t sent = 0;
	int fd = dial();

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', RPC_LINE_MAX);
	while (sent < RPC_LINE_MAX) {
		ssize_t len = send(fd, line + sent, RPC_LINE_MAX - sent,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		ck_assert_int_gt(len, 0);
		sent += (size_t)len;
		turn();
	}
	free(line);
	turn();
	hear_error(fd, RPC_INVALID_REQUEST);
	hear_end(fd);
}
END_TEST

START_TEST(no_more_is_read_while_too_much_is_unanswered)
{
	const size_t more = 10;
	int fd = dial();

	for (size_t i = 0; i < RPCSERVER_PENDING_MAX + more; i++)
		ask(fd, (int)i, "hold");
	turn();
	ck_assert_uint_eq(held_count, RPCSERVER_PENDING_MAX);
	for (size_t i = 0; i < more; i++)
		rpcserver_result(held[i], json_true());
	/* Not from inside: the loop reads the rest. */
	ck_assert_uint_eq(held_count, RPCSERVER_PENDING_MAX);
	turn();
	ck_assert_uint_eq(held_count, RPCSERVER_PENDING_MAX + more);
	close(fd);
	turn();
	for (size_t i = more; i < held_count; i++)
		rpcserver_result(held[i], json_true());
}
END_TEST

START_TEST(who_takes_no_answers_is_not_read_and_loses_none)
{
	int fd = dial();

	for (int i = 0; i < 20; i++)
		ask(fd, i, "big");
	for (int i = 0; i < 20; i++)
		hear_result(fd, i);
	hear_nothing(fd);
	close(fd);
}
END_TEST

START_TEST(too_much_output_ends_the_client)
{
	char big[65536];
	json_t *answer;
	int fd = dial();

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 80; i++)
		ask(fd, i, "hold");
	ck_assert_uint_eq(held_count, 80);
	for (int i = 0; i < 80; i++)
		rpcserver_result(held[i], json_string(big));
	turn();
	/* What the socket had taken already; then the end. */
	for (int i = 0; i < 80; i++) {
		ssize_t len;

		do
			len = recv(fd, big, sizeof(big), MSG_DONTWAIT);
		while (len > 0);
		ck_assert_int_eq(len, 0);
	}
	close(fd);
	fd = dial();
	ask(fd, 1, "echo");
	answer = hear(fd);
	ck_assert_ptr_nonnull(answer);
	json_decref(answer);
	close(fd);
}
END_TEST

START_TEST(one_client_too_many_is_told)
{
	int first = dial(), second = dial(), third = dial();

	hear_error(third, RPC_LIMIT);
	hear_end(third);
	close(first);
	turn();
	third = dial();
	ask(third, 1, "echo");
	hear_result(third, 1);
	close(second);
	close(third);
}
END_TEST

#define BATCH                                                   \
	"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\"},"  \
	"{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},{\"id\":2}," \
	"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"echo\"},17]\n"

START_TEST(a_batch_is_answered_when_its_last_member_is)
{
	int fd = dial();
	json_t *answer;

	say(fd, BATCH);
	hear_nothing(fd);
	ck_assert_uint_eq(held_count, 1);
	ask(fd, 9, "echo");
	hear_result(fd, 9);
	rpcserver_result(held[0], json_true());
	answer = hear(fd);
	/* Two that are no requests, one echo, the one held; no notification. */
	ck_assert_uint_eq(json_array_size(answer), 4);
	ck_assert_int_eq(json_integer_value(
				 json_object_get(json_array_get(answer, 3),
						 "id")),
			 1);
	json_decref(answer);
	close(fd);
}
END_TEST

START_TEST(a_batch_outlives_its_client)
{
	int fd = dial();

	say(fd, BATCH);
	ck_assert_uint_eq(held_count, 1);
	close(fd);
	turn();
	rpcserver_result(held[0], json_true());
	fd = dial();
	ask(fd, 1, "echo");
	hear_result(fd, 1);
	close(fd);
}
END_TEST

START_TEST(a_batch_of_notifications_or_of_nothing)
{
	int fd = dial();

	say(fd, "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]\n");
	hear_nothing(fd);
	say(fd, "[]\n");
	hear_error(fd, RPC_INVALID_REQUEST);
	say(fd, "[\n");
	hear_error(fd, RPC_PARSE_ERROR);
	close(fd);
}
END_TEST

START_TEST(a_batch_has_a_limit)
{
	char line[4 * 300 + 4] = "[1";
	int fd = dial();

	for (int i = 1; i <= 256; i++)
		strcat(line, ",1");
	strcat(line, "]\n");
	say(fd, line);
	hear_error(fd, RPC_INVALID_REQUEST);
	close(fd);
}
END_TEST

START_TEST(a_second_server_on_the_path_is_refused)
{
	struct rpcserver_options options = { .base = base,
					     .path = path,
					     .mode = 0660,
					     .max_clients = 1,
					     .on_request = on_request };
	struct rpcserver *second;

	ck_assert_int_eq(rpcserver_new(&options, &second), -EADDRINUSE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		requests_are_answered_line_by_line,
		an_error_has_code_and_reason,
		nonsense_is_told_and_the_client_stays,
		a_notification_is_not_answered,
		the_peer_is_told,
		answers_may_come_later_and_in_another_order,
		a_call_outlives_its_client_and_is_inert_then,
		a_call_outlives_the_server,
		who_ends_its_output_still_gets_its_answers,
		a_line_too_long_ends_the_client,
		no_more_is_read_while_too_much_is_unanswered,
		who_takes_no_answers_is_not_read_and_loses_none,
		too_much_output_ends_the_client,
		one_client_too_many_is_told,
		a_second_server_on_the_path_is_refused,
		a_batch_is_answered_when_its_last_member_is,
		a_batch_outlives_its_client,
		a_batch_of_notifications_or_of_nothing,
		a_batch_has_a_limit,
	};
	Suite *suite = suite_create("rpcserver");
	TCase *tcase = tcase_create("rpcserver");
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
