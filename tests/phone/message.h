/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP message as it came, with libosip2's reading of it. */
#ifndef PHONE_MESSAGE_H
#define PHONE_MESSAGE_H

#include <osipparser2/osip_message.h>
#include <stddef.h>

#include "address.h"

struct message {
	osip_message_t *sip; /* owned */
	char *raw;           /* owned, with a NUL behind its length */
	size_t length;
	char *call_id;    /* owned */
	const char *body; /* into raw, "" when there is none */
	struct address from;
};

/* NULL for what is no SIP message or lacks a header that each must have: Via,
 * From with a tag, To, Call-ID, CSeq; and for a method unlike CSeq's. */
struct message *message_parse(const char *bytes, size_t length,
			      const struct address *from);
void message_free(struct message *message);

/* Values belong to the message; "" when the header or parameter is absent. */
const char *message_branch(const struct message *message);
const char *message_from_tag(const struct message *message);
const char *message_to_tag(const struct message *message);
const char *message_method(const struct message *message);
const char *message_header(const struct message *message, const char *name);
unsigned message_cseq(const struct message *message);
int message_status(const struct message *message);
const char *message_reason(const struct message *message);

/* The value of a parameter in one of libosip2's lists: NULL when absent, "" for
 * one without a value. */
const char *message_param(osip_list_t *params, const char *name);
/* The text of a From or To header; the caller frees it. */
char *message_party(osip_from_t *party);
/* Where requests for this URI go; names are not resolved: then -EINVAL. */
int message_uri_address(const osip_uri_t *uri, struct address *ret_address);

#endif
