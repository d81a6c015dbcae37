/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON-RPC 2.0 requests, answers and errors to text and back (on jansson).
 * One object a line. Pure: no descriptor.
 */
#ifndef VIADUCT_COMMON_RPC_H
#define VIADUCT_COMMON_RPC_H

#include <jansson.h>
#include <stddef.h>

#define RPC_LINE_MAX (64 * 1024) /* bytes of a line, with its '\n' */

enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_NO_ENDPOINT = -32001,
	RPC_NOT_AVAILABLE = -32002,
	RPC_NOT_AUTHORIZED = -32003,
	RPC_TRANSLATOR_DOWN = -32004,
	RPC_NOT_FOUND = -32005,
	RPC_LIMIT = -32006,
	RPC_OVERLAP = -32007,
	RPC_NO_REALM = -32008,
};

/* A request as read; all members point into `root`. */
struct rpc_request {
	json_t *root;       /* owned */
	const char *method; /* never NULL */
	json_t *params;     /* object, or NULL: none given */
	json_t *id;         /* NULL: a notification, wants no answer */
};

/*
 * 0, or an rpc_code with a text in *ret_error (static). On failure *ret_id is
 * the id to answer with (owned by the caller; JSON null where none was read).
 */
int rpc_request_parse(const char *line, size_t len, struct rpc_request *ret,
		      json_t **ret_id, const char **ret_error);
void rpc_request_done(struct rpc_request *request);
/* The same of a value that was read already; takes it over. */
int rpc_request_read(json_t *root, struct rpc_request *ret, json_t **ret_id,
		     const char **ret_error);

/*
 * The members of a batch. NULL: the line is none, or is not JSON; read it as a
 * request.
 */
json_t *rpc_batch_parse(const char *line, size_t len);

/*
 * One line with '\n', to be freed by the caller; NULL: no memory. `result`,
 * `params` and `data` are taken over (stolen); data may be NULL.
 */
char *rpc_result_format(const json_t *id, json_t *result);
char *rpc_error_format(const json_t *id, enum rpc_code code,
		       const char *message, json_t *data);
char *rpc_request_format(json_int_t id, const char *method, json_t *params);
/* A request without an id: who gets it does not answer. */
char *rpc_notification_format(const char *method, json_t *params);

/* An answer as read: either result, or error with code and message. */
struct rpc_answer {
	json_t *root;   /* owned */
	json_int_t id;  /* -1: null or not a number */
	json_t *result; /* NULL: an error */
	json_int_t code;
	const char *message; /* never NULL when result is NULL */
	const char *reason;  /* error.data.reason, or NULL */
};

int rpc_answer_parse(const char *line, size_t len, struct rpc_answer *ret);
void rpc_answer_done(struct rpc_answer *answer);

/* "NO_ENDPOINT" for RPC_NO_ENDPOINT and so on; never NULL. */
const char *rpc_code_name(enum rpc_code code);

#endif
