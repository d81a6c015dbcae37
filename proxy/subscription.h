/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dialogs without media: those of SUBSCRIBE and of REFER outside a call (RFC
 * 6665, 3515). How long one lives is told by Expires and Subscription-State.
 */
#ifndef VIADUCT_PROXY_SUBSCRIPTION_H
#define VIADUCT_PROXY_SUBSCRIPTION_H

#include "proxy/relay.h"

#define SUBSCRIPTION_REFER   180    /* seconds, unless a NOTIFY tells more */
#define SUBSCRIPTION_DEFAULT 3600   /* seconds, where no Expires is given */
#define SUBSCRIPTION_MAX     604800 /* seconds; it is refreshed before, or ends */

/* Does a 2xx to that method make such a dialog? */
bool subscription_is_made_by(sip_method_t method);
/* Notes what a request that comes tells of its subscription. */
void subscription_request(struct relay *relay, const sip_t *sip);
/* A 2xx is being passed on: the dialog lives, and how long. */
void subscription_success(struct relay *relay, struct dialog *dialog,
			  msg_t *msg);
/* Is it the first request of a dialog that goes on? */
bool subscription_is_kept(const struct relay *relay);
/* A NOTIFY was answered that was the last one: the call may be ended. */
void subscription_finish(const struct relay *relay);

#endif
