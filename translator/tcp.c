/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a NAT has to know of a TCP session. Pure. */
#include "translator/tcp.h"

#include "translator/packet.h"

#define BOTH 3

void tcp_session_follow(struct tcp_session *session, bool outbound,
			uint8_t flags)
{
	uint8_t direction = outbound ? 1 : 2;

	if (flags & PACKET_RST) {
		session->reset = true;
		return;
	}
	/* The endpoints are used again. */
	if ((flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN &&
	    (session->reset || session->finished == BOTH))
		*session = (struct tcp_session){ 0 };
	session->reset = false;
	if (flags & PACKET_ACK)
		session->acked |= direction;
	if (flags & PACKET_FIN)
		session->finished |= direction;
}

bool tcp_session_is_established(const struct tcp_session *session)
{
	return session->acked == BOTH && session->finished != BOTH &&
	       !session->reset;
}
