/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that a carrier wants to see credentials with. */
#ifndef VIADUCT_PROXY_LOGIN_H
#define VIADUCT_PROXY_LOGIN_H

#include "proxy/relay.h"

/*
 * A 401 or 407 of the leg that the request was sent to. 0: it has been sent
 * again with credentials, the relay may be gone; else the status that stands
 * for the answer: 503 without a response when our credentials are not good.
 */
int login_challenged(struct relay *relay, int status, msg_t **response);
/*
 * The CSeq as the leg counts, and the credentials, in a request that is about
 * to be sent; `is_new`: not an ACK. 0 or -Exxx.
 */
int login_request(struct relay *relay, bool is_new, msg_t *msg, sip_t *sip);

#endif
