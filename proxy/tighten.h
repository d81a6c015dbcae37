/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings the limits of a call's leases to what its dialogs know of who may
 * send, and the leases themselves back when the manager has forgotten them.
 */
#ifndef VIADUCT_PROXY_TIGHTEN_H
#define VIADUCT_PROXY_TIGHTEN_H

#include "proxy/call.h"

struct tighten; /* limits that are being set; to be freed with free() */

/*
 * 1: sent, the callback is called later, and then tighten_done() if it went
 * well. 0: there is nothing to change. -Exxx: not sent.
 */
int tighten_start(const struct call *call, struct natctl_callback callback,
		  struct tighten **ret_tighten, uint64_t *ret_request);
/* The limits are in force. */
void tighten_done(struct tighten *tighten);
/* Sends them without waiting: after an early dialog or an offer has gone. */
void tighten_now(const struct call *call);
/* Another manager answers: asks again for all that the call holds. */
void tighten_renew(struct call *call);

#endif
