/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offer/answer state of one dialog (RFC 3264, 6337, 6141). */
#ifndef VIADUCT_PROXY_OFFER_H
#define VIADUCT_PROXY_OFFER_H

#include <stdbool.h>

enum offer_side { OFFER_CALLER, OFFER_CALLEE };

enum offer_method {
	OFFER_INVITE,
	OFFER_ACK,
	OFFER_PRACK,
	OFFER_UPDATE,
	OFFER_OTHER
};

/* A message of the dialog, as it arrives. */
struct offer_event {
	enum offer_side from; /* who sent it, request or response */
	enum offer_method method;
	int status;    /* 0: a request */
	bool reliable; /* a 1xx with RSeq (RFC 3262) */
	bool sdp;      /* has an SDP body */
};

/* What the message is to the session. */
enum offer_role {
	OFFER_ROLE_NONE,   /* nothing: no SDP, or none of it matters */
	OFFER_ROLE_OFFER,  /* its SDP is a new offer */
	OFFER_ROLE_ANSWER, /* its SDP is the answer to the open offer */
	/*
	 * Its SDP is a copy of the answer that is still to come (in a 1xx that
	 * is not reliable): treat it as the answer, but the offer stays open.
	 */
	OFFER_ROLE_PREVIEW,
	OFFER_ROLE_REPEAT, /* its SDP repeats what was sent before: same text */
	/*
	 * The open offer is void, the session is what it was before it. An SDP
	 * in the same message is no part of it.
	 */
	OFFER_ROLE_ROLLBACK,
	/*
	 * Its SDP belongs to no offer/answer (OPTIONS, a failure's hint): no
	 * endpoint is asked for; its addresses must not pass.
	 */
	OFFER_ROLE_UNRELATED,
	/*
	 * Against the rules. A request is answered with `status`; a response
	 * or an ACK loses its SDP, and with `fatal` the call has no session
	 * that both sides know: end it.
	 */
	OFFER_ROLE_ERROR,
};

struct offer_result {
	enum offer_role role;
	int status;       /* of an error in a request: 400, 491 or 500 */
	bool fatal;       /* see OFFER_ROLE_ERROR */
	const char *text; /* static, of an error; else NULL */
};

enum offer_carrier {
	OFFER_BY_NONE, /* no offer is open */
	OFFER_BY_INVITE,
	OFFER_BY_PROVISIONAL, /* a reliable 1xx of an INVITE without SDP */
	OFFER_BY_SUCCESS,     /* a 2xx of an INVITE without SDP */
	OFFER_BY_PRACK,
	OFFER_BY_UPDATE
};

/*
 * All zero is the state of a new dialog. May be copied: each early dialog of
 * a fork starts as a copy of the state after the INVITE.
 */
struct offer {
	enum offer_carrier open; /* what carried the open offer */
	enum offer_side open_from;
	bool established; /* an offer was answered once */
	bool invite;      /* an INVITE is not finally answered */
	enum offer_side invite_from;
	bool invite_sdp;      /* the last INVITE carried an offer */
	bool invite_offered;  /* it, or its response, carried one */
	bool invite_answered; /* and that was answered for good */
	bool invite_previewed;
	bool invite_first;       /* it is the one that made the dialog */
	enum offer_carrier last; /* what the last answered offer came in */
};

/*
 * Feeds a message, once: retransmissions are not fed. A refused request leaves
 * the state as it is. A transaction that ends without a final response is fed
 * as a 408 of the side that owed it.
 */
struct offer_result offer_feed(struct offer *offer,
			       const struct offer_event *event);

#endif
