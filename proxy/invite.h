/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that starts something: to whom it goes, and its new call. */
#ifndef VIADUCT_PROXY_INVITE_H
#define VIADUCT_PROXY_INVITE_H

#include "proxy/dispatch.h"

struct invite_speaker {
	size_t trunk; /* TRUNK_NONE: an authenticated user */
};

/* 482 when the request has been here before (RFC 5393 4.2), 483, or 0. */
int invite_check_loop(const struct dispatch *dispatch, const sip_t *sip);
/*
 * Takes `msg`. `leg`: whose party was told the Contact that the Request-URI
 * names (it is transferred to the other party), or NULL. Of several bindings
 * of a user the newest of the highest q is taken.
 */
void invite_start(struct dispatch *dispatch,
		  const struct invite_speaker *speaker, const struct leg *leg,
		  const struct flow *from, msg_t *msg, sip_t *sip);

#endif
