/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that the edge makes itself to end a dialog: ACK and BYE. */
#ifndef VIADUCT_PROXY_OWN_H
#define VIADUCT_PROXY_OWN_H

#include "proxy/call.h"

/*
 * A request to the party of that side within a dialog. ACK: `cseq` is that of
 * the INVITE. NULL: the dialog is not known well enough, or no memory.
 */
msg_t *own_request(struct call *call, struct dialog *dialog, enum call_side to,
		   sip_method_t method, const char *name, uint32_t cseq);
/* Acknowledges a 2xx that goes no further. */
void own_ack(struct call *call, struct dialog *dialog, enum call_side to,
	     uint32_t cseq);

/*
 * A 2xx to an INVITE that nobody wants any more: it is acknowledged and told
 * that it is over, from what itself says.
 */
void own_refuse(const struct flow *to, const sip_t *response);

#endif
