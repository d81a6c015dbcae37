/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of a call and its answers, on their way from one leg to the
 * other: its life. What is done with each message is in pass.h; messages wait
 * for their turn in job.h.
 */
#ifndef VIADUCT_PROXY_RELAY_H
#define VIADUCT_PROXY_RELAY_H

#include "proxy/call.h"
#include "proxy/sofia_guard.h"
#include "proxy/transaction.h"

#define RELAY_INVITE_MS 35000 /* beyond Timer C: the CANCEL, and a bit */
#define RELAY_OTHER_MS  40000 /* Timer F and a bit */

enum relay_state {
	RELAY_WAITING,   /* not sent yet */
	RELAY_SENT,      /* no final response yet */
	RELAY_ANSWERED,  /* the final response waits for its turn */
	RELAY_LINGERING, /* a 2xx is passed on: repeats, ACK, other forks */
	RELAY_ABANDONED, /* answered by us; the other side's answer is due */
};

struct relay {
	struct list node;            /* in call.relays */
	struct table_node by_branch; /* in calls.by_branch */
	struct call *call;           /* parent, not owned */
	struct dialog *dialog;       /* the call's */
	enum call_side from;
	enum relay_state state;
	sip_method_t method;
	uint32_t cseq;           /* as it came */
	uint32_t sent_cseq;      /* as it was sent */
	const char *sent_uri;    /* Request-URI, the same */
	const char *credentials; /* header line for the carrier, or NULL */
	uint64_t loop;           /* goes into the branch */
	const char *request_uri; /* to send with; NULL: the remote target */
	su_home_t *home;         /* owned: of the copies below */
	sip_from_t *from_header; /* of the request, as it came */
	sip_to_t *to_header;
	sip_via_t *vias;
	struct server *server; /* owned; NULL: ours, or answered */
	struct client *client; /* owned; NULL: not sent, or answered */
	char branch[GUARD_BRANCH_TEXT];
	msg_t *spare;      /* owned: the request as it came; or NULL */
	struct flow hop;   /* where it was sent to */
	bool is_first;     /* the request that made the call */
	bool is_replaced;  /* was sent elsewhere since */
	bool has_sign;     /* a 1xx other than 100 has come */
	bool is_cancelled; /* by its sender */
	bool is_acked;     /* an ACK has come */
	bool is_ack_sent;
	bool is_last;   /* a NOTIFY that ends its subscription */
	uint32_t lasts; /* seconds: told of a subscription; 0: nothing */
	char *ack_body; /* owned: as it was sent, for repeats; NULL: none */
	size_t ack_len;
	uint64_t end_ms; /* of lingering, of waiting for a cancelled one */
};

/* What is known of a request that is to be relayed. */
struct relay_origin {
	const struct flow *from;
	struct fork *fork; /* it is a branch of this; or NULL */
	const char *uri;   /* to send to; NULL: the dialog's remote target */
	uint64_t loop;     /* goes into the branch */
};

/* Relays a request of that leg's party; takes `msg`. */
void relay_request(struct leg *leg, struct dialog *dialog,
		   const struct relay_origin *origin, msg_t *msg, sip_t *sip);
/* An ACK for a 2xx; takes `msg`. */
void relay_ack(struct leg *leg, struct dialog *dialog, msg_t *msg);
/* A response without a transaction: a repeated or late 2xx. Takes `msg`. */
void relay_stray(struct calls *calls, const struct flow *from, msg_t *msg);
/*
 * Sends the request once more as it came, to where the leg is now: to this
 * Request-URI (NULL: the same). The relay is done with. False: it could not
 * be done, it has been answered.
 */
bool relay_again(struct relay *relay, const char *uri);
/* A BYE of our own to the party of that side; nobody waits for its answer. */
void relay_bye(struct call *call, struct dialog *dialog, enum call_side to);

/* Sends the request, edited for its leg; takes `msg`. 0 or -Exxx. */
int relay_send(struct relay *relay, msg_t *msg);
/* Answers it ourselves; `reason` becomes a Reason header, NULL: none. */
void relay_answer(struct relay *relay, int status, const char *reason);
/* The last answer was passed on. The relay may be freed. */
void relay_finish(struct relay *relay, int status);
/* Answered by us: what is left of it ends as soon as it can. May be freed. */
void relay_abandon(struct relay *relay);
/* A 2xx that goes no further: its sender is told that it is over. */
void relay_refuse_answer(struct relay *relay, struct dialog *dialog);
/* The call cannot go on: all who wait for an answer get this one, parties of
 * a dialog a BYE. Frees relays. */
void relay_fail_call(struct call *call, int status, const char *reason);

/* A new one of the call; NULL: no memory, or CALL_RELAYS_MAX. */
struct relay *relay_new(struct call *call, struct dialog *dialog,
			enum call_side from);
/* The one that was sent with this branch, or NULL. */
struct relay *relay_of_branch(const struct calls *calls, const char *branch);
/* The dialog that a response speaks of; NULL: one that cannot be any more. */
struct dialog *relay_dialog(struct relay *relay, msg_t *msg);

/* Drops it without a word. */
void relay_free(struct relay *relay);
/* Empties the queue: what waits in it is answered, what lingers ends. */
void relay_give_up(struct call *call);
/* Does what has become due; true: the call is freed. */
bool relay_tick(struct call *call, uint64_t now_ms);

#endif
