/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has spoken with whom through a one-way rule: an originating rule admits
 * only remotes that its inner endpoint has sent to, a terminating one is the
 * source only towards remotes that have sent to it. Several threads may use it at
 * once. Pure; bounded.
 */
#ifndef VIADUCT_TRANSLATOR_PERMIT_H
#define VIADUCT_TRANSLATOR_PERMIT_H

#include "common/rule.h"

#define PERMITS_MAX          65536
#define PERMITS_PER_RULE_MAX 64

struct permit_key {
	uint64_t rule;          /* the serial of its first publication */
	struct endpoint remote; /* valid in the rule's outer realm */
	uint16_t offset;        /* which of the rule's ports */
	uint8_t kind;           /* of the rule: enum rule_kind */
};

struct permits;

/* The last permit of a rule has gone. */
typedef void (*permits_last_fn)(uint64_t rule, void *arg);

/* NULL: no memory. `seed`: random, keys the hashes. */
struct permits *permits_new(uint64_t seed);
void permits_free(struct permits *permits);
size_t permits_count(const struct permits *permits);
/* `on_last` (NULL: none) is called by permits_reap, of rules that have none. */
void permits_watch(struct permits *permits, permits_last_fn on_last, void *arg);
/* One thread calls it, after what may have removed one, and now and then. */
void permits_reap(struct permits *permits);

/* Is there one that was refreshed less than `timer` seconds ago? */
bool permits_has(const struct permits *permits, const struct permit_key *key,
		 uint32_t timer, uint64_t now_ms);
/* The same, whatever the remote's port. */
bool permits_has_address(const struct permits *permits,
			 const struct permit_key *key, uint32_t timer,
			 uint64_t now_ms);
/*
 * Adds or refreshes. Where a limit is reached the one that was refreshed
 * longest ago makes room: of the rule, or of a sixteenth of all rules. Without memory nothing is
 * added: the next packet tries again.
 */
void permits_refresh(struct permits *permits, const struct permit_key *key,
		     uint32_t timer, uint64_t now_ms);
/*
 * A TCP segment passes: adds (never for a reset; not at all unless `add`) or
 * refreshes, and follows the session. One that is not established lasts
 * TCP_TRANSITORY seconds at most, whatever the timer.
 */
struct permit_segment {
	bool outbound; /* towards the outer realm */
	bool add;
	uint8_t flags; /* enum packet_tcp_flag */
};
void permits_follow(struct permits *permits, const struct permit_key *key,
		    uint32_t timer, const struct permit_segment *segment,
		    uint64_t now_ms);
/* Removes what has run out; call now and then. Returns how many. */
size_t permits_expire(struct permits *permits, uint64_t now_ms);

#endif
