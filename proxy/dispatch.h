/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a message that was received belongs: call, registration, new call. */
#ifndef VIADUCT_PROXY_DISPATCH_H
#define VIADUCT_PROXY_DISPATCH_H

#include "proxy/call.h"
#include "proxy/registrar.h"
#include "proxy/trunk.h"

struct dispatch {
	const struct conf *conf;     /* not owned */
	struct calls *calls;         /* not owned */
	struct registrar *registrar; /* not owned */
	struct carriers *carriers;   /* not owned */
	struct limits limits;        /* owned by the caller of limits_init */
	struct trunk_list trunks; /* owned by the caller of trunk_list_init */
};

/* As struct edge_hooks wants them; `arg` is the struct dispatch. */
void dispatch_request(const struct flow *from, msg_t *msg, sip_t *sip,
		      void *arg);
void dispatch_response(const struct flow *from, msg_t *msg, sip_t *sip,
		       void *arg);

#endif
