/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP text to the media endpoints it names. Pure. */
#include "config.h"

#include "proxy/media.h"

#include <errno.h>
#include <string.h>

#include "proxy/text.h"

/* What is known while the lines go by. */
struct reader {
	const char *body;
	struct media *media;
	struct media_stream *stream;    /* NULL before the first m= */
	enum media_direction direction; /* of the session */
	bool has_origin;
	struct media_error *error;
};

static int refuse(struct reader *reader, int status, const char *text)
{
	reader->error->status = status;
	reader->error->text = text;
	return -EINVAL;
}

static struct media_span span_of(const struct reader *reader,
				 struct text_word word)
{
	return (struct media_span){
		.at = (uint32_t)(word.text - reader->body),
		.len = (uint32_t)word.len,
	};
}

/* "IN IP4 ADDRESS" where an address is sent to; *ret_word: "IP4 ADDRESS". */
static int read_address(struct reader *reader, struct text_word rest,
			struct ip_addr *ret, struct text_word *ret_word)
{
	struct text_word net, type, address, more;
	const char *slash;

	if (!text_word(&rest, &net) || !text_word(&rest, &type) ||
	    !text_word(&rest, &address) || text_word(&rest, &more))
		return refuse(reader, 400, "malformed address in SDP");
	if (!text_word_is_case(net, "IN") || (!text_word_is_case(type, "IP4") &&
					      !text_word_is_case(type, "IP6")))
		return refuse(reader, 488, "address family not served");
	slash = memchr(address.text, '/', address.len);
	if (slash)
		address.len = (size_t)(slash - address.text);
	if (ip_addr_parse(address.text, address.len, ret) ||
	    (ret->family == IP_V6) != text_word_is_case(type, "IP6"))
		return refuse(reader, 488, "host name in SDP");
	*ret_word = type;
	ret_word->len = (size_t)(address.text + address.len - type.text);
	return 0;
}

static int read_conn(struct reader *reader, struct text_word value)
{
	struct media_stream *stream = reader->stream;
	struct media_span *span = stream ? &stream->conn :
					   &reader->media->session_conn;
	struct text_word word;
	int r;

	if (span->len)
		return refuse(reader, 488, "more than one c= in a section");
	r = read_address(reader, value,
			 stream ? &stream->addr : &reader->media->session,
			 &word);
	if (r == 0)
		*span = span_of(reader, word);
	return r;
}

/* The last words are "IN IP4 ADDRESS", whatever comes before them. */
static int read_origin(struct reader *reader, struct text_word value)
{
	struct text_word type = { 0 }, address = { 0 }, word;
	struct media *media = reader->media;

	if (reader->has_origin)
		return refuse(reader, 400, "more than one o=");
	reader->has_origin = true;
	while (text_word(&value, &word)) {
		type = address;
		address = word;
	}
	if (address.len)
		(void)ip_addr_parse(address.text, address.len, &media->origin);
	if (text_word_is_case(type, "IP4") || text_word_is_case(type, "IP6")) {
		media->origin_addr = span_of(reader, type);
		media->origin_addr.len = (uint32_t)(address.text + address.len -
						    type.text);
	} else if (media->origin.family != IP_NONE) {
		media->origin_addr = span_of(reader, address);
	}
	return 0;
}

static bool has_component(struct text_word transport, const char *name)
{
	while (transport.len) {
		const char *slash = memchr(transport.text, '/', transport.len);
		struct text_word part = transport;

		if (slash)
			part.len = (size_t)(slash - transport.text);
		if (text_word_is_case(part, name))
			return true;
		if (!slash)
			return false;
		transport.text += part.len + 1;
		transport.len -= part.len + 1;
	}
	return false;
}

static enum media_protocol protocol_of(struct text_word transport)
{
	if (has_component(transport, "TCP"))
		return MEDIA_TCP;
	if (has_component(transport, "RTP"))
		return MEDIA_RTP;
	if (has_component(transport, "UDP") ||
	    has_component(transport, "UDPTL") ||
	    has_component(transport, "DTLS"))
		return MEDIA_UDP;
	return MEDIA_OTHER;
}

/* "PORT" or "PORT/n" */
static int read_ports(struct reader *reader, struct text_word word)
{
	struct media_stream *stream = reader->stream;
	struct text_word port = word, many;
	const char *slash = memchr(word.text, '/', word.len);
	unsigned long number, count = 1;

	if (slash) {
		port.len = (size_t)(slash - word.text);
		many.text = slash + 1;
		many.len = word.len - port.len - 1;
		if (text_word_number(many, UINT16_MAX, &count) || count == 0)
			return refuse(reader, 400, "malformed m= line");
		if (count > MEDIA_PORTS_MAX)
			return refuse(reader, 488,
				      "too many ports in a stream");
	}
	if (text_word_number(port, UINT16_MAX, &number))
		return refuse(reader, 400, "malformed port in m=");
	stream->port = (uint16_t)number;
	stream->count = (uint16_t)count;
	stream->refused = number == 0;
	stream->ports = span_of(reader, port);
	return 0;
}

static int read_stream(struct reader *reader, size_t at, struct text_word value)
{
	struct media *media = reader->media;
	struct media_stream *stream;
	struct text_word kind, ports, transport;

	if (media->count == MEDIA_STREAMS_MAX)
		return refuse(reader, 488, "too many media streams");
	stream = &media->streams[media->count++];
	reader->stream = stream;
	stream->section.at = (uint32_t)at;
	stream->direction = reader->direction;
	if (!text_word(&value, &kind) || !text_word(&value, &ports) ||
	    !text_word(&value, &transport))
		return refuse(reader, 400, "malformed m= line");
	stream->kind = span_of(reader, kind);
	stream->transport = span_of(reader, transport);
	stream->protocol = protocol_of(transport);
	return read_ports(reader, ports);
}

/* "PORT" or "PORT IN IP4 ADDRESS" (RFC 3605). */
static int read_rtcp(struct reader *reader, struct text_word value)
{
	struct media_stream *stream = reader->stream;
	struct text_word whole = text_trim(value), rest = value, port, address;
	unsigned long number;
	int r = 0;

	if (stream->rtcp_given)
		return refuse(reader, 488, "more than one a=rtcp in a stream");
	if (!text_word(&rest, &port) ||
	    text_word_number(port, UINT16_MAX, &number) || number == 0)
		return refuse(reader, 400, "malformed a=rtcp");
	stream->rtcp_has_addr = text_trim(rest).len > 0;
	if (stream->rtcp_has_addr)
		r = read_address(reader, rest, &stream->rtcp_addr, &address);
	if (r)
		return r;
	stream->rtcp_given = true;
	stream->rtcp_port = (uint16_t)number;
	stream->rtcp = span_of(reader, whole);
	return 0;
}

static bool read_direction(struct text_word value, enum media_direction *ret)
{
	static const char *const names[] = {
		[MEDIA_SENDRECV] = "sendrecv",
		[MEDIA_SENDONLY] = "sendonly",
		[MEDIA_RECVONLY] = "recvonly",
		[MEDIA_INACTIVE] = "inactive",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_word_is(value, names[i])) {
			*ret = (enum media_direction)i;
			return true;
		}
	}
	return false;
}

static int read_attribute(struct reader *reader, struct text_word value)
{
	struct text_word trimmed = text_trim(value);

	if (read_direction(trimmed, reader->stream ?
					    &reader->stream->direction :
					    &reader->direction))
		return 0;
	if (!reader->stream)
		return 0;
	if (text_word_is_case(trimmed, "rtcp-mux"))
		reader->stream->rtcp_mux = true;
	if (!text_word_starts_case(value, "rtcp:"))
		return 0;
	value.text += strlen("rtcp:");
	value.len -= strlen("rtcp:");
	return read_rtcp(reader, value);
}

static int read_line(struct reader *reader, const struct text_line *line)
{
	const char *text = reader->body + line->at;
	struct text_word value = { text + 2, line->len - 2 };

	if (line->len == 0)
		return 0;
	if (line->len < 2 || text[1] != '=')
		return refuse(reader, 400, "malformed line in SDP");
	switch (text[0]) {
	case 'o':
		return read_origin(reader, value);
	case 'c':
		return read_conn(reader, value);
	case 'm':
		return read_stream(reader, line->at, value);
	case 'a':
		return read_attribute(reader, value);
	default:
		return 0;
	}
}

/* What follows from lines that may stand after the stream's. */
static int complete_stream(struct reader *reader, struct media_stream *stream)
{
	if (!stream->conn.len)
		stream->addr = reader->media->session;
	if (!stream->rtcp_has_addr)
		stream->rtcp_addr = stream->addr;
	if (stream->refused)
		return 0;
	if (stream->addr.family == IP_NONE)
		return refuse(reader, 400, "a stream without c=");
	stream->hold = ip_addr_is_any(&stream->addr);
	if (stream->protocol == MEDIA_TCP)
		return refuse(reader, 488, "media over TCP not served");
	if (stream->protocol == MEDIA_OTHER)
		return refuse(reader, 488, "media transport not served");
	if (stream->protocol == MEDIA_UDP) {
		if (stream->port + stream->count - 1 > UINT16_MAX)
			return refuse(reader, 488, "no port for the stream");
		return 0;
	}
	if (stream->port + 2 * stream->count - 1 > UINT16_MAX)
		return refuse(reader, 488, "no port for RTCP");
	if (!stream->rtcp_given)
		stream->rtcp_port = (uint16_t)(stream->port + 1);
	return 0;
}

static int complete(struct reader *reader, size_t len)
{
	struct media *media = reader->media;

	media->streams_at = (uint32_t)len;
	for (size_t i = media->count; i-- > 0;) {
		struct media_span *section = &media->streams[i].section;

		section->len = media->streams_at - section->at;
		media->streams_at = section->at;
	}
	for (size_t i = 0; i < media->count; i++) {
		int r = complete_stream(reader, &media->streams[i]);

		if (r)
			return r;
	}
	return 0;
}

/* Two readers must not see different lines in one text. */
static int check_bytes(struct reader *reader, size_t len)
{
	const char *body = reader->body;

	if (len > MEDIA_BODY_MAX)
		return refuse(reader, 488, "SDP too long");
	for (size_t i = 0; i < len; i++) {
		if (body[i] == '\0')
			return refuse(reader, 400, "NUL in SDP");
		if (body[i] == '\r' && (i + 1 == len || body[i + 1] != '\n'))
			return refuse(reader, 400, "bare CR in SDP");
	}
	return 0;
}

int media_read(const char *body, size_t len, struct media *ret,
	       struct media_error *ret_error)
{
	struct media media = { 0 };
	struct reader reader = {
		.body = body,
		.media = &media,
		.direction = MEDIA_SENDRECV,
		.error = ret_error,
	};
	struct text_line line = { 0 };
	int r = check_bytes(&reader, len);

	while (r == 0 && text_line(body, len, line.next, &line))
		r = read_line(&reader, &line);
	if (r == 0)
		r = complete(&reader, len);
	if (r)
		return r;
	*ret = media;
	return 0;
}
