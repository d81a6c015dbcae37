/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of sip.md applied to a message that goes to a leg: what names a
 * place becomes the leg's own, addresses that its party may not see are taken
 * out, all else passes byte for byte.
 */
#ifndef VIADUCT_PROXY_HEADERS_H
#define VIADUCT_PROXY_HEADERS_H

#include "proxy/call.h"

#define HEADERS_VALUE_MAX 4096 /* bytes of one header that is looked at */

/*
 * The value of a header as text: `buf`, or NULL when there is no header or it
 * does not fit.
 */
const char *headers_value(const void *header, char *buf, size_t size);

/* The first header of that name behind `after` (NULL: of all); NULL: none. */
msg_header_t *headers_find(msg_t *msg, const msg_header_t *after,
			   const char *name);

/*
 * Takes away Via, Route, Record-Route, Path and Service-Route, puts our Contact
 * in the place of theirs, and hides what the party of `to` may not see. 0, or
 * -Exxx: the message must not be sent.
 */
int headers_relay(msg_t *msg, sip_t *sip, const struct leg *to);
/* Credentials that are meant for us never travel on. */
int headers_drop_credentials(msg_t *msg, sip_t *sip, const struct conf *conf);
/* Max-Forwards less one; -ELOOP at 0. */
int headers_forward(msg_t *msg, sip_t *sip);
/* Request-URI and route set; `routes` may be NULL. */
int headers_target(msg_t *msg, sip_t *sip, const char *uri,
		   const sip_route_t *routes);
/* Another body; NULL: none, and no Content-Type. */
int headers_body(msg_t *msg, sip_t *sip, const char *body, size_t len);
/*
 * Makes the response of the other side an answer to the request with this From
 * and To: those of the request, with the response's To tag.
 */
int headers_answer(msg_t *msg, sip_t *sip, const sip_from_t *from,
		   const sip_to_t *to);
/* The text of a URL, in the home; NULL: no memory. */
char *headers_url(su_home_t *home, const url_t *url);

#endif
