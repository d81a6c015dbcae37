/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small client of a JSON-RPC server: one request, one answer, then closes. */
#ifndef VIADUCT_CLI_CLIENT_H
#define VIADUCT_CLI_CLIENT_H

#include "common/channel.h"
#include "common/rpc.h"

#define CLIENT_TIMEOUT_MS 5000
#define CLIENT_ANSWER_MAX (8 * 1024 * 1024)

/*
 * Waits at most CLIENT_TIMEOUT_MS. `params` is taken over. 0: *ret is an
 * answer, perhaps an error one, to be freed with rpc_answer_done. -ETIMEDOUT,
 * -EBADMSG (what came is no answer), -ENOENT or -ECONNREFUSED (no server) ...,
 * with `fault` (TLS_FAULT_TEXT bytes) in words.
 */
int client_call(const struct channel_target *target, const char *method,
		json_t *params, struct rpc_answer *ret, char *fault);

#endif
