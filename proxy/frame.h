/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP messages in a stream of bytes (RFC 3261 18.3, RFC 5626 4.4.1). Strict:
 * what two parsers could cut differently is refused. Pure.
 */
#ifndef VIADUCT_PROXY_FRAME_H
#define VIADUCT_PROXY_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#define FRAME_ANSWER_MAX 2048 /* bytes of an answer of frame_refuse() */

enum frame_kind {
	FRAME_MORE,    /* nothing complete yet */
	FRAME_MESSAGE, /* `len` bytes: one message */
	FRAME_PING,    /* `len` bytes: a double CRLF, to be answered by one */
	FRAME_BLANK,   /* `len` bytes: line ends that mean nothing */
	FRAME_BAD,     /* refuse with `status`, then close */
};

struct frame {
	enum frame_kind kind;
	size_t len;
	int status;         /* of FRAME_BAD; 0: no request, no answer */
	const char *reason; /* of FRAME_BAD; static */
};

/* What the bytes start with; a message has at most `max` bytes. */
struct frame frame_next(const char *data, size_t len, size_t max);
/*
 * The answer to what frame_next() found bad, made of the bytes that are there:
 * its length, or 0 when there is too little to make one of.
 */
size_t frame_refuse(const struct frame *frame, const char *data, size_t len,
		    char answer[FRAME_ANSWER_MAX]);
/*
 * Names another transport ("UDP", "TCP" or "TLS") in the topmost Via of a
 * message, in its place. False: there is none, or the name there is longer or
 * shorter and does not fit.
 */
bool frame_set_transport(char *data, size_t len, const char *transport);
/* Is the topmost Via's transport this one? False also when there is none. */
bool frame_is_transport(const char *data, size_t len, const char *transport);

#endif
