/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and acknowledgements to bytes and back, for the SOCK_SEQPACKET link
 * between natctl (client) and the translator (server). One record a message;
 * all numbers big-endian; every field is checked when it is decoded.
 *
 * The talk: both send WIRE_HELLO first. natctl then sends WIRE_SYNC_BEGIN, its
 * rules in WIRE_PUT records, WIRE_SYNC_END: rules that were not put in between
 * are removed at the end. From then on WIRE_PUT (add or replace by id) and
 * WIRE_DELETE, each all or nothing. Every WIRE_PUT, WIRE_DELETE and
 * WIRE_SYNC_END, also those of the synchronisation, is answered by WIRE_ACK
 * with the same sequence number, in the order in which they were sent; a
 * hello is answered only when it is refused (WIRE_REALMS). An acknowledged
 * change holds for every packet that arrives after the acknowledgement.
 *
 * WIRE_LATCHED, which nobody answers, tells natctl of each port of a rule that
 * has latched, and once more of those that a WIRE_PUT does not know of: the
 * translator's word holds for the round that both have.
 *
 * WIRE_WATCH, which is not answered, and WIRE_ACTIVITY, which comes unasked,
 * have their members in watchwire.h.
 */
#ifndef VIADUCT_COMMON_RULEWIRE_H
#define VIADUCT_COMMON_RULEWIRE_H

#include "common/rule.h"

#define WIRE_VERSION 1
#define WIRE_MAX     (192 * 1024) /* bytes of a record */

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_SYNC_BEGIN,
	WIRE_SYNC_END,
	WIRE_PUT,
	WIRE_DELETE,
	WIRE_ACK,
	WIRE_LATCHED,
	WIRE_WATCH,
	WIRE_ACTIVITY,
};

enum wire_status {
	WIRE_OK,
	WIRE_BAD_RECORD, /* could not be decoded; the link is closed */
	WIRE_CONFLICT,   /* another rule has that outer endpoint */
	WIRE_NO_MEMORY,
	WIRE_REALMS, /* the two programs were started with other realms */
};

struct wire_head {
	uint32_t seq;
	uint8_t type; /* enum wire_type */
};

/* Names of the realms in the order of their ids, and the sender's epoch. */
struct wire_hello {
	uint64_t epoch;
	uint16_t realm_count;
	char realms[REALM_MAX][REALM_NAME_MAX];
};

/* A port of a rule has latched on to this remote. */
struct wire_latched {
	uint64_t id;
	uint32_t round;
	uint16_t offset; /* of the port */
	struct endpoint remote;
};

/* Builds one record in the caller's buffer. */
struct wire_writer {
	uint8_t *data;
	size_t size; /* of the buffer */
	size_t used; /* bytes of the record so far */
	uint16_t count;
};

/*
 * wire_begin starts a record; wire_add_* appends to it: 0, or -ENOSPC when
 * the record would not fit (it is then as it was before). `used` bytes of
 * `data` are the record at any time.
 */
int wire_begin(struct wire_writer *writer, uint8_t *data, size_t size,
	       struct wire_head head);
int wire_add_hello(struct wire_writer *writer, const struct wire_hello *hello);
int wire_add_rule(struct wire_writer *writer, const struct rule *rule);
int wire_add_id(struct wire_writer *writer, uint64_t id); /* DELETE */
int wire_add_status(struct wire_writer *writer, enum wire_status status);
int wire_add_latched(struct wire_writer *writer,
		     const struct wire_latched *latched);
int wire_add_bytes(struct wire_writer *writer, const void *data, size_t size);

/* Reads one record from a buffer that it does not change. */
struct wire_reader {
	const uint8_t *data;
	size_t size;
	size_t offset;
	struct wire_head head;
	uint16_t count; /* rules (PUT) or ids (DELETE) not yet read */
};

/* 0, or -EBADMSG: not a record of this version. */
int wire_open(struct wire_reader *reader, const uint8_t *data, size_t size);
/*
 * 0, or -EBADMSG. wire_read_rule writes at most `max` conditions to
 * `conditions` and points ret->conditions at them; more: -EBADMSG. Every
 * invariant of struct rule has been checked when it returns 0.
 */
int wire_read_hello(struct wire_reader *reader, struct wire_hello *ret);
int wire_read_rule(struct wire_reader *reader,
		   struct rule_condition *conditions, size_t max,
		   struct rule *ret);
int wire_read_id(struct wire_reader *reader, uint64_t *ret);
int wire_read_status(struct wire_reader *reader, enum wire_status *ret);
int wire_read_latched(struct wire_reader *reader, struct wire_latched *ret);
int wire_read_bytes(struct wire_reader *reader, enum wire_type type, void *ret,
		    size_t size);
/* -EBADMSG when bytes or members are left over. */
int wire_close(const struct wire_reader *reader);

/*
 * Order of conditions: longer source prefix first, within it the narrower
 * port range, then by address and first port. 0 only for equal source and
 * ports.
 */
int rule_condition_compare(const struct rule_condition *a,
			   const struct rule_condition *b);
/*
 * Sorts and checks. -EEXIST: two of the same prefix have port ranges that
 * overlap without one containing the other, or are equal (requirement M2d);
 * *ret_a and *ret_b then tell which two (places in the sorted array).
 */
int rule_conditions_sort(struct rule_condition *conditions, size_t count,
			 size_t *ret_a, size_t *ret_b);
/* The same check of conditions that are sorted already. */
int rule_conditions_check(const struct rule_condition *conditions, size_t count,
			  size_t *ret_a, size_t *ret_b);

#endif
