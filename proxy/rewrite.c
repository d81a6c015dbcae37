/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a message with the endpoints that its receiver is to see. */
#include "proxy/rewrite.h"

#include <errno.h>
#include <stdlib.h>

static bool is_shown(struct rewrite *rewrite, const struct ip_addr *addr)
{
	return addr->family == IP_NONE || ip_addr_is_any(addr) ||
	       hide_shown_in_view(addr, &rewrite->view);
}

/* Its streams are where its signalling comes from, not where it says. */
static bool is_moved(const struct session_party *party)
{
	return party != NULL && party->media.count > 0 &&
	       party->media.streams[0].far_nat;
}

/* What belongs to no stream that is mapped: o=, refused streams, c=. */
static void hide_others(struct rewrite *rewrite,
			const struct session_party *party,
			struct media_change *change)
{
	const struct media *media = rewrite->media;

	if (!is_shown(rewrite, &media->session))
		change->other = rewrite->own;
	for (size_t i = 0; i < media->count; i++) {
		const struct media_stream *stream = &media->streams[i];

		/* On hold, a stream may still name where its RTCP goes. */
		if ((stream->refused || stream->hold) &&
		    (!is_shown(rewrite, &stream->addr) ||
		     !is_shown(rewrite, &stream->rtcp_addr)))
			change->other = rewrite->own;
	}
	if (is_shown(rewrite, &media->origin) && !is_moved(party))
		return;
	change->origin = rewrite->own;
	for (size_t i = 0; party != NULL && i < media->count; i++) {
		if (party->streams[i].rtp == NULL)
			continue;
		change->origin = party->streams[i].rtp->outer.addr;
		return;
	}
	if (is_moved(party))
		change->origin = party->media.streams[0].addr;
}

static void map_streams(const struct session_party *party,
			struct media_change *change)
{
	for (size_t i = 0; i < party->media.count; i++) {
		const struct grant *rtp = party->streams[i].rtp;
		const struct grant *rtcp = party->streams[i].rtcp;

		/* What is kept for a stream on hold is not told. */
		if (party->media.streams[i].hold)
			continue;
		if (party->media.streams[i].far_nat) {
			change->streams[i].addr = party->media.streams[i].addr;
			change->streams[i].port = party->media.streams[i].port;
		}
		if (rtp != NULL) {
			change->streams[i].addr = rtp->outer.addr;
			change->streams[i].port = rtp->outer.port;
		}
		if (rtcp != NULL) {
			change->streams[i].rtcp_addr = rtcp->outer.addr;
			change->streams[i].rtcp_port = rtcp->outer.port;
		}
	}
}

static void hide_streams(struct rewrite *rewrite, struct media_change *change)
{
	for (size_t i = 0; i < rewrite->media->count; i++) {
		const struct media_stream *stream = &rewrite->media->streams[i];

		if (!is_shown(rewrite, &stream->addr) ||
		    !is_shown(rewrite, &stream->rtcp_addr))
			change->streams[i].addr = rewrite->own;
	}
}

int rewrite_body(struct rewrite *rewrite, const struct session_party *party,
		 char **ret, size_t *ret_len)
{
	const struct media_span *sdp = &rewrite->part->sdp;
	struct media_change change;
	char *text;
	size_t len;
	int error;

	media_change_init(&change);
	change.strip = true;
	hide_others(rewrite, party, &change);
	if (party != NULL)
		map_streams(party, &change);
	else
		hide_streams(rewrite, &change);
	if (media_write(rewrite->media, rewrite->body + sdp->at, sdp->len,
			&change, &text, &len) < 0)
		return -ENOMEM;
	error = mime_write(rewrite->part, rewrite->body, rewrite->len, text,
			   len, ret, ret_len);
	free(text);
	return error;
}
