/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SIP socket (UDP): every message that passes it is reported whole. */
#ifndef PHONE_WIRE_H
#define PHONE_WIRE_H

#include <event2/event.h>

#include "address.h"
#include "message.h"
#include "report.h"

struct wire;

/* The message is the callee's to free. */
typedef void (*wire_fn)(struct message *message, void *arg);

/* NULL with errno set when the address cannot be bound. */
struct wire *wire_new(struct event_base *base, const struct address *local,
		      struct report *report, wire_fn fn, void *arg);
void wire_free(struct wire *wire);
/* What cannot be sent is reported as an error and left to retransmission. */
void wire_send(struct wire *wire, const struct address *to, const char *text,
	       size_t length);
const struct address *wire_local(const struct wire *wire);
struct event_base *wire_base(const struct wire *wire);

#endif
