/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method `explain` of the translator's socket. */
#ifndef VIADUCT_TRANSLATOR_CONTROL_EXPLAIN_H
#define VIADUCT_TRANSLATOR_CONTROL_EXPLAIN_H

#include <jansson.h>

#include "common/rpcserver.h"
#include "translator/translate.h"

/*
 * Answers the call: what would become of the packet that params describe.
 * {"protocol","source","destination","from"}.
 */
void control_explain(const struct translate_context *context,
		     const struct realm_names *names,
		     struct rpcserver_call *call, json_t *params);

#endif
