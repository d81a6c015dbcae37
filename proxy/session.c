/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media of one dialog. */
#include "proxy/session.h"

#include <string.h>

const struct session_party *session_party(const struct session *session,
					  enum session_side side)
{
	if (session->pending[side].known)
		return &session->pending[side];
	return &session->agreed[side];
}

void session_commit(struct session *session)
{
	for (size_t side = 0; side < 2; side++) {
		if (session->pending[side].known)
			session->agreed[side] = session->pending[side];
		session->pending[side].known = false;
	}
}

void session_rollback(struct session *session)
{
	session->pending[SESSION_CALLER].known = false;
	session->pending[SESSION_CALLEE].known = false;
}

void session_forget(struct session *session)
{
	session_rollback(session);
	session->agreed[SESSION_CALLER].known = false;
	session->agreed[SESSION_CALLEE].known = false;
}

static void mark_party(const struct session_party *party)
{
	if (!party->known)
		return;
	for (size_t i = 0; i < party->media.count; i++) {
		if (party->streams[i].rtp != NULL)
			party->streams[i].rtp->marked = true;
		if (party->streams[i].rtcp != NULL)
			party->streams[i].rtcp->marked = true;
	}
}

void session_mark(const struct session *session)
{
	for (size_t side = 0; side < 2; side++) {
		mark_party(&session->agreed[side]);
		mark_party(&session->pending[side]);
	}
}

bool session_stream_limits(const struct conf *conf, realm_id outer,
			   realm_id far_realm, const struct session_party *far,
			   size_t stream, bool is_rtcp, uint16_t ports,
			   struct grant_limits *ret)
{
	const struct endpoint *rtp = NULL, *rtcp = NULL;
	struct anchor_limits limits;
	struct media_stream own;

	if (!far->known || stream >= far->media.count)
		return false;
	own = far->media.streams[stream];
	if (far->streams[stream].rtp != NULL)
		rtp = &far->streams[stream].rtp->outer;
	if (far->streams[stream].rtcp != NULL)
		rtcp = &far->streams[stream].rtcp->outer;
	if (is_rtcp) {
		/* The lease of a distant a=rtcp meets the other's RTCP. */
		own.addr = own.rtcp_addr;
		own.port = own.rtcp_port;
		if (rtcp != NULL)
			rtp = rtcp;
	}
	if (!anchor_limits(conf, outer, far_realm, &own, rtp, rtcp, ports,
			   &limits))
		return false;
	grant_limits_from(ret, &limits);
	return true;
}

bool session_limits(const struct session *session, const struct conf *conf,
		    const realm_id realms[2], const struct grant *grant,
		    bool known, struct grant_limits *limits)
{
	enum session_side side = (enum session_side)grant->side;
	const struct session_party *own = session_party(session, side);
	const struct session_party *far = session_party(session, !side);
	bool found = false;

	if (!own->known)
		return false;
	for (size_t i = 0; i < own->media.count; i++) {
		bool is_rtcp = own->streams[i].rtcp == grant;
		struct grant_limits more;

		if (!is_rtcp && own->streams[i].rtp != grant)
			continue;
		if (!session_stream_limits(conf, grant->outer.realm,
					   realms[!side], far, i, is_rtcp,
					   grant->ports, &more))
			continue;
		if (known || found)
			grant_limits_unite(limits, &more);
		else
			*limits = more;
		found = true;
	}
	return found;
}
