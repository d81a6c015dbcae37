/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flow is where: in the kernel, or in the TUN and why. */
#ifndef VIADUCT_TRANSLATOR_CONTROL_FLOWS_H
#define VIADUCT_TRANSLATOR_CONTROL_FLOWS_H

#include "common/rpcserver.h"
#include "translator/fastpath.h"

/*
 * Answers the method `flows`. params: "after" (an id) and "limit". Flows by id
 * until the limit is reached; those in a TUN, which come last, were refused to
 * the kernel within the last minute, some may be missing. `fastpath` NULL:
 * there is none.
 */
void control_flows(const struct fastpath *fastpath, const struct conf *conf,
		   struct rpcserver_call *call, json_t *params);

#endif
