/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SIP socket (UDP): every message that passes it is reported whole. */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

enum {
	BURST = 16,    /* datagrams read before others have a turn */
	SMALLEST = 16, /* shorter ones are keep-alives and probes */
};

struct wire {
	struct event *reading;   /* owned */
	struct report *report;   /* not owned */
	struct event_base *base; /* not owned */
	struct address local;
	wire_fn fn;
	void *arg;
	int fd;
};

static void receive(struct wire *wire, const char *bytes, size_t length,
		    const struct address *from)
{
	struct message *message;
	char peer[ADDRESS_TEXT];

	report_message(wire->report, "received", bytes, length,
		       address_format(from, peer));
	if (length < SMALLEST)
		return;
	message = message_parse(bytes, length, from);
	if (message)
		wire->fn(message, wire->arg);
	else
		report_error(wire->report,
			     "message of %zu bytes from %s is "
			     "not understood and dropped",
			     length, peer);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wire *wire = arg;
	char bytes[65536];
	struct address from;
	ssize_t length;

	(void)what;
	for (int i = 0; i < BURST; i++) {
		memset(&from, 0, sizeof(from));
		from.length = sizeof(from.v6);
		length = recvfrom(fd, bytes, sizeof(bytes), 0, &from.sa,
				  &from.length);
		if (length < 0 && errno == ECONNREFUSED)
			continue;
		if (length < 0)
			return;
		receive(wire, bytes, (size_t)length, &from);
	}
}

struct wire *wire_new(struct event_base *base, const struct address *local,
		      struct report *report, wire_fn fn, void *arg)
{
	struct wire *wire = need(sizeof(*wire));

	wire->base = base;
	wire->report = report;
	wire->local = *local;
	wire->fn = fn;
	wire->arg = arg;
	wire->fd = address_bind(local);
	if (wire->fd < 0) {
		errno = -wire->fd;
		free(wire);
		return NULL;
	}
	wire->reading = event_new(base, wire->fd, EV_READ | EV_PERSIST,
				  on_readable, wire);
	if (!wire->reading || event_add(wire->reading, NULL)) {
		wire_free(wire);
		errno = ENOMEM;
		return NULL;
	}
	return wire;
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	if (wire->reading)
		event_free(wire->reading);
	close(wire->fd);
	free(wire);
}

void wire_send(struct wire *wire, const struct address *to, const char *text,
	       size_t length)
{
	char peer[ADDRESS_TEXT];

	address_format(to, peer);
	if (sendto(wire->fd, text, length, 0, &to->sa, to->length) < 0)
		report_error(wire->report, "sending to %s: %s", peer,
			     strerror(errno));
	else
		report_message(wire->report, "sent", text, length, peer);
}

const struct address *wire_local(const struct wire *wire)
{
	return &wire->local;
}

struct event_base *wire_base(const struct wire *wire)
{
	return wire->base;
}
