/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The media of one dialog: what each party wants to be sent to, the leases
 * that stand for it, and what is offered and not yet agreed.
 */
#ifndef VIADUCT_PROXY_SESSION_H
#define VIADUCT_PROXY_SESSION_H

#include "proxy/anchor.h"
#include "proxy/grant.h"
#include "proxy/offer.h"

enum session_side {
	SESSION_CALLER = OFFER_CALLER,
	SESSION_CALLEE = OFFER_CALLEE
};

/* A party's SDP as last read, with the leases of its streams. */
struct session_party {
	bool known;
	struct media media;
	struct {
		struct grant *rtp;  /* of the call's grants; NULL: none */
		struct grant *rtcp; /* of a distant a=rtcp; NULL: none */
	} streams[MEDIA_STREAMS_MAX];
};

struct session {
	struct offer offer;
	struct session_party agreed[2];  /* by enum session_side */
	struct session_party pending[2]; /* the open offer, its preview */
};

/* What holds now: the pending one where there is one. */
const struct session_party *session_party(const struct session *session,
					  enum session_side side);
/* An offer was answered: what is pending is agreed. */
void session_commit(struct session *session);
/* An offer came to nothing: what is pending is forgotten. */
void session_rollback(struct session *session);
/* Uses no grant any more. */
void session_forget(struct session *session);
/* Marks every grant that the session uses. */
void session_mark(const struct session *session);
/*
 * Adds to `limits` what this session knows of who may send into the grant;
 * false: nothing. `realms` are those of the two parties; *known: `limits`
 * holds something already.
 */
bool session_limits(const struct session *session, const struct conf *conf,
		    const realm_id realms[2], const struct grant *grant,
		    bool known, struct grant_limits *limits);
/* The leases of the other party's stream, for limits: NULL where none. */
bool session_stream_limits(const struct conf *conf, realm_id outer,
			   realm_id far_realm, const struct session_party *far,
			   size_t stream, bool is_rtcp, uint16_t ports,
			   struct grant_limits *ret);

#endif
