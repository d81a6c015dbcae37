/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records for the translator: built, waiting to be sent or acknowledged. */
#ifndef VIADUCT_NATCTL_RECORD_H
#define VIADUCT_NATCTL_RECORD_H

#include "common/list.h"
#include "common/rulewire.h"
#include "natctl/translator.h"

struct record {
	struct list node; /* on record_queue.unsent or .sent */
	uint32_t seq;
	uint8_t type;            /* enum wire_type */
	translator_done_fn done; /* NULL: nobody waits */
	void *arg;
	uint64_t sent_ms;
	size_t size;
	uint8_t data[];
};

/* In the order of sending. Their sum is what the link has under way. */
struct record_queue {
	struct list unsent; /* owned: records */
	struct list sent;   /* owned: records that are not acknowledged */
	size_t count;       /* of both */
	size_t bytes;       /* of unsent */
};

void record_queue_init(struct record_queue *queue);
/*
 * Moves all to `ret_all`, oldest first; the queue is empty then. `between` is
 * one that was taken off unsent and has not been sent; NULL: none.
 */
void record_queue_take_all(struct record_queue *queue, struct record *between,
			   struct list *ret_all);
/* Takes it over. */
void record_queue_add(struct record_queue *queue, struct record *record);
/* Of either list the first; NULL: none. */
struct record *record_queue_unsent(const struct record_queue *queue);
struct record *record_queue_sent(const struct record_queue *queue);
/* Takes the first off the list; it is the caller's. NULL: none. */
struct record *record_queue_pop_unsent(struct record_queue *queue);
struct record *record_queue_pop_sent(struct record_queue *queue);
/* It was sent: takes it over, frees it where it is never acknowledged. */
void record_queue_add_sent(struct record_queue *queue, struct record *record,
			   uint64_t now_ms);
/* Has its place before what is synchronised. */
bool record_is_opening(const struct record *record);

/*
 * 0, or -EMSGSIZE: too large for a record; -ENOMEM. `buffer` is of WIRE_MAX
 * bytes.
 */
int record_new_hello(uint32_t seq, uint64_t epoch,
		     const struct realm_names *names, uint8_t *buffer,
		     struct record **ret);
int record_new_rules(uint32_t seq, const struct rule *rules, size_t count,
		     uint8_t *buffer, struct record **ret);
int record_new_ids(uint32_t seq, const uint64_t *ids, size_t count,
		   uint8_t *buffer, struct record **ret);
int record_new_watches(uint32_t seq, const struct wire_watch *watches,
		       size_t count, uint8_t *buffer, struct record **ret);
/* One without members: WIRE_SYNC_BEGIN, WIRE_SYNC_END. */
int record_new_mark(uint32_t seq, enum wire_type type, uint8_t *buffer,
		    struct record **ret);
/* The rule in force with the next greater id; NULL: none. */
typedef const struct rule *(*record_next_fn)(void *arg, uint64_t id);

/*
 * The next record of the synchronisation: as many rules after *id as fit, or,
 * with a *ret_count of 0, its end. *id becomes that of the last rule in it.
 */
int record_new_sync(uint32_t seq, record_next_fn next, void *arg, uint64_t *id,
		    uint8_t *buffer, struct record **ret, size_t *ret_count);

/* 0, or -EBADMSG: no hello; -EINVAL: of other realms; -ENOMEM. */
int record_read_hello(struct wire_reader *reader,
		      const struct realm_names *names);
/* As translator_done_fn has it; -ECONNRESET: the link is of no use. */
int record_result(enum wire_status status);

#endif
