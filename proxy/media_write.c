/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New endpoints into the text of an SDP, all else byte for byte. Pure. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proxy/media.h"
#include "proxy/text.h"

#define RTCP_TEXT (sizeof("65535 IN IP4 ") + IP_ADDR_TEXT)

/* What a stream's endpoints are once the change is made. */
struct target {
	struct ip_addr addr;
	uint16_t port;
	struct ip_addr rtcp_addr;
	uint16_t rtcp_port;
	bool add_conn;
	bool add_rtcp;
};

struct writer {
	const struct media *media;
	const struct media_change *change;
	const char *body;
	size_t len;
	struct ip_addr session;
	struct target targets[MEDIA_STREAMS_MAX];
	const char *line_end; /* as the body's first line has it */
	struct text out;
};

void media_change_init(struct media_change *change)
{
	memset(change, 0, sizeof(*change));
}

static struct ip_addr either(struct ip_addr first, struct ip_addr second)
{
	return first.family == IP_NONE ? second : first;
}

static struct ip_addr target_addr(const struct writer *writer, size_t i)
{
	const struct media_stream *stream = &writer->media->streams[i];
	struct ip_addr addr = writer->change->streams[i].addr;

	if (stream->hold || ip_addr_is_any(&stream->addr))
		return stream->addr;
	if (stream->refused)
		addr = either(addr, writer->change->other);
	return either(addr, stream->addr);
}

/* The RTCP address may be a real one although the stream is on hold. */
static struct ip_addr target_rtcp_addr(const struct writer *writer, size_t i)
{
	const struct media_stream *stream = &writer->media->streams[i];
	const struct media_stream_change *change = &writer->change->streams[i];
	struct ip_addr addr = either(change->rtcp_addr, change->addr);

	if (ip_addr_is_any(&stream->rtcp_addr))
		return stream->rtcp_addr;
	if (stream->hold || stream->refused)
		addr = either(addr, writer->change->other);
	return either(addr, stream->rtcp_addr);
}

static uint16_t target_rtcp_port(const struct media_stream *stream,
				 const struct media_stream_change *change)
{
	if (change->rtcp_port)
		return change->rtcp_port;
	if (change->port == 0 || stream->refused)
		return stream->rtcp_port;
	if (stream->rtcp_port == stream->port)
		return change->port;
	return (uint16_t)(change->port + 1);
}

/* What the session-level c= becomes: right for as many streams as it can. */
static struct ip_addr target_session(const struct writer *writer)
{
	const struct media *media = writer->media;
	struct ip_addr addr = writer->change->other;

	if (media->session.family == IP_NONE || ip_addr_is_any(&media->session))
		return media->session;
	for (size_t i = media->count; i-- > 0;) {
		if (!media->streams[i].conn.len && media->streams[i].refused)
			addr = writer->targets[i].addr;
	}
	for (size_t i = media->count; i-- > 0;) {
		if (!media->streams[i].conn.len && !media->streams[i].refused)
			addr = writer->targets[i].addr;
	}
	return either(addr, media->session);
}

static void plan(struct writer *writer)
{
	const struct media *media = writer->media;

	for (size_t i = 0; i < media->count; i++) {
		const struct media_stream *stream = &media->streams[i];
		const struct media_stream_change *change =
			&writer->change->streams[i];
		struct target *target = &writer->targets[i];

		target->addr = target_addr(writer, i);
		target->port = stream->refused || !change->port ? stream->port :
								  change->port;
		target->rtcp_addr = target_rtcp_addr(writer, i);
		target->rtcp_port = target_rtcp_port(stream, change);
		target->add_rtcp =
			stream->protocol == MEDIA_RTP && !stream->refused &&
			!stream->rtcp_given &&
			(target->rtcp_port != (uint16_t)(target->port + 1) ||
			 !ip_addr_equal(&target->rtcp_addr, &target->addr));
	}
	writer->session = target_session(writer);
	for (size_t i = 0; i < media->count; i++) {
		const struct media_stream *stream = &media->streams[i];

		writer->targets[i].add_conn =
			!stream->refused && !stream->conn.len &&
			!ip_addr_equal(&writer->targets[i].addr,
				       &writer->session);
	}
}

static const char *type_of(const struct ip_addr *addr)
{
	return addr->family == IP_V6 ? "IP6" : "IP4";
}

static void format_rtcp(const struct target *target, bool with_addr,
			char buf[RTCP_TEXT])
{
	char addr[IP_ADDR_TEXT];

	if (with_addr || !ip_addr_equal(&target->rtcp_addr, &target->addr))
		snprintf(buf, RTCP_TEXT, "%u IN %s %s",
			 (unsigned)target->rtcp_port,
			 type_of(&target->rtcp_addr),
			 ip_addr_format(&target->rtcp_addr, addr));
	else
		snprintf(buf, RTCP_TEXT, "%u", (unsigned)target->rtcp_port);
}

static bool has_span(const struct text_line *line, struct media_span span)
{
	return span.len && span.at >= line->at && span.at < line->next;
}

/* The line with the bytes of the span replaced. */
static void write_replaced(struct writer *writer, const struct text_line *line,
			   struct media_span span, const char *text)
{
	size_t behind = span.at + span.len;

	text_add(&writer->out, writer->body + line->at, span.at - line->at);
	text_add_string(&writer->out, text);
	text_add(&writer->out, writer->body + behind, line->next - behind);
}

static void write_address(struct writer *writer, const struct text_line *line,
			  struct media_span span, const struct ip_addr *old,
			  const struct ip_addr *new)
{
	char text[sizeof("IP4 ") + IP_ADDR_TEXT], addr[IP_ADDR_TEXT];

	if (ip_addr_equal(old, new)) {
		text_add(&writer->out, writer->body + line->at,
			 line->next - line->at);
		return;
	}
	snprintf(text, sizeof(text), "%s %s", type_of(new),
		 ip_addr_format(new, addr));
	write_replaced(writer, line, span, text);
}

static void write_origin(struct writer *writer, const struct text_line *line)
{
	const struct media *media = writer->media;
	const char *old = writer->body + media->origin_addr.at;
	char text[sizeof("IP4 ") + IP_ADDR_TEXT], addr[IP_ADDR_TEXT];

	/* The type stands in the span, unless the line had none. */
	ip_addr_format(&writer->change->origin, addr);
	if (old[0] == 'I' || old[0] == 'i')
		snprintf(text, sizeof(text), "%s %s",
			 type_of(&writer->change->origin), addr);
	else
		snprintf(text, sizeof(text), "%s", addr);
	write_replaced(writer, line, media->origin_addr, text);
}

static bool origin_changes(const struct writer *writer)
{
	const struct ip_addr *origin = &writer->change->origin;

	return origin->family != IP_NONE &&
	       !ip_addr_equal(origin, &writer->media->origin);
}

static void write_stream_line(struct writer *writer,
			      const struct text_line *line, size_t i)
{
	const struct media_stream *stream = &writer->media->streams[i];
	const struct target *target = &writer->targets[i];
	char text[RTCP_TEXT];

	if (has_span(line, stream->conn)) {
		write_address(writer, line, stream->conn, &stream->addr,
			      &target->addr);
	} else if (has_span(line, stream->ports) &&
		   target->port != stream->port) {
		snprintf(text, sizeof(text), "%u", (unsigned)target->port);
		write_replaced(writer, line, stream->ports, text);
	} else if (has_span(line, stream->rtcp) &&
		   (target->rtcp_port != stream->rtcp_port ||
		    !ip_addr_equal(&target->rtcp_addr,
				   stream->rtcp_has_addr ? &stream->rtcp_addr :
							   &target->addr))) {
		format_rtcp(target, stream->rtcp_has_addr, text);
		write_replaced(writer, line, stream->rtcp, text);
	} else {
		text_add(&writer->out, writer->body + line->at,
			 line->next - line->at);
	}
}

static void write_line(struct writer *writer, const struct text_line *line,
		       size_t section)
{
	const struct media *media = writer->media;

	if (has_span(line, media->origin_addr) && origin_changes(writer))
		write_origin(writer, line);
	else if (has_span(line, media->session_conn))
		write_address(writer, line, media->session_conn,
			      &media->session, &writer->session);
	else if (section > 0)
		write_stream_line(writer, line, section - 1);
	else
		text_add(&writer->out, writer->body + line->at,
			 line->next - line->at);
}

/* A line of our own behind one that may lack its end, as the last may. */
static void write_added(struct writer *writer, const char *text)
{
	bool open = writer->out.len &&
		    writer->out.data[writer->out.len - 1] != '\n';

	if (open)
		text_add_string(&writer->out, writer->line_end);
	text_add_string(&writer->out, text);
	if (!open)
		text_add_string(&writer->out, writer->line_end);
}

static void add_conn(struct writer *writer, const struct target *target)
{
	char text[sizeof("c=IN IP4 ") + IP_ADDR_TEXT], addr[IP_ADDR_TEXT];

	snprintf(text, sizeof(text), "c=IN %s %s", type_of(&target->addr),
		 ip_addr_format(&target->addr, addr));
	write_added(writer, text);
}

static void add_rtcp(struct writer *writer, const struct target *target)
{
	char text[sizeof("a=rtcp:") + RTCP_TEXT], value[RTCP_TEXT];

	format_rtcp(target, false, value);
	snprintf(text, sizeof(text), "a=rtcp:%s", value);
	write_added(writer, text);
}

static bool is_stripped(const char *text, size_t len, bool in_stream)
{
	static const char *const names[] = {
		"candidate",
		"remote-candidates",
		"end-of-candidates",
		"ice-ufrag",
		"ice-pwd",
		"ice-options",
		"ice-lite",
		"alt",
		"altc",
		"source-filter",
		"path",
	};
	struct text_word name = { text + 2, len > 2 ? len - 2 : 0 };
	const char *colon;

	if (len < 2 || text[0] != 'a')
		return false;
	colon = memchr(name.text, ':', name.len);
	if (colon)
		name.len = (size_t)(colon - name.text);
	name = text_trim(name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_word_is_case(name, names[i]))
			return true;
	}
	return !in_stream && text_word_is_case(name, "rtcp");
}

/* c= follows m= and i= (RFC 8866 section 5). */
static bool is_before_conn(const char *body, const struct text_line *line)
{
	return line->len > 1 &&
	       (body[line->at] == 'm' || body[line->at] == 'i');
}

static void write_section(struct writer *writer, size_t from, size_t to,
			  size_t section)
{
	const struct target *target = section ? &writer->targets[section - 1] :
						NULL;
	bool want_conn = target && target->add_conn;
	struct text_line line = { .next = from };

	while (line.next < to &&
	       text_line(writer->body, to, line.next, &line)) {
		if (want_conn && !is_before_conn(writer->body, &line)) {
			add_conn(writer, target);
			want_conn = false;
		}
		if (writer->change->strip &&
		    is_stripped(writer->body + line.at, line.len, section > 0))
			continue;
		write_line(writer, &line, section);
	}
	if (want_conn)
		add_conn(writer, target);
	if (target && target->add_rtcp)
		add_rtcp(writer, target);
}

static const char *line_end_of(const char *body, size_t len)
{
	const char *end = memchr(body, '\n', len);

	return !end || (end > body && end[-1] == '\r') ? "\r\n" : "\n";
}

int media_write(const struct media *media, const char *body, size_t len,
		const struct media_change *change, char **ret, size_t *ret_len)
{
	struct writer writer = {
		.media = media,
		.change = change,
		.body = body,
		.len = len,
		.line_end = line_end_of(body, len),
	};

	plan(&writer);
	write_section(&writer, 0, media->streams_at, 0);
	for (size_t i = 0; i < media->count; i++) {
		struct media_span section = media->streams[i].section;

		write_section(&writer, section.at, section.at + section.len,
			      i + 1);
	}
	return text_take(&writer.out, ret, ret_len);
}
