/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a NAT has to know of a TCP session: whether it is established, from the
 * flags that passed (RFC 5382, RFC 7857 section 2). Sequence numbers are not
 * looked at, so a reset is believed until something else passes. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_TCP_H
#define VIADUCT_TRANSLATOR_TCP_H

#include <stdbool.h>
#include <stdint.h>

/* Idle seconds that a session is kept for while it opens or closes, at most
 * (RFC 5382 REQ-5). */
#define TCP_TRANSITORY 240

/* An initialiser of { 0 } is one of which nothing has been seen. */
struct tcp_session {
	uint8_t acked;    /* bit per direction: an ACK passed */
	uint8_t finished; /* likewise, a FIN */
	bool reset;
};

/* A segment passes, towards the outer realm or from it. `flags`: packet.h. */
void tcp_session_follow(struct tcp_session *session, bool outbound,
			uint8_t flags);
/*
 * Both sides have acknowledged something of each other, and have not both
 * finished; also one that was under way when it was first seen.
 */
bool tcp_session_is_established(const struct tcp_session *session);

#endif
