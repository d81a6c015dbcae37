/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session description (SDP): made for our streams, read from the far side.
 */
#include "description.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum direction { SENDRECV, SENDONLY, RECVONLY, INACTIVE };

struct line {
	char kind[16];     /* "audio" */
	char protocol[32]; /* "RTP/AVP" */
	char formats[128];
	struct address rtp; /* none: not a numeric address */
	struct address rtcp;
	enum direction direction;
	unsigned port;
	unsigned rtcp_port;
};

struct description {
	struct line lines[2 * MEDIA_STREAMS];
	unsigned n_lines;
	struct address connection; /* of the session */
	enum direction direction;
};

static const char *const direction_names[] = {
	[SENDRECV] = "sendrecv",
	[SENDONLY] = "sendonly",
	[RECVONLY] = "recvonly",
	[INACTIVE] = "inactive",
};

static void read_connection(const char *text, struct address *ret_address)
{
	char host[ADDRESS_TEXT] = "";

	if (sscanf(text, "IN IP%*1[46] %63[^/ \r\n]", host) == 1)
		address_from_host(host, 0, ret_address);
}

static void read_rtcp(const char *text, struct line *line)
{
	char host[ADDRESS_TEXT] = "";
	unsigned port = 0;

	if (sscanf(text, "%u IN IP%*1[46] %63[^/ \r\n]", &port, host) == 2)
		address_from_host(host, 0, &line->rtcp);
	if (port < 65536)
		line->rtcp_port = port;
}

static void read_media(const char *text, struct description *ret)
{
	struct line *line = &ret->lines[ret->n_lines];

	memset(line, 0, sizeof(*line));
	if (sscanf(text, "%15s %u%*[/0-9] %31s %127[^\r\n]", line->kind,
		   &line->port, line->protocol, line->formats) < 4 &&
	    sscanf(text, "%15s %u %31s %127[^\r\n]", line->kind, &line->port,
		   line->protocol, line->formats) < 4)
		return;
	if (line->port > 65535)
		return;
	line->direction = ret->direction;
	ret->n_lines++;
}

static void read_attribute(const char *text, struct description *ret,
			   struct line *line)
{
	size_t length = strcspn(text, "\r\n");

	for (int i = SENDRECV; i <= INACTIVE; i++) {
		if (strlen(direction_names[i]) != length ||
		    strncmp(text, direction_names[i], length) != 0)
			continue;
		if (line)
			line->direction = (enum direction)i;
		else
			ret->direction = (enum direction)i;
	}
	if (line && !strncmp(text, "rtcp:", 5))
		read_rtcp(text + 5, line);
}

static void read_line(const char *text, struct description *ret)
{
	struct line *line = ret->n_lines ? &ret->lines[ret->n_lines - 1] : NULL;

	if (!strncmp(text, "m=", 2) && ret->n_lines < 2 * MEDIA_STREAMS)
		read_media(text + 2, ret);
	else if (!strncmp(text, "a=", 2))
		read_attribute(text + 2, ret, line);
	else if (!strncmp(text, "c=", 2) && !line)
		read_connection(text + 2, &ret->connection);
	else if (!strncmp(text, "c=", 2) && line)
		read_connection(text + 2, &line->rtp);
}

/* RTP at the line's or the session's address, RTCP where a=rtcp says or one
 * port above (RFC 3605). */
static void complete(struct line *line, const struct description *description)
{
	if (!line->rtp.length)
		line->rtp = description->connection;
	if (!line->rtp.length)
		return;
	if (!line->rtcp.length)
		line->rtcp = line->rtp;
	if (!line->rtcp_port && line->port)
		line->rtcp_port = line->port + 1;
	address_set_port(&line->rtp, line->port);
	address_set_port(&line->rtcp, line->rtcp_port & 0xffff);
}

static int read_description(const char *text, struct description *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (*text) {
		read_line(text, ret);
		text += strcspn(text, "\n");
		if (*text)
			text++;
	}
	for (unsigned i = 0; i < ret->n_lines; i++)
		complete(&ret->lines[i], ret);
	return ret->n_lines ? 0 : -EBADMSG;
}

static const char *family(const struct address *address)
{
	return address_is_v6(address) ? "IP6" : "IP4";
}

static void add_head(struct text *text, const struct media *media,
		     const struct description_origin *origin)
{
	const struct address *first = media_local(media, 0);
	char host[ADDRESS_TEXT];

	address_host(first, host);
	text_add(text,
		 "v=0\r\no=%s %u %u IN %s %s\r\ns=-\r\nc=IN %s %s\r\n"
		 "t=0 0\r\n",
		 origin->user, origin->id, origin->version, family(first), host,
		 family(first), host);
}

static void add_stream(struct text *text, const struct media *media,
		       unsigned stream, enum direction direction)
{
	const struct address *local = media_local(media, stream);
	char host[ADDRESS_TEXT], first[ADDRESS_TEXT];

	address_host(local, host);
	address_host(media_local(media, 0), first);
	text_add(text, "m=audio %u RTP/AVP 0\r\n", address_port(local));
	if (strcmp(host, first) != 0)
		text_add(text, "c=IN %s %s\r\n", family(local), host);
	text_add(text, "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n");
	text_add(text, "a=rtcp:%u IN %s %s\r\na=%s\r\n",
		 address_port(local) + 1, family(local), host,
		 direction_names[direction]);
}

char *description_offer(const struct media *media,
			const struct description_origin *origin)
{
	struct text text = TEXT_EMPTY;

	if (!media_count(media))
		return NULL;
	add_head(&text, media, origin);
	for (unsigned i = 0; i < media_count(media); i++)
		add_stream(&text, media, i, origin->hold ? SENDONLY : SENDRECV);
	return text_take(&text);
}

static bool fits(const struct line *line)
{
	const char *format = line->formats;

	if (!line->port || strcmp(line->protocol, "RTP/AVP") != 0)
		return false;
	while (*format) {
		if (format[0] == '0' && (format[1] == ' ' || !format[1]))
			return true;
		format += strcspn(format, " ");
		format += strspn(format, " ");
	}
	return false;
}

/* Which direction answers an offered one (RFC 3264 section 6.1). */
static enum direction mirror(enum direction offered, bool hold)
{
	switch (offered) {
	case SENDRECV:
		return hold ? SENDONLY : SENDRECV;
	case SENDONLY:
		return hold ? INACTIVE : RECVONLY;
	case RECVONLY:
		return SENDONLY;
	case INACTIVE:
		break;
	}
	return INACTIVE;
}

char *description_answer(const struct media *media,
			 const struct description_origin *origin,
			 const char *offer)
{
	struct text text = TEXT_EMPTY;
	struct description far;
	unsigned accepted = 0;

	if (!media_count(media) || read_description(offer, &far))
		return NULL;
	add_head(&text, media, origin);
	for (unsigned i = 0; i < far.n_lines; i++) {
		const struct line *line = &far.lines[i];

		if (i < media_count(media) && fits(line)) {
			add_stream(&text, media, i,
				   mirror(line->direction, origin->hold));
			accepted++;
		} else {
			text_add(&text, "m=%s 0 %s %s\r\n", line->kind,
				 line->protocol, line->formats);
		}
	}
	if (!accepted) {
		text_done(&text);
		return NULL;
	}
	return text_take(&text);
}

int description_apply(struct media *media, const char *text)
{
	struct description far;
	int error = read_description(text, &far);

	if (error)
		return error;
	for (unsigned i = 0; i < media_count(media); i++) {
		struct media_far stream = { .send = false };

		if (i < far.n_lines && far.lines[i].port) {
			stream.rtp = far.lines[i].rtp;
			stream.rtcp = far.lines[i].rtcp;
			stream.send = far.lines[i].direction == SENDRECV ||
				      far.lines[i].direction == RECVONLY;
		}
		media_set_far(media, i, &stream);
	}
	return 0;
}
