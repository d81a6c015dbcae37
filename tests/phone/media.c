/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media sockets of the phone, one RTP/RTCP pair a m= line. */
#include "media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rtp.h"
#include "tally.h"
#include "text.h"

enum {
	RTP_INTERVAL_US = 20000,
	RTCP_INTERVAL_US = 500000,
	BURST = 64, /* datagrams read from a socket before others have a turn */
};

struct port {
	struct stream *stream; /* parent, not owned */
	struct event *reading; /* owned, NULL: not open */
	int fd;                /* owned while reading is set */
	bool rtcp;
};

struct pair {
	struct address local; /* of RTP; RTCP is one port above */
	struct port rtp;
	struct port rtcp;
};

struct stream {
	struct media *media; /* parent, not owned */
	struct pair *now;    /* owned */
	struct pair *next;   /* owned, NULL: no move is open */
	struct pair *former; /* owned, may be NULL */
	struct media_far far;
	struct tally rtp;
	struct tally rtcp;
	uint32_t ssrc;
	uint32_t rtp_number;
	uint32_t rtcp_number;
	uint8_t index;
};

struct media {
	struct event_base *base;  /* not owned */
	struct event *rtp_timer;  /* owned */
	struct event *rtcp_timer; /* owned */
	struct stream streams[MEDIA_STREAMS];
	unsigned n_streams;
};

static void receive(const struct port *port, const uint8_t *packet,
		    size_t length, const struct address *from)
{
	struct stream *stream = port->stream;
	struct rtp_mark mark;
	int error = port->rtcp ? rtcp_decode(packet, length, &mark) :
				 rtp_decode(packet, length, &mark);

	if (!error && mark.stream != stream->index)
		error = -EBADMSG;
	tally_add(port->rtcp ? &stream->rtcp : &stream->rtp, from, length,
		  error ? NULL : &mark);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct port *port = arg;
	struct address from;
	uint8_t packet[2048];
	ssize_t length;

	(void)what;
	for (int i = 0; i < BURST; i++) {
		memset(&from, 0, sizeof(from));
		from.length = sizeof(from.v6);
		length = recvfrom(fd, packet, sizeof(packet), 0, &from.sa,
				  &from.length);
		if (length < 0 && errno == ECONNREFUSED)
			continue;
		if (length < 0)
			return;
		receive(port, packet, (size_t)length, &from);
	}
}

static void port_close(struct port *port)
{
	if (!port->reading)
		return;
	event_free(port->reading);
	port->reading = NULL;
	close(port->fd);
}

static int port_open(struct port *port, struct stream *stream,
		     const struct address *local)
{
	int fd = address_bind(local);

	if (fd < 0)
		return fd;
	port->stream = stream;
	port->fd = fd;
	port->reading = event_new(stream->media->base, fd, EV_READ | EV_PERSIST,
				  on_readable, port);
	if (!port->reading || event_add(port->reading, NULL)) {
		if (port->reading)
			event_free(port->reading);
		port->reading = NULL;
		close(fd);
		return -ENOMEM;
	}
	return 0;
}

static void pair_free(struct pair *pair)
{
	if (!pair)
		return;
	port_close(&pair->rtp);
	port_close(&pair->rtcp);
	free(pair);
}

static struct address above(const struct address *rtp)
{
	struct address rtcp = *rtp;

	address_set_port(&rtcp, address_port(rtp) + 1);
	return rtcp;
}

static int pair_new(struct stream *stream, const struct address *local,
		    struct pair **ret_pair)
{
	struct pair *pair = need(sizeof(*pair));
	struct address rtcp = above(local);
	int error;

	pair->local = *local;
	pair->rtcp.rtcp = true;
	error = port_open(&pair->rtp, stream, local);
	if (!error)
		error = port_open(&pair->rtcp, stream, &rtcp);
	if (error) {
		pair_free(pair);
		return error;
	}
	*ret_pair = pair;
	return 0;
}

static bool transmit(const struct port *port, const struct address *to,
		     const uint8_t *packet, size_t length)
{
	return sendto(port->fd, packet, length, 0, &to->sa, to->length) ==
	       (ssize_t)length;
}

static bool send_rtp(struct stream *stream)
{
	struct rtp_mark mark = { stream->ssrc, stream->rtp_number + 1,
				 stream->index };
	uint8_t packet[RTP_PACKET];

	if (!stream->far.send || address_is_void(&stream->far.rtp))
		return false;
	rtp_encode(packet, &mark);
	if (!transmit(&stream->now->rtp, &stream->far.rtp, packet,
		      sizeof(packet)))
		return false;
	stream->rtp_number++;
	stream->rtp.sent++;
	return true;
}

static uint64_t ntp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)(now.tv_sec + 2208988800LL) << 32 |
	       (uint64_t)(((unsigned __int128)now.tv_nsec << 32) / 1000000000);
}

static void send_rtcp(struct stream *stream)
{
	struct rtp_mark mark = { stream->ssrc, stream->rtcp_number + 1,
				 stream->index };
	struct rtcp_counts counts = { ntp_now(), stream->rtp_number,
				      stream->rtp_number * (RTP_PACKET - 12) };
	uint8_t packet[RTCP_PACKET];

	if (address_is_void(&stream->far.rtcp))
		return;
	rtcp_encode(packet, &mark, &counts);
	if (!transmit(&stream->now->rtcp, &stream->far.rtcp, packet,
		      sizeof(packet)))
		return;
	stream->rtcp_number++;
	stream->rtcp.sent++;
}

static void on_rtp_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	media_once(arg);
}

static void on_rtcp_timer(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < media->n_streams; i++)
		send_rtcp(&media->streams[i]);
}

struct media *media_new(struct event_base *base, const char *aor,
			const struct address *local, unsigned n_streams)
{
	struct media *media = need(sizeof(*media));
	int error = 0;

	media->base = base;
	media->rtp_timer = event_new(base, -1, EV_PERSIST, on_rtp_timer, media);
	media->rtcp_timer = event_new(base, -1, EV_PERSIST, on_rtcp_timer,
				      media);
	if (!media->rtp_timer || !media->rtcp_timer)
		error = -ENOMEM;
	for (unsigned i = 0; i < n_streams && !error; i++) {
		struct stream *stream = &media->streams[i];

		stream->media = media;
		stream->index = (uint8_t)i;
		stream->ssrc = rtp_ssrc(aor, stream->index);
		error = pair_new(stream, &local[i], &stream->now);
		media->n_streams++;
	}
	if (error) {
		media_free(media);
		errno = -error;
		return NULL;
	}
	return media;
}

void media_free(struct media *media)
{
	if (!media)
		return;
	if (media->rtp_timer)
		event_free(media->rtp_timer);
	if (media->rtcp_timer)
		event_free(media->rtcp_timer);
	for (unsigned i = 0; i < media->n_streams; i++) {
		struct stream *stream = &media->streams[i];

		pair_free(stream->now);
		pair_free(stream->next);
		pair_free(stream->former);
		tally_done(&stream->rtp);
		tally_done(&stream->rtcp);
	}
	free(media);
}

unsigned media_count(const struct media *media)
{
	return media->n_streams;
}

const struct address *media_local(const struct media *media, unsigned stream)
{
	const struct stream *s = &media->streams[stream];

	return s->next ? &s->next->local : &s->now->local;
}

void media_reset(struct media *media)
{
	media_stop(media);
	media_settle(media, false);
	for (unsigned i = 0; i < media->n_streams; i++) {
		struct stream *stream = &media->streams[i];

		tally_done(&stream->rtp);
		tally_done(&stream->rtcp);
		memset(&stream->far, 0, sizeof(stream->far));
		stream->rtp_number = 0;
		stream->rtcp_number = 0;
	}
}

void media_set_far(struct media *media, unsigned stream,
		   const struct media_far *far)
{
	media->streams[stream].far = *far;
}

void media_start(struct media *media)
{
	struct timeval rtp = { 0, RTP_INTERVAL_US };
	struct timeval rtcp = { 0, RTCP_INTERVAL_US };

	if (event_pending(media->rtp_timer, EV_TIMEOUT, NULL))
		return;
	event_add(media->rtp_timer, &rtp);
	event_add(media->rtcp_timer, &rtcp);
}

void media_stop(struct media *media)
{
	event_del(media->rtp_timer);
	event_del(media->rtcp_timer);
}

unsigned media_once(struct media *media)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < media->n_streams; i++) {
		if (send_rtp(&media->streams[i]))
			sent++;
	}
	return sent;
}

int media_move(struct media *media, unsigned stream,
	       const struct address *local)
{
	struct stream *s = &media->streams[stream];

	if (s->next)
		return -EBUSY;
	if (address_is_equal(&s->now->local, local))
		return 0;
	if (s->former && address_is_equal(&s->former->local, local)) {
		s->next = s->former;
		s->former = NULL;
		return 0;
	}
	return pair_new(s, local, &s->next);
}

void media_settle(struct media *media, bool accepted)
{
	for (unsigned i = 0; i < media->n_streams; i++) {
		struct stream *stream = &media->streams[i];

		if (!stream->next)
			continue;
		if (accepted) {
			pair_free(stream->former);
			stream->former = stream->now;
			stream->now = stream->next;
		} else {
			pair_free(stream->next);
		}
		stream->next = NULL;
	}
}

json_t *media_stats(const struct media *media)
{
	json_t *list = json_array();
	char local[ADDRESS_TEXT], remote[ADDRESS_TEXT], ssrc[16];

	for (unsigned i = 0; i < media->n_streams; i++) {
		const struct stream *stream = &media->streams[i];

		address_format(&stream->now->local, local);
		address_format(&stream->far.rtp, remote);
		snprintf(ssrc, sizeof(ssrc), "%08x", (unsigned)stream->ssrc);
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:o,s:o}", "local", local,
					"remote", remote, "ssrc", ssrc, "rtp",
					tally_json(&stream->rtp), "rtcp",
					tally_json(&stream->rtcp)));
	}
	return json_pack("{s:o}", "streams", list);
}
