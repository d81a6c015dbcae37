/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One side of a call, and the dialogs between the two sides: what belongs to a
 * side and never travels on.
 */
#ifndef VIADUCT_PROXY_LEG_H
#define VIADUCT_PROXY_LEG_H

#include <sofia-sip/sip.h>

#include "common/list.h"
#include "proxy/edge.h"
#include "proxy/farnat.h"
#include "proxy/session.h"
#include "proxy/trunk.h"

#define CALL_TOKEN_TEXT 33 /* 128 bits in hex, with NUL */
#define CALL_USER_TEXT  34 /* "TOKENa" or "TOKENb", with NUL */

enum call_side {
	CALL_A = SESSION_CALLER, /* who sent the first request */
	CALL_B = SESSION_CALLEE
};

struct call;

/* A leg: the side's party is who is at the other end of `flow`. */
struct leg {
	struct call *call; /* parent, not owned */
	enum call_side side;
	struct flow flow;
	const struct trunk *trunk; /* the party is this trunk; or NULL */
	bool is_far;               /* it is behind a NAT of its own */
	const char *call_id;       /* as this party knows it */
	uint32_t cseq_offset;      /* requests of ours that it got besides */
};

/* Where a party of a dialog is to be found; texts belong to the call. */
struct dialog_target {
	const char *uri;           /* of its Contact; NULL: not told */
	const sip_route_t *routes; /* in the order of Route headers */
	bool is_routed;            /* the route set is known */
};

/* The body of the 2xx to an INVITE as it was passed on, for its repeats. */
struct dialog_answer {
	bool is_known;
	bool is_changed; /* else it passes as it is */
	uint32_t cseq;
	int from;   /* enum call_side: who sent the INVITE */
	char *body; /* owned */
	size_t len;
};

/* Between the two parties, known by the callee's tag. */
struct dialog {
	struct list node;                /* in call.dialogs */
	struct call *call;               /* parent, not owned */
	const char *tag;                 /* NULL: the root */
	bool is_confirmed;               /* a 2xx has come */
	bool is_gone;                    /* ended; another one won */
	struct dialog_target targets[2]; /* by enum call_side */
	/* As in a request to that side: for requests of our own. */
	sip_from_t *local[2]; /* who is speaking: the other party */
	sip_to_t *remote[2];
	uint32_t cseq[2]; /* the highest number sent to that side */
	struct session session;
	struct dialog_answer answer;
};

struct leg *leg_other(const struct leg *leg);
/* The Route headers that the Record-Route of a message asks for. */
const sip_route_t *leg_routes(su_home_t *home, const sip_t *sip);
/* What is to be known of its party to tell whether that is so. */
struct farnat_party leg_farnat(const struct leg *leg);
/* The same by its Contact, before it has said where its media is to go. */
void leg_expect(struct leg *leg, const char *uri);
/* Remembers the remote target and, at the first time, the route set that the
 * message of that side's party tells (RFC 3261 12.1, 12.2). */
void leg_learn(struct leg *leg, struct dialog *dialog, const sip_t *sip);
/* From where requests of this side's party may come. */
bool leg_is_flow(const struct leg *leg, const struct flow *from);
/* Its party has come by another connection: it is reached by that one. */
void leg_follow(struct leg *leg, const struct flow *from);
/* Where to send a request of a dialog to. */
void leg_next_hop(const struct leg *leg, const struct dialog *dialog,
		  struct flow *ret);

#endif
