/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON-RPC 2.0 requests, answers and errors to text and back. Pure. */
#include "common/rpc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A number, a string or null: what an id may be. */
static bool is_id(const json_t *value)
{
	return json_is_number(value) || json_is_string(value) ||
	       json_is_null(value);
}

static json_t *load(const char *line, size_t len, json_error_t *error)
{
	/* jansson itself refuses a NUL byte and "\u0000". */
	return json_loadb(line, len, JSON_REJECT_DUPLICATES, error);
}

static int check_request(const json_t *root, const char **ret_error)
{
	const char *version, *method;
	json_t *params, *id;

	if (json_is_array(root)) {
		*ret_error = "a request is an object, and a batch not empty";
		return RPC_INVALID_REQUEST;
	}
	if (!json_is_object(root)) {
		*ret_error = "a request is an object";
		return RPC_INVALID_REQUEST;
	}
	id = json_object_get(root, "id");
	if (id && !is_id(id)) {
		*ret_error = "id must be a number, a string or null";
		return RPC_INVALID_REQUEST;
	}
	version = json_string_value(json_object_get(root, "jsonrpc"));
	if (!version || strcmp(version, "2.0") != 0) {
		*ret_error = "jsonrpc must be \"2.0\"";
		return RPC_INVALID_REQUEST;
	}
	method = json_string_value(json_object_get(root, "method"));
	if (!method || *method == '\0') {
		*ret_error = "method must be a string";
		return RPC_INVALID_REQUEST;
	}
	params = json_object_get(root, "params");
	if (params && !json_is_object(params)) {
		*ret_error = "params must be an object";
		return RPC_INVALID_PARAMS;
	}
	return 0;
}

int rpc_request_read(json_t *root, struct rpc_request *ret, json_t **ret_id,
		     const char **ret_error)
{
	json_t *id = json_object_get(root, "id");
	int code = check_request(root, ret_error);

	if (code != 0) {
		*ret_id = id && is_id(id) ? json_incref(id) : json_null();
		json_decref(root);
		return code;
	}
	*ret = (struct rpc_request){
		.root = root,
		.method = json_string_value(json_object_get(root, "method")),
		.params = json_object_get(root, "params"),
		.id = id,
	};
	return 0;
}

int rpc_request_parse(const char *line, size_t len, struct rpc_request *ret,
		      json_t **ret_id, const char **ret_error)
{
	json_error_t error = { .line = 0 };
	json_t *root = load(line, len, &error);

	if (root)
		return rpc_request_read(root, ret, ret_id, ret_error);
	*ret_id = json_null();
	/* Where there is no memory jansson may give no error at all. */
	if (json_error_code(&error) == json_error_out_of_memory ||
	    json_error_code(&error) == json_error_unknown) {
		*ret_error = "no memory";
		return RPC_INTERNAL_ERROR;
	}
	*ret_error = "not JSON, or a name that stands twice";
	return RPC_PARSE_ERROR;
}

json_t *rpc_batch_parse(const char *line, size_t len)
{
	json_error_t error;

	while (len > 0 && (*line == ' ' || *line == '\t' || *line == '\r')) {
		line++;
		len--;
	}
	return len > 0 && *line == '[' ? load(line, len, &error) : NULL;
}

void rpc_request_done(struct rpc_request *request)
{
	json_decref(request->root);
	*request = (struct rpc_request){ .root = NULL };
}

/* Text that grows. */
struct text {
	char *data; /* owned */
	size_t used;
	size_t size;
	bool failed;
};

static int append(const char *data, size_t len, void *arg)
{
	struct text *text = arg;
	char *grown;

	if (text->failed)
		return -1;
	if (len > text->size - text->used) {
		grown = realloc(text->data, text->size * 2 + len);
		if (!grown) {
			text->failed = true;
			return -1;
		}
		text->data = grown;
		text->size = text->size * 2 + len;
	}
	memcpy(text->data + text->used, data, len);
	text->used += len;
	return 0;
}

/*
 * One line with '\n'; takes `root` over. json_dumps goes on after a name that
 * found no memory and gives a broken text; so the text is ours.
 */
static char *dump_line(json_t *root)
{
	struct text text = { .data = NULL };
	int r = json_dump_callback(root, append, &text,
				   JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(root);
	if (r < 0 || append("\n", 2, &text) < 0 || text.failed) {
		free(text.data);
		return NULL;
	}
	return text.data;
}

/* {"jsonrpc":"2.0","id":ID,NAME:VALUE}; takes id and value over. */
static char *format_message(json_t *id, const char *name, json_t *value)
{
	json_t *root = json_object();

	/* Each json_object_set_new takes its value over in any case. */
	if (json_object_set_new(root, "jsonrpc", json_string("2.0")) |
	    json_object_set_new(root, "id", id) |
	    json_object_set_new(root, name, value)) {
		json_decref(root);
		return NULL;
	}
	return dump_line(root);
}

static json_t *copy_id(const json_t *id)
{
	return id ? json_deep_copy(id) : json_null();
}

char *rpc_result_format(const json_t *id, json_t *result)
{
	return format_message(copy_id(id), "result", result);
}

char *rpc_error_format(const json_t *id, enum rpc_code code,
		       const char *message, json_t *data)
{
	json_t *error = json_object();
	int failed;

	failed = json_object_set_new(error, "code", json_integer(code)) |
		 json_object_set_new(error, "message", json_string(message));
	if (data)
		failed |= json_object_set_new(error, "data", data);
	if (failed) {
		json_decref(error);
		return NULL;
	}
	return format_message(copy_id(id), "error", error);
}

char *rpc_request_format(json_int_t id, const char *method, json_t *params)
{
	json_t *root = json_object();
	int failed;

	failed = json_object_set_new(root, "jsonrpc", json_string("2.0")) |
		 json_object_set_new(root, "id", json_integer(id)) |
		 json_object_set_new(root, "method", json_string(method));
	if (params)
		failed |= json_object_set_new(root, "params", params);
	if (failed) {
		json_decref(root);
		return NULL;
	}
	return dump_line(root);
}

char *rpc_notification_format(const char *method, json_t *params)
{
	json_t *root = json_object();

	if (json_object_set_new(root, "jsonrpc", json_string("2.0")) |
	    json_object_set_new(root, "method", json_string(method)) |
	    json_object_set_new(root, "params", params)) {
		json_decref(root);
		return NULL;
	}
	return dump_line(root);
}

static int read_error(const json_t *error, struct rpc_answer *ret)
{
	const json_t *code = json_object_get(error, "code");
	const json_t *data = json_object_get(error, "data");

	ret->code = json_integer_value(code);
	ret->message = json_string_value(json_object_get(error, "message"));
	ret->reason = json_string_value(json_object_get(data, "reason"));
	return json_is_integer(code) && ret->message ? 0 : -EBADMSG;
}

int rpc_answer_parse(const char *line, size_t len, struct rpc_answer *ret)
{
	struct rpc_answer answer = { .id = -1 };
	json_error_t json_error;
	json_t *error, *id;
	const char *version;
	int r = 0;

	answer.root = load(line, len, &json_error);
	version = json_string_value(json_object_get(answer.root, "jsonrpc"));
	id = json_object_get(answer.root, "id");
	error = json_object_get(answer.root, "error");
	answer.result = json_object_get(answer.root, "result");
	if (json_is_integer(id))
		answer.id = json_integer_value(id);
	if (!version || strcmp(version, "2.0") != 0 || !error == !answer.result)
		r = -EBADMSG;
	else if (error)
		r = read_error(error, &answer);
	if (r < 0) {
		json_decref(answer.root);
		return r;
	}
	*ret = answer;
	return 0;
}

void rpc_answer_done(struct rpc_answer *answer)
{
	json_decref(answer->root);
	*answer = (struct rpc_answer){ .id = -1 };
}

const char *rpc_code_name(enum rpc_code code)
{
	switch (code) {
	case RPC_PARSE_ERROR:
		return "PARSE_ERROR";
	case RPC_INVALID_REQUEST:
		return "INVALID_REQUEST";
	case RPC_METHOD_NOT_FOUND:
		return "METHOD_NOT_FOUND";
	case RPC_INVALID_PARAMS:
		return "INVALID_PARAMS";
	case RPC_INTERNAL_ERROR:
		return "INTERNAL_ERROR";
	case RPC_NO_ENDPOINT:
		return "NO_ENDPOINT";
	case RPC_NOT_AVAILABLE:
		return "NOT_AVAILABLE";
	case RPC_NOT_AUTHORIZED:
		return "NOT_AUTHORIZED";
	case RPC_TRANSLATOR_DOWN:
		return "TRANSLATOR_DOWN";
	case RPC_NOT_FOUND:
		return "NOT_FOUND";
	case RPC_LIMIT:
		return "LIMIT";
	case RPC_OVERLAP:
		return "OVERLAP";
	case RPC_NO_REALM:
		return "NO_REALM";
	}
	return "UNKNOWN";
}
