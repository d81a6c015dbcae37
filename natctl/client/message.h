/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and answers of the client library to JSON and back. Pure. */
#ifndef VIADUCT_NATCTL_CLIENT_MESSAGE_H
#define VIADUCT_NATCTL_CLIENT_MESSAGE_H

#include <jansson.h>

#include "common/rpc.h"
#include "natctl/client/natctl.h"

/* The parameters; NULL: no memory (or a text that is not UTF-8). */
json_t *message_ask(const struct natctl_ask *ask);
json_t *message_refresh(const char *group, unsigned lifetime);
json_t *message_tighten(const struct natctl_change *changes, size_t count);
json_t *message_release(const char *group);
json_t *message_release_leases(const uint64_t *leases, size_t count);

/*
 * Points into `answer`, except for the leases, which message_answer_done
 * frees. An answer that makes no sense has the error -EBADMSG.
 */
void message_answer(const struct rpc_answer *answer, const char *method,
		    struct natctl_answer *ret);
void message_answer_done(struct natctl_answer *answer);

#endif
