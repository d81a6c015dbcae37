/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a message with the endpoints that its receiver is to see. */
#ifndef VIADUCT_PROXY_REWRITE_H
#define VIADUCT_PROXY_REWRITE_H

#include "proxy/hide.h"
#include "proxy/mime.h"
#include "proxy/session.h"

struct rewrite {
	struct hide_view view; /* from whose realm it goes to whose */
	struct ip_addr own;    /* told where there is no endpoint to tell */
	const struct media *media;
	const struct mime_part *part; /* where in the body the SDP stands */
	const char *body;
	size_t len;
};

/*
 * Streams of `party` that have a lease get its outer endpoint. NULL: the SDP
 * is no part of a session; no address of it that may not be seen passes. *ret
 * is the caller's to free. 0 or -ENOMEM.
 */
int rewrite_body(struct rewrite *rewrite, const struct session_party *party,
		 char **ret, size_t *ret_len);

#endif
