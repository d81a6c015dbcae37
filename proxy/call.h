/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: two legs, the dialogs between them, the requests under way, and the
 * group of leases that lives and dies with it.
 *
 * A call is found by the token that its Contact towards a leg shows: 128
 * random bits and the side; never by Call-ID, which a spiral shows twice.
 */
#ifndef VIADUCT_PROXY_CALL_H
#define VIADUCT_PROXY_CALL_H

#include <sofia-sip/su_alloc.h>

#include "common/list.h"
#include "common/table.h"
#include "proxy/grant.h"
#include "proxy/hide.h"
#include "proxy/leg.h"
#include "proxy/limit.h"
#include "proxy/natlink.h"

#define CALLS_MAX        20000 /* more INVITEs are answered with 503 */
#define CALL_DIALOGS_MAX 12    /* early dialogs of one forked INVITE */
#define CALL_RELAYS_MAX  32    /* requests under way in one call */
#define CALL_JOBS_MAX    32    /* messages that wait for the manager */
#define CALL_LINGER_MS   32000 /* 64*T1: repeats may come this long */
#define CALL_BYE_MS      1000  /* leases outlive a BYE at most so long */

struct calls_counters {
	uint64_t started;
	uint64_t refused; /* with 4xx or 5xx by us */
	uint64_t failed;  /* answered, and ended by us */
	uint64_t answered;
	uint64_t strangers; /* in-dialog requests from a foreign address */
	uint64_t unknown;   /* requests of no call */
	uint64_t failovers; /* tried at another place */
	uint64_t lost_acks; /* ended because no ACK came */
};

/* All calls, and what they are made with. */
struct calls {
	const struct conf *conf; /* not owned */
	su_root_t *root;         /* not owned */
	struct edge *edge;       /* not owned */
	struct natlink *natlink; /* not owned */
	struct table by_token;   /* of struct call */
	struct table by_branch;  /* of struct relay */
	uint64_t seed;           /* of both tables, and of loop hashes */
	uint8_t hide_key[HIDE_KEY_SIZE];
	struct calls_counters counters;
};

enum call_state {
	CALL_SETUP,       /* the first request is not answered */
	CALL_ESTABLISHED, /* a 2xx has come */
	CALL_ENDING,      /* a BYE is on its way: media until it is answered */
	CALL_ENDED,       /* the leases are released; the last answers */
};

struct call {
	struct table_node by_token; /* in calls.by_token */
	struct calls *calls;        /* not owned */
	su_home_t *home;            /* owned: what was copied out of messages */
	char token[CALL_TOKEN_TEXT];
	char group[CALL_TOKEN_TEXT + 8]; /* "call-TOKEN" */
	enum call_state state;
	bool is_invite; /* else one transaction of another method */
	bool is_pumping;
	struct leg legs[2];  /* by enum call_side */
	struct list dialogs; /* of struct dialog, owned */
	struct list relays;  /* of struct relay, owned */
	struct list jobs;    /* of struct job, owned: messages in order */
	size_t dialog_count;
	size_t relay_count;
	size_t job_count;
	struct grants grants;
	struct admission admission;
	struct hunt *hunt; /* owned: where else it may go; or NULL */
	bool has_group;    /* asked for: to be released */
	uint64_t start_ms;
	uint64_t refresh_ms; /* when to refresh the leases */
	uint64_t silence_ms; /* from when on silence ends it; UINT64_MAX: never */
	uint64_t silence_due_ms; /* when to look whether it does */
	const char *reason;      /* static: why we send BYE; NULL: not said */
	uint64_t end_ms;         /* when to end; UINT64_MAX: not known */
	su_timer_t *timer;       /* owned */
};

/* 0 or -ENOMEM. */
int calls_init(struct calls *calls);
/* Frees all calls; their leases are left to their lifetime. */
void calls_done(struct calls *calls);

/*
 * A new call from one flow to another; dialog and call id are those of the
 * request. NULL: no memory, or CALLS_MAX.
 */
struct call *call_new(struct calls *calls, const struct flow *from,
		      const struct flow *to, const sip_t *sip);
/* Ends everything that is under way without a word to the parties. */
void call_free(struct call *call);
/* By its token; NULL: none. */
struct call *call_of_token(const struct calls *calls, const char *token);
/* The leg whose party knows us by this user part, or NULL. */
struct leg *call_find(const struct calls *calls, const char *user);
/*
 * The winner of the INVITE's dialogs is known: the other early ones end, the
 * leases that only they used are released at the next call_settle().
 */
void call_choose(struct call *call, const struct dialog *winner);
/* The winner's 2xx is passed on. */
void call_establish(struct call *call, struct dialog *winner);
/*
 * A BYE of the last dialog has come: what waits for the manager is given up.
 * The call ends with the answer to the BYE, or CALL_BYE_MS from now: who is
 * still sending has then been told.
 */
void call_hang_up(struct call *call);
/*
 * The leases are released at once, what waits for the manager is given up. The
 * call is freed when its last request is answered; see call_settle.
 */
void call_end(struct call *call);
/*
 * To be called when the work on a message is done: releases leases that are
 * not used any more, frees an ended call without requests. True: it is freed.
 */
bool call_settle(struct call *call);
/* Sets the timer to the earliest moment at which there is something to do. */
void call_schedule(struct call *call);

/* The user part of our Contact towards a leg; of CALL_USER_TEXT bytes. */
const char *leg_user(const struct leg *leg, char buf[CALL_USER_TEXT]);

/* By its to-tag; NULL: none. A call whose INVITE is unanswered has a root
 * dialog without a tag, the pattern of those of its forks. */
struct dialog *dialog_find(const struct call *call, const char *tag);
/* That of a response: found, or made from the root. NULL: no memory, limit. */
struct dialog *dialog_for_tag(struct call *call, const char *tag);
/* Nothing is relayed in it any more; its leases are not used by it. */
void dialog_end(struct dialog *dialog);

#endif
