/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/rpc.c. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rpc.h"
#include "tests/common/suite.h"

/* Fails the n-th allocation of jansson. */
static unsigned allocations_left;

static void *allocate(size_t size)
{
	if (allocations_left > 0 && --allocations_left == 0)
		return NULL;
	return malloc(size);
}

static int parse(const char *line, struct rpc_request *ret, json_t **ret_id,
		 const char **ret_error)
{
	return rpc_request_parse(line, strlen(line), ret, ret_id, ret_error);
}

START_TEST(a_request_is_read_with_what_it_holds)
{
	struct rpc_request request;
	const char *error;
	json_t *id;

	ck_assert_int_eq(
		parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ask\","
		      "\"params\":{\"group\":\"g\"}}\n",
		      &request, &id, &error),
		0);
	ck_assert_str_eq(request.method, "ask");
	ck_assert_int_eq(json_integer_value(request.id), 7);
	ck_assert_str_eq(json_string_value(
				 json_object_get(request.params, "group")),
			 "g");
	rpc_request_done(&request);
	ck_assert_int_eq(parse("{\"jsonrpc\":\"2.0\",\"method\":\"status\"}",
			       &request, &id, &error),
			 0);
	ck_assert_ptr_null(request.id);
	ck_assert_ptr_null(request.params);
	rpc_request_done(&request);
	ck_assert_int_eq(parse("{\"jsonrpc\":\"2.0\",\"id\":null,"
			       "\"method\":\"status\"}",
			       &request, &id, &error),
			 0);
	ck_assert(json_is_null(request.id));
	rpc_request_done(&request);
}
END_TEST

START_TEST(what_is_no_request_is_refused_with_its_id)
{
	static const struct {
		const char *line;
		int code;
		const char *id; /* as JSON */
	} cases[] = {
		{ "", RPC_PARSE_ERROR, "null" },
		{ "{", RPC_PARSE_ERROR, "null" },
		{ "{} {}", RPC_PARSE_ERROR, "null" },
		{ "7", RPC_PARSE_ERROR, "null" },
		{ "{\"id\":1,\"id\":2}", RPC_PARSE_ERROR, "null" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}",
		  RPC_PARSE_ERROR, "null" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
		  RPC_PARSE_ERROR, "null" },
		{ "[]", RPC_INVALID_REQUEST, "null" },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]",
		  RPC_INVALID_REQUEST, "null" },
		{ "{\"id\":1,\"method\":\"a\"}", RPC_INVALID_REQUEST, "1" },
		{ "{\"jsonrpc\":\"1.0\",\"id\":\"x\",\"method\":\"a\"}",
		  RPC_INVALID_REQUEST, "\"x\"" },
		{ "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}",
		  RPC_INVALID_REQUEST, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_INVALID_REQUEST, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}",
		  RPC_INVALID_REQUEST, "1" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}",
		  RPC_INVALID_REQUEST, "null" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"a\"}",
		  RPC_INVALID_REQUEST, "null" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a\",\"params\":[]}",
		  RPC_INVALID_PARAMS, "3" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rpc_request request;
		const char *error = NULL;
		json_t *id = NULL;
		char *text;

		ck_assert_int_eq(parse(cases[i].line, &request, &id, &error),
				 cases[i].code);
		ck_assert_ptr_nonnull(error);
		text = json_dumps(id, JSON_ENCODE_ANY);
		ck_assert_str_eq(text, cases[i].id);
		free(text);
		json_decref(id);
	}
}
END_TEST

START_TEST(a_nul_byte_ends_no_line)
{
	static const char line[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}\0{}";
	struct rpc_request request;
	const char *error;
	json_t *id;

	ck_assert_int_eq(rpc_request_parse(line, sizeof(line) - 1, &request,
					   &id, &error),
			 RPC_PARSE_ERROR);
	json_decref(id);
}
END_TEST

START_TEST(depth_without_end_is_refused)
{
	char line[20000];
	struct rpc_request request;
	const char *error;
	json_t *id;

	memset(line, '[', sizeof(line));
	ck_assert_int_eq(rpc_request_parse(line, sizeof(line), &request, &id,
					   &error),
			 RPC_PARSE_ERROR);
	json_decref(id);
}
END_TEST

START_TEST(answers_are_one_line_and_read_back)
{
	json_t *id = json_string("x\ny");
	char *line = rpc_result_format(id, json_pack("{si}", "released", 3));
	struct rpc_answer answer;

	ck_assert_str_eq(line, "{\"jsonrpc\":\"2.0\",\"id\":\"x\\ny\","
			       "\"result\":{\"released\":3}}\n");
	ck_assert_int_eq(rpc_answer_parse(line, strlen(line), &answer), 0);
	ck_assert_int_eq(answer.id, -1);
	ck_assert_int_eq(json_integer_value(
				 json_object_get(answer.result, "released")),
			 3);
	rpc_answer_done(&answer);
	free(line);
	line = rpc_error_format(NULL, RPC_NO_ENDPOINT, "no endpoint left",
				json_pack("{ss}", "reason", "pool \"x\""));
	ck_assert_str_eq(line,
			 "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{"
			 "\"code\":-32001,\"message\":\"no endpoint "
			 "left\",\"data\":{\"reason\":\"pool \\\"x\\\"\"}}"
			 "}\n");
	ck_assert_int_eq(rpc_answer_parse(line, strlen(line), &answer), 0);
	ck_assert_ptr_null(answer.result);
	ck_assert_int_eq(answer.code, RPC_NO_ENDPOINT);
	ck_assert_str_eq(answer.message, "no endpoint left");
	ck_assert_str_eq(answer.reason, "pool \"x\"");
	rpc_answer_done(&answer);
	free(line);
	json_decref(id);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}",
		("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":\"1\","
		 "\"message\":\"m\"}}"),
	};
	struct rpc_answer answer;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(rpc_answer_parse(cases[i], strlen(cases[i]),
						  &answer),
				 -EBADMSG);
}
END_TEST

START_TEST(a_request_that_is_written_reads_back)
{
	char *line = rpc_request_format(5, "list",
					json_pack("{si}", "limit", 2));
	struct rpc_request request;
	const char *error;
	json_t *id;

	ck_assert_int_eq(parse(line, &request, &id, &error), 0);
	ck_assert_str_eq(request.method, "list");
	ck_assert_int_eq(json_integer_value(request.id), 5);
	rpc_request_done(&request);
	free(line);
	line = rpc_request_format(6, "status", NULL);
	ck_assert_str_eq(line, "{\"jsonrpc\":\"2.0\",\"id\":6,"
			       "\"method\":\"status\"}\n");
	free(line);
}
END_TEST

START_TEST(each_failing_allocation_is_a_clean_error)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\","
				   "\"method\":\"ask\",\"params\":{\"a\":[1]}}";
	bool failed = true;

	json_set_alloc_funcs(allocate, free);
	for (unsigned n = 1; failed; n++) {
		struct rpc_request request;
		const char *error = NULL;
		json_t *id = NULL;
		int code;

		ck_assert_uint_lt(n, 1000);
		allocations_left = n;
		code = parse(line, &request, &id, &error);
		failed = allocations_left == 0;
		allocations_left = 0;
		ck_assert_int_eq(code != 0, failed);
		if (code != 0) {
			ck_assert_ptr_nonnull(error);
			json_decref(id);
			continue;
		}
		rpc_request_done(&request);
	}
	failed = true;
	for (unsigned n = 1; failed; n++) {
		json_t *data = json_pack("{ss}", "reason", "r");
		char *text;

		ck_assert_uint_lt(n, 1000);
		allocations_left = n;
		text = rpc_error_format(NULL, RPC_LIMIT, "m", data);
		failed = allocations_left == 0;
		allocations_left = 0;
		ck_assert((text == NULL) == failed);
		free(text);
	}
}
END_TEST

START_TEST(codes_have_names)
{
	ck_assert_str_eq(rpc_code_name(RPC_NO_ENDPOINT), "NO_ENDPOINT");
	ck_assert_str_eq(rpc_code_name(RPC_NO_REALM), "NO_REALM");
	ck_assert_str_eq(rpc_code_name(RPC_PARSE_ERROR), "PARSE_ERROR");
	ck_assert_str_eq(rpc_code_name((enum rpc_code)5), "UNKNOWN");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_request_is_read_with_what_it_holds,
		what_is_no_request_is_refused_with_its_id,
		a_nul_byte_ends_no_line,
		depth_without_end_is_refused,
		answers_are_one_line_and_read_back,
		what_is_no_answer_is_refused,
		a_request_that_is_written_reads_back,
		each_failing_allocation_is_a_clean_error,
		codes_have_names,
		NULL,
	};

	return suite_run("rpc", tests);
}
