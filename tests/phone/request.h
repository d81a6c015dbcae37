/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that this phone makes: its parts, and the text made of them. */
#ifndef PHONE_REQUEST_H
#define PHONE_REQUEST_H

#include "address.h"
#include "text.h"

struct request {
	char *method; /* all strings are owned */
	char *uri;
	char *branch;
	char *routes; /* whole "Route: ..." lines, NULL for none */
	char *from;
	char *to;
	char *call_id;
	char *headers; /* further whole lines, NULL for none */
	char *auth;    /* whole (Proxy-)Authorization line, NULL for none */
	char *type;    /* Content-Type, NULL without body */
	char *body;
	struct address target; /* next hop */
	unsigned cseq;
};

/* Empty but for the method and a fresh branch. */
struct request *request_new(const char *method);
void request_free(struct request *request);
void request_new_branch(struct request *request);
void request_set_body(struct request *request, const char *type,
		      const char *body);
/* The CANCEL of a request: same branch, RFC 3261 section 9.1. */
struct request *request_cancel(const struct request *request);
/* The ACK of a failure: same branch, To of the response (section 17.1.1.3). */
struct request *request_ack(const struct request *request, const char *to);
void request_format(const struct request *request, const struct address *local,
		    struct text *ret_text);

#endif
