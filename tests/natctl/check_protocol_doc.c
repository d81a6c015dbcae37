/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replays the examples of doc/protocol.md, so that it cannot lie. Its first
 * ```conf block is the configuration; in ```natctl blocks each line with '>'
 * is sent and answered by the next one with '<'.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rpc.h"
#include "natctl/manager.h"
#include "tests/natctl/fake_link.h"
#include "tests/natctl/sample.h"
#include "tests/translator/suite.h"

#define EPOCH    4711
#define TEXT_MAX (64 * 1024)

static char text[TEXT_MAX];
static struct conf *conf;
static struct manager *manager;
static struct fake_link link_to;
static uint32_t uid;
static bool silent;
static char *answer_line;
static char *event_line; /* owned; the last that was told */

static void read_doc(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	size_t len;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/doc/protocol.md",
		       srcdir == NULL ? "." : srcdir);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_uint_lt(len, sizeof(text) - 1);
	text[len] = '\0';
	fclose(file);
}

/* An address of the machine, in the examples. */
static bool is_own(const struct endpoint *endpoint, void *arg)
{
	(void)arg;
	return ip_addr_to_v4(&endpoint->addr) == 0x02020201;
}

static int on_event(void *client, json_t *event, void *arg)
{
	(void)arg;
	ck_assert_ptr_eq(client, &uid);
	free(event_line);
	event_line = rpc_notification_format("event", event);
	return 0;
}

static void begin(void)
{
	struct manager_options options = { .seed = 1,
					   .epoch = EPOCH,
					   .is_own = is_own };
	char *start;
	char *stop;

	read_doc();
	start = strstr(text, "```conf\n");
	ck_assert_ptr_nonnull(start);
	start += strlen("```conf\n");
	stop = strstr(start, "```");
	*stop = '\0';
	conf = sample_conf(start);
	*stop = '`';
	fake_link_init(&link_to);
	options.conf = conf;
	options.translator.ops = &fake_link_ops;
	options.translator.link = &link_to;
	manager = manager_new(&options);
	ck_assert_ptr_nonnull(manager);
	manager_on_event(manager, on_event, NULL);
}

static void end(void)
{
	fake_link_done(&link_to);
	manager_free(manager);
	conf_free(conf);
	free(event_line);
	event_line = NULL;
}

static void format_answer(const json_t *id, struct manager_answer *answer)
{
	const struct fault *fault = &answer->fault;

	if (answer->result != NULL) {
		answer_line = rpc_result_format(id, answer->result);
		return;
	}
	answer_line =
		rpc_error_format(id, fault->code, rpc_code_name(fault->code),
				 json_pack("{s:s}", "reason", fault->reason));
}

static void on_answer(struct manager_answer *answer, void *arg)
{
	format_answer(arg, answer);
}

/* The way that control and the RPC server go; the line is the caller's. */
static char *answer_to(const char *line)
{
	struct rpc_request request;
	struct manager_request asked = { .uid = uid, .client = &uid };
	struct manager_answer answer;
	json_t *id;
	const char *error;
	int rc = rpc_request_parse(line, strlen(line), &request, &id, &error);

	answer_line = NULL;
	if (rc != 0) {
		answer_line = rpc_error_format(id, (enum rpc_code)rc, error,
					       NULL);
		json_decref(id);
		return answer_line;
	}
	asked.method = request.method;
	asked.params = request.params;
	rc = manager_request(manager, &asked, 1000, on_answer, request.id,
			     &answer);
	if (rc == 0)
		format_answer(request.id, &answer);
	else
		fake_link_end_all(&link_to, silent ? -ECONNRESET : 0, 1000);
	rpc_request_done(&request);
	return answer_line;
}

/* The number of this version of the program is not the document's matter. */
static json_t *load(const char *line)
{
	json_error_t error;
	json_t *value = json_loads(line, 0, &error);
	json_t *result = json_object_get(value, "result");

	ck_assert_msg(value != NULL, "%s: %s", error.text, line);
	if (json_object_get(result, "version") != NULL)
		ck_assert_int_eq(json_object_set_new(result, "version",
						     json_string("")),
				 0);
	return value;
}

static void replay(const char *sent, const char *expected)
{
	char *line = answer_to(sent);
	json_t *is = load(line);
	json_t *should = load(expected);

	ck_assert_msg(json_equal(is, should), "\n> %s\n< %s\nnot %s", sent,
		      line, expected);
	json_decref(is);
	json_decref(should);
	free(line);
}

/* An answer without a request: what was told last. */
static void expect_event(const char *expected)
{
	json_t *should = load(expected);
	json_t *is;

	ck_assert_ptr_nonnull(event_line);
	is = load(event_line);
	ck_assert_msg(json_equal(is, should), "%s not %s", event_line,
		      expected);
	json_decref(is);
	json_decref(should);
}

/* "natctl", "natctl as 1001", "natctl translator down" */
static void set_scene(const char *words)
{
	uid = 0;
	silent = strstr(words, "translator silent") != NULL;
	link_to.is_up = strstr(words, "translator down") == NULL;
	if (strncmp(words, "natctl as ", 10) == 0)
		uid = (uint32_t)strtoul(words + 10, NULL, 10);
}

/* How many were replayed. */
static unsigned replay_all(void)
{
	const char *sent = NULL;
	bool inside = false;
	unsigned count = 0;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "```", 3) == 0) {
			ck_assert_ptr_null(sent);
			inside = strncmp(line, "```natctl", 9) == 0;
			if (inside)
				set_scene(line + 3);
		} else if (inside && strncmp(line, "> ", 2) == 0) {
			ck_assert_ptr_null(sent);
			sent = line + 2;
		} else if (inside && sent == NULL) {
			expect_event(line + 2);
			count++;
		} else if (inside) {
			ck_assert_int_eq(strncmp(line, "< ", 2), 0);
			replay(sent, line + 2);
			sent = NULL;
			count++;
		}
	}
	return count;
}

START_TEST(every_example_is_answered_as_printed)
{
	ck_assert_uint_eq(replay_all(), 38);
}
END_TEST

START_TEST(every_method_and_code_has_an_example)
{
	static const char *const methods[] = {
		"ask",   "tighten", "refresh",   "list",       "release",
		"pools", "status",  "subscribe", "unsubscribe"
	};
	/* INTERNAL_ERROR needs a machine without memory. */
	static const int codes[] = {
		RPC_PARSE_ERROR,    RPC_INVALID_REQUEST, RPC_METHOD_NOT_FOUND,
		RPC_INVALID_PARAMS, RPC_NO_ENDPOINT,     RPC_NOT_AVAILABLE,
		RPC_NOT_AUTHORIZED, RPC_TRANSLATOR_DOWN, RPC_NOT_FOUND,
		RPC_LIMIT,          RPC_OVERLAP,         RPC_NO_REALM,
	};
	char part[64];

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		(void)snprintf(part, sizeof(part), "\"method\":\"%s\"",
			       methods[i]);
		ck_assert_msg(strstr(text, part) != NULL, "%s", methods[i]);
		(void)snprintf(part, sizeof(part), "\n## %s\n", methods[i]);
		ck_assert_msg(strstr(text, part) != NULL, "%s", methods[i]);
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		(void)snprintf(part, sizeof(part), "\"code\":%d,", codes[i]);
		ck_assert_msg(strstr(text, part) != NULL, "%d", codes[i]);
		(void)snprintf(part, sizeof(part), "| %d | %s |", codes[i],
			       rpc_code_name((enum rpc_code)codes[i]));
		ck_assert_msg(strstr(text, part) != NULL, "%d", codes[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_example_is_answered_as_printed,
		every_method_and_code_has_an_example,
	};

	return SUITE_RUN("protocol", tests, begin, end);
}
