/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the rule link share: its state. For them only. */
#ifndef VIADUCT_NATCTL_RULELINK_PARTS_H
#define VIADUCT_NATCTL_RULELINK_PARTS_H

#include "natctl/rulelink.h"

struct event;

enum rulelink_state {
	RULELINK_DOWN,   /* waits to connect */
	RULELINK_HELLO,  /* connected; has not been answered */
	RULELINK_SYNC,   /* sends what is in force; changes queue up behind */
	RULELINK_GRACE,  /* all sent; clients may announce what they had */
	RULELINK_SYNCED, /* the end was sent and is not acknowledged */
	RULELINK_UP,
	RULELINK_DOOMED, /* to be closed as soon as the loop runs */
};

struct rulelink {
	struct event_base *base;         /* not owned */
	const struct realm_names *names; /* not owned */
	struct rulelink_sync sync;
	char *path; /* owned */
	enum rulelink_state state;
	bool is_usable;         /* what the manager holds has been sent */
	const char *doom;       /* why; static */
	int fd;                 /* -1: none */
	struct event *readable; /* owned, while connected */
	struct event *writable; /* owned, while connected */
	struct event *timer;    /* owned: connect again, or time-out */
	struct event *grace;    /* owned: the time to announce is over */
	uint64_t grace_until_ms;
	struct record_queue queue;
	struct record *sending; /* owned; the socket has not taken it; or NULL */
	uint64_t taken_ms; /* when the socket last took a record, or was made */
	uint64_t acked_ms; /* likewise, an acknowledgement came */
	uint64_t sync_id;  /* last rule that was synchronised */
	size_t sync_count; /* rules */
	uint32_t sync_end_seq; /* once it was sent */
	uint32_t seq;          /* of the next record */
	unsigned backoff_ms;
	char told[64]; /* why it is down, as the log says; "": it is up */
	uint8_t buffer[WIRE_MAX];
};

void rulelink_set_timer(struct rulelink *link, uint64_t ms);
void rulelink_close_socket(struct rulelink *link);
/* Whoever waits is told that it is not known. */
void rulelink_end_records(struct rulelink *link);
/* Once for each reason, not for each attempt. */
void rulelink_tell(struct rulelink *link, const char *why);
void rulelink_connect_later(struct rulelink *link);
/* Closes; ends what is under way; connects again after the backoff. */
void rulelink_close(struct rulelink *link, const char *why);
/* As close_link, for places from which nobody may be called back. */
void rulelink_doom(struct rulelink *link, const char *why);
/* What the manager holds is in force; changes are taken at once. */
void rulelink_on_usable(struct rulelink *link);
/* Sends what the socket takes. 0, or -Exxx: the link is of no use. */
int rulelink_flush(struct rulelink *link);
int rulelink_queue(struct rulelink *link, struct record *record);

#endif
