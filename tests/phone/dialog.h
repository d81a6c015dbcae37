/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP dialog: identity, route set, remote target (RFC 3261 section 12). */
#ifndef PHONE_DIALOG_H
#define PHONE_DIALOG_H

#include <stdbool.h>

#include "message.h"
#include "request.h"

struct dialog {
	char *call_id; /* all strings are owned */
	char *local;   /* our From or To value, with the tag */
	char *remote;
	char *local_tag;
	char *remote_tag;        /* "" until the far side has one */
	char *target;            /* remote target: the far Contact */
	struct text routes;      /* whole Route lines, empty for none */
	struct address next_hop; /* of first route or target; else the proxy */
	unsigned local_cseq;
	unsigned remote_cseq;
};

void dialog_done(struct dialog *dialog);
/* The caller's side, from a response to its INVITE (1xx with To tag, or 2xx).
 */
void dialog_from_response(struct dialog *dialog, const struct message *response,
			  const struct address *proxy);
/* The callee's side, from the INVITE. */
void dialog_from_invite(struct dialog *dialog, const struct message *invite,
			const char *local_tag, const struct address *proxy);
/* Takes a new Contact (target refresh) from a request or response. */
void dialog_refresh(struct dialog *dialog, const struct message *message,
		    const struct address *proxy);
/* Does a request from the far side belong to it? */
bool dialog_has(const struct dialog *dialog, const struct message *request);
/* A request within the dialog, with the present local_cseq. */
struct request *dialog_request(const struct dialog *dialog, const char *method);

#endif
