/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One TCP or TLS connection. */
#include "proxy/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "common/mono.h"
#include "proxy/frame.h"

#define ROOM_MIN 4096
/* What the library reads at once it also answers at once. */
#define PAIR_BUFFER 16384

static const char *const transport_names[] = { "UDP", "TCP", "TLS" };

/* Room for `len` more bytes; false: no memory. */
static bool buffer_reserve(struct stream_buffer *buffer, size_t len)
{
	size_t size = buffer->size > 0 ? buffer->size : ROOM_MIN;
	char *data;

	if (buffer->size - buffer->len >= len)
		return true;
	while (size - buffer->len < len)
		size *= 2;
	data = realloc(buffer->data, size);
	if (data == NULL)
		return false;
	buffer->data = data;
	buffer->size = size;
	return true;
}

/* Cuts `len` bytes out. An empty buffer keeps no memory. */
static void buffer_cut(struct stream_buffer *buffer, size_t at, size_t len)
{
	if (len > 0)
		memmove(buffer->data + at, buffer->data + at + len,
			buffer->len - at - len);
	buffer->len -= len;
	if (buffer->ready > at)
		buffer->ready -= len;
	if (buffer->len > 0)
		return;
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

/* Between two messages. */
static bool buffer_insert(struct stream_buffer *buffer, const char *data,
			  size_t len)
{
	if (!buffer_reserve(buffer, len))
		return false;
	memmove(buffer->data + buffer->ready + len,
		buffer->data + buffer->ready, buffer->len - buffer->ready);
	memcpy(buffer->data + buffer->ready, data, len);
	buffer->ready += len;
	buffer->len += len;
	return true;
}

int stream_pair(int ends[2])
{
	int size = PAIR_BUFFER;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       ends) < 0)
		return -errno;
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static void on_event(short revents, void *arg)
{
	(void)revents;
	stream_run(arg);
}

static int take_pair(struct stream *stream, int pair)
{
	stream->pair = pair;
	return watch_start(&stream->inner, pair, POLLIN);
}

struct stream *stream_new(su_root_t *root, int fd, SSL *ssl, int pair,
			  bool is_accepted, uint64_t now_ms,
			  const struct stream_hooks *hooks)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		SSL_free(ssl);
		close(fd);
		if (pair >= 0)
			close(pair);
		return NULL;
	}
	list_init(&stream->node);
	list_init(&stream->offer_node);
	stream->hooks = *hooks;
	stream->fd = fd;
	stream->ssl = ssl;
	stream->pair = -1;
	stream->offered = -1;
	stream->trunk = SIZE_MAX;
	stream->is_accepted = is_accepted;
	stream->transport = ssl != NULL ? CONF_TLS : CONF_TCP;
	stream->state = !is_accepted ? STREAM_DIALING :
			ssl != NULL  ? STREAM_SHAKING :
				       STREAM_OPEN;
	stream->since_ms = now_ms;
	stream->heard_ms = now_ms;
	watch_init(&stream->wire, root, on_event, stream);
	watch_init(&stream->inner, root, on_event, stream);
	if (watch_start(&stream->wire, fd, is_accepted ? POLLIN : POLLOUT) ==
		    0 &&
	    (pair < 0 || take_pair(stream, pair) == 0))
		return stream;
	if (pair >= 0 && stream->pair < 0)
		close(pair);
	stream_free(stream);
	return NULL;
}

static bool is_relaying(const struct stream *stream)
{
	return stream->state == STREAM_OPEN || stream->state == STREAM_ENDING;
}

static void drop_pair(struct stream *stream)
{
	watch_stop(&stream->inner);
	if (stream->pair >= 0)
		close(stream->pair);
	if (stream->offered >= 0)
		close(stream->offered);
	stream->pair = -1;
	stream->offered = -1;
	stream->is_full = false;
	list_remove(&stream->offer_node);
}

void stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	drop_pair(stream);
	watch_stop(&stream->wire);
	if (stream->ssl != NULL && is_relaying(stream))
		SSL_shutdown(stream->ssl);
	ERR_clear_error();
	SSL_free(stream->ssl);
	close(stream->fd);
	free(stream->in.data);
	free(stream->out.data);
	free(stream);
}

/* >0, 0: the end, -EAGAIN, or another -Exxx. */
static ssize_t result_of(struct stream *stream, ssize_t n)
{
	if (n > 0)
		return n;
	if (stream->ssl == NULL) {
		if (n == 0)
			return 0;
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN :
								-errno;
	}
	switch (SSL_get_error(stream->ssl, (int)n)) {
	case SSL_ERROR_WANT_WRITE:
		stream->wants_out = true;
		return -EAGAIN;
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error();
		return -ECONNRESET;
	}
}

static ssize_t wire_read(struct stream *stream, char *data, size_t len)
{
	ssize_t n = stream->ssl != NULL ?
			    SSL_read(stream->ssl, data, (int)len) :
			    recv(stream->fd, data, len, 0);

	return result_of(stream, n);
}

static ssize_t wire_write(struct stream *stream, const char *data, size_t len)
{
	ssize_t n = stream->ssl != NULL ?
			    SSL_write(stream->ssl, data, (int)len) :
			    send(stream->fd, data, len, MSG_NOSIGNAL);

	n = result_of(stream, n);
	if (n == -EAGAIN)
		stream->wants_out = true;
	return n;
}

static void set_state(struct stream *stream, enum stream_state state)
{
	stream->state = state;
	stream->since_ms = mono_ms();
}

/* Nothing more is read; what is still to be answered is. */
static void begin_end(struct stream *stream)
{
	stream->in.len = stream->in.ready;
	stream->is_eof = true;
	set_state(stream, STREAM_ENDING);
}

/* The library has closed its end: it cannot make anything of what came. */
static void on_pair_closed(struct stream *stream)
{
	drop_pair(stream);
	stream->in.ready = 0;
	stream->out.len = stream->out.ready;
	begin_end(stream);
}

/* Of both: the library's end is made with the first message that comes. */
static int offer_pair(struct stream *stream)
{
	int ends[2], error = stream_pair(ends);

	if (error < 0)
		return error;
	error = take_pair(stream, ends[0]);
	if (error < 0) {
		drop_pair(stream);
		close(ends[1]);
		return error;
	}
	stream->offered = ends[1];
	return stream->hooks.on_offer(stream, stream->hooks.arg);
}

static int refuse(struct stream *stream, const struct frame *frame)
{
	struct stream_buffer *in = &stream->in;
	char answer[FRAME_ANSWER_MAX];
	size_t len = frame_refuse(frame, in->data + in->ready,
				  in->len - in->ready, answer);

	begin_end(stream);
	if (len > 0 && !buffer_insert(&stream->out, answer, len))
		return -ENOMEM;
	return 0;
}

static int answer_ping(struct stream *stream)
{
	/* Who sends pings and reads no pongs waits for them. */
	if (stream->out.len >= STREAM_OUT_MAX)
		return 0;
	return buffer_insert(&stream->out, "\r\n", 2) ? 0 : -ENOMEM;
}

/* Cuts what has come into messages. 0 or -Exxx. */
static int cut_in(struct stream *stream)
{
	struct stream_buffer *in = &stream->in;
	int error = 0;

	while (error == 0 && in->ready < in->len) {
		struct frame frame = frame_next(in->data + in->ready,
						in->len - in->ready,
						STREAM_MESSAGE_MAX);

		switch (frame.kind) {
		case FRAME_MORE:
			if (stream->partial_ms == 0)
				stream->partial_ms = mono_ms();
			return 0;
		case FRAME_PING:
			error = answer_ping(stream);
			buffer_cut(in, in->ready, frame.len);
			break;
		case FRAME_BLANK:
			buffer_cut(in, in->ready, frame.len);
			break;
		case FRAME_MESSAGE:
			frame_set_transport(in->data + in->ready, frame.len,
					    "TCP");
			in->ready += frame.len;
			stream->is_heard = true;
			stream->heard_ms = mono_ms();
			break;
		case FRAME_BAD:
			stream->partial_ms = 0;
			return refuse(stream, &frame);
		}
		stream->partial_ms = 0;
	}
	return error;
}

/* To the library. */
static int pump_in(struct stream *stream)
{
	struct stream_buffer *in = &stream->in;
	int error = 0;

	if (in->ready > 0 && stream->pair < 0)
		error = offer_pair(stream);
	stream->is_full = false;
	while (error == 0 && in->ready > 0) {
		ssize_t n = send(stream->pair, in->data, in->ready,
				 MSG_NOSIGNAL);

		if (n > 0) {
			buffer_cut(in, 0, (size_t)n);
		} else if (errno == EAGAIN) {
			stream->is_full = true;
			return 0;
		} else if (errno != EINTR) {
			on_pair_closed(stream);
		}
	}
	return error;
}

static int read_wire(struct stream *stream)
{
	struct stream_buffer *in = &stream->in;

	while (!stream->is_eof && in->len < STREAM_IN_MAX &&
	       stream->state == STREAM_OPEN) {
		ssize_t n;
		int error;

		if (!buffer_reserve(in, ROOM_MIN))
			return -ENOMEM;
		n = wire_read(stream, in->data + in->len, in->size - in->len);
		if (n == -EAGAIN)
			break;
		if (n < 0)
			return (int)n;
		stream->is_eof = n == 0;
		in->len += (size_t)n;
		error = cut_in(stream);
		if (error == 0)
			error = pump_in(stream);
		if (error < 0)
			return error;
	}
	if (in->len == 0)
		buffer_cut(in, 0, 0);
	return 0;
}

/* Whole messages of the library's get the wire's transport. */
static int cut_out(struct stream *stream)
{
	struct stream_buffer *out = &stream->out;

	while (out->ready < out->len) {
		struct frame frame = frame_next(out->data + out->ready,
						out->len - out->ready,
						STREAM_OUT_MAX);

		switch (frame.kind) {
		case FRAME_MORE:
			return 0;
		case FRAME_BAD:
			return -EBADMSG;
		case FRAME_PING:
		case FRAME_BLANK:
			buffer_cut(out, out->ready, frame.len);
			break;
		case FRAME_MESSAGE:
			frame_set_transport(out->data + out->ready, frame.len,
					    transport_names[stream->transport]);
			out->ready += frame.len;
			stream->heard_ms = mono_ms();
			break;
		}
	}
	return 0;
}

static int read_inner(struct stream *stream)
{
	struct stream_buffer *out = &stream->out;

	while (stream->pair >= 0 && stream->offered < 0 &&
	       out->len < STREAM_OUT_MAX) {
		ssize_t n;
		int error;

		if (!buffer_reserve(out, ROOM_MIN))
			return -ENOMEM;
		n = recv(stream->pair, out->data + out->len,
			 out->size - out->len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			on_pair_closed(stream);
			break;
		}
		out->len += (size_t)n;
		error = cut_out(stream);
		if (error < 0)
			return error;
	}
	if (out->len == 0)
		buffer_cut(out, 0, 0);
	return 0;
}

static int pump_out(struct stream *stream)
{
	struct stream_buffer *out = &stream->out;

	stream->wants_out = false;
	while (out->ready > 0) {
		ssize_t n = wire_write(stream, out->data, out->ready);

		if (n == -EAGAIN) {
			if (stream->stuck_ms == 0)
				stream->stuck_ms = mono_ms();
			return 0;
		}
		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		buffer_cut(out, 0, (size_t)n);
		stream->stuck_ms = 0;
	}
	return 0;
}

static int finish_dial(struct stream *stream)
{
	struct pollfd poll_fd = { .fd = stream->fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&poll_fd, 1, 0) <= 0)
		return 0;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		return -error;
	set_state(stream, stream->ssl != NULL ? STREAM_SHAKING : STREAM_OPEN);
	if (stream->state == STREAM_OPEN)
		stream->hooks.on_open(stream, stream->hooks.arg);
	return 0;
}

static int shake(struct stream *stream)
{
	int n;

	stream->wants_out = false;
	n = SSL_do_handshake(stream->ssl);
	if (n == 1) {
		set_state(stream, STREAM_OPEN);
		stream->hooks.on_open(stream, stream->hooks.arg);
		return 0;
	}
	return result_of(stream, n) == -EAGAIN ? 0 : -EPROTO;
}

/* What is read now would only make the kernel forget the last answers. */
static int drop_rest(struct stream *stream)
{
	char dust[1024];
	ssize_t n;

	while ((n = recv(stream->fd, dust, sizeof(dust), 0)) > 0)
		;
	return n < 0 && errno == EAGAIN ? 0 : -ESHUTDOWN;
}

static int work(struct stream *stream)
{
	int error = 0;

	if (stream->state == STREAM_DIALING)
		error = finish_dial(stream);
	if (error == 0 && stream->state == STREAM_SHAKING)
		error = shake(stream);
	if (error == 0 && is_relaying(stream))
		error = pump_in(stream);
	if (error == 0 && stream->state == STREAM_OPEN)
		error = read_wire(stream);
	if (error == 0 && stream->state == STREAM_ENDING)
		error = drop_rest(stream);
	if (error == 0 && is_relaying(stream))
		error = pump_in(stream);
	if (error == 0 && is_relaying(stream))
		error = read_inner(stream);
	if (error == 0 && is_relaying(stream))
		error = pump_out(stream);
	if (error == 0 && stream->state == STREAM_OPEN && stream->is_eof &&
	    stream->in.ready == 0)
		error = -ESHUTDOWN;
	return error;
}

static void set_masks(struct stream *stream)
{
	short wire = 0, inner = 0;

	if (stream->state == STREAM_DIALING || stream->wants_out)
		wire |= POLLOUT;
	if (stream->state == STREAM_SHAKING || stream->state == STREAM_ENDING ||
	    (stream->in.len < STREAM_IN_MAX && !stream->is_eof))
		wire |= POLLIN;
	if (stream->state == STREAM_DIALING)
		wire = POLLOUT;
	if (is_relaying(stream) && stream->offered < 0 &&
	    stream->out.len < STREAM_OUT_MAX)
		inner |= POLLIN;
	if (stream->is_full)
		inner |= POLLOUT;
	watch_change(&stream->wire, wire);
	watch_change(&stream->inner, inner);
}

void stream_run(struct stream *stream)
{
	int error = work(stream);

	if (error == 0)
		set_masks(stream);
	else
		stream->hooks.on_gone(stream,
				      error == -ESHUTDOWN ? "closed" :
							    strerror(-error),
				      stream->hooks.arg);
}
