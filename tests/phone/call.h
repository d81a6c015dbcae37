/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call of the phone, from INVITE to BYE, on either side. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include "dialog.h"
#include "exchange.h"
#include "phone.h"

enum call_state {
	CALL_CALLING,    /* our INVITE has no final answer yet */
	CALL_CANCELLING, /* the same, and CANCEL is on its way */
	CALL_INCOMING,   /* their INVITE has no final answer yet */
	CALL_ANSWERED,   /* our 2xx has no ACK yet */
	CALL_UP,
	CALL_ENDING, /* our BYE has no answer yet */
	CALL_OVER,   /* kept for retransmissions only */
};

struct call {
	LIST_ENTRY(call) entry; /* phone.calls */
	struct phone *phone;    /* parent, not owned */
	enum call_state state;
	struct dialog dialog;
	struct exchange *invite; /* owned: our first INVITE, or NULL */
	struct exchange *change; /* owned: our open re-INVITE, or NULL */
	struct server *server;   /* their INVITE whose answer or ACK is open */
	struct event *timer;     /* owned: answers by itself; frees when over */
	char *local_sdp;         /* owned: as last sent, or NULL */
	char *far_sdp;           /* owned: as last received, or NULL */
	unsigned sdp_id;
	unsigned sdp_version;
	bool hold;           /* as agreed */
	bool hold_wanted;    /* in the open re-INVITE */
	bool hangup_wanted;  /* BYE as soon as the ACK is there */
	bool offer_in_2xx;   /* theirs came without SDP: answer in the ACK */
	bool is_established; /* reported */
};

struct call *call_new(struct phone *phone, enum call_state state);
void call_free(struct call *call);
/* Reports "ended", stops the media, and keeps the call for stragglers. */
void call_end(struct call *call, const char *by, int status,
	      const char *reason);
void call_report_established(struct call *call);
/* BYE; "ended" is reported when it is answered. */
void call_send_bye(struct call *call);

/* Offer or answer (offer NULL: an offer), kept as local_sdp. NULL when the
 * offer fits none of our streams. */
const char *call_describe(struct call *call, const char *offer, bool hold);
/* Keeps the far SDP and takes it into the media; "" is ignored. */
void call_take_far(struct call *call, const char *sdp);

/* The commands: 0, or -EINVAL when the call is in no state for it. */
int call_dial(struct phone *phone, const char *uri);
int call_ring(struct call *call);
int call_answer(struct call *call);
int call_reject(struct call *call, int status);
int call_cancel(struct call *call);
int call_hangup(struct call *call);
int call_hold(struct call *call, bool hold);
int call_info(struct call *call, const char *body);
/* re-INVITE; locals (may be none) are new media addresses, stream by stream. */
int call_change(struct call *call, const struct address *locals, unsigned n);

/* A request that came; each answers it. */
void call_receive_invite(struct phone *phone, struct server *server,
			 const struct message *invite);
void call_receive_change(struct call *call, struct server *server,
			 const struct message *invite);
void call_receive(struct call *call, struct server *server,
		  const struct message *request);
void call_receive_ack(struct call *call, const struct message *ack);
/* NULL if no call has such a dialog. */
struct call *call_find(struct phone *phone, const struct message *request);

/* Watches the answer to a re-INVITE of theirs, or to the first (callee.c). */
void call_on_server(struct server *server, enum server_news news, void *arg);

#endif
