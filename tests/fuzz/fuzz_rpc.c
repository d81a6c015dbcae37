/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: lines of the control channel. */
#include <stdlib.h>
#include <string.h>

#include "common/rpc.h"
#include "tests/fuzz/fuzz.h"

/* One line, and an answer to those who read it. */
static void check_line(char *line)
{
	struct rpc_answer answer;
	size_t len;

	fuzz_require(line != NULL, "there is memory");
	len = strlen(line);
	fuzz_require(strchr(line, '\n') == line + len - 1, "it is one line");
	fuzz_require(rpc_answer_parse(line, len, &answer) == 0,
		     "it reads back");
	rpc_answer_done(&answer);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data, *error = NULL;
	struct rpc_request request;
	struct rpc_answer answer;
	json_t *id = NULL;
	int code;

	code = rpc_request_parse(line, size, &request, &id, &error);
	if (code == 0) {
		fuzz_require(request.method && *request.method,
			     "a request has a method");
		check_line(rpc_result_format(request.id,
					     json_string(request.method)));
		rpc_request_done(&request);
	} else {
		fuzz_require(id && error, "an error has an id and a text");
		check_line(
			rpc_error_format(id, (enum rpc_code)code, error, NULL));
		json_decref(id);
	}
	if (rpc_answer_parse(line, size, &answer) == 0) {
		fuzz_require(answer.result || answer.message,
			     "an answer is a result or an error");
		rpc_answer_done(&answer);
	}
	return 0;
}
