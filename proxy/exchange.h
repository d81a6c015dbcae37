/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPINE: one body from text in to text out. Its steps, in order:
 *
 *   find the SDP in the body, read it            mime, media
 *   what is it: offer, answer, repeat?           offer
 *   what does each stream become?                anchor
 *   ask for what is not held yet                 natlink, one ask
 *   let only the far party in                    natlink, one tighten
 *   write the body                               media, mime
 *
 * Two of them wait for the address manager. What fails changes nothing: the
 * leases asked for are released by call_settle().
 */
#ifndef VIADUCT_PROXY_EXCHANGE_H
#define VIADUCT_PROXY_EXCHANGE_H

#include "proxy/call.h"

enum exchange_verdict {
	EXCHANGE_PASS,   /* the body passes byte for byte */
	EXCHANGE_BODY,   /* `body` takes its place */
	EXCHANGE_STRIP,  /* the message passes without its body */
	EXCHANGE_REFUSE, /* the offer cannot be met: `status`, `reason` */
	EXCHANGE_END,    /* nor can the answer: no session, end the call */
};

struct exchange_result {
	enum exchange_verdict verdict;
	char *body; /* owned by who is given the result */
	size_t len;
	int status;
	char reason[128]; /* in words; names no address */
};

typedef void (*exchange_fn)(struct exchange_result *result, void *arg);

struct exchange_input {
	struct call *call;
	struct dialog *dialog;
	enum call_side from;
	struct offer_event event; /* `sdp` is found out here */
	const sip_t *sip;         /* must live until the end */
};

struct exchange;

/*
 * 0: *ret is the result. 1: *ret_exchange is under way, the callback gets the
 * result later, exactly once, unless it is cancelled.
 */
int exchange_start(const struct exchange_input *input, exchange_fn on_done,
		   void *arg, struct exchange_result *ret,
		   struct exchange **ret_exchange);
void exchange_cancel(struct exchange *exchange);

#endif
