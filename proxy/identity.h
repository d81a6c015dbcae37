/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who says who is calling, and to whom it is told (RFC 3325, 3323). */
#ifndef VIADUCT_PROXY_IDENTITY_H
#define VIADUCT_PROXY_IDENTITY_H

#include "proxy/relay.h"

/*
 * A message on its way to that leg: P-Asserted-Identity of a realm that is not
 * trusted goes, and what is private does not reach one; a user of ours who
 * begins something is named to a realm that is trusted. 0 or -Exxx.
 */
int identity_apply(const struct relay *relay, const struct leg *to, msg_t *msg,
		   sip_t *sip);

#endif
