/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the manager, entry by entry, and the seam to who keeps it.
 * Entries to bytes and back; pure.
 */
#ifndef VIADUCT_NATCTL_KEPT_H
#define VIADUCT_NATCTL_KEPT_H

#include "common/rule.h"
#include "natctl/lease.h"
#include "natctl/pool.h"

enum kept_type {
	KEPT_LAST = 1, /* no lease up to this id will be granted any more */
	KEPT_LEASE,    /* granted, or changed */
	KEPT_EXPIRY,   /* refreshed */
	KEPT_END,      /* of leases; they are held from at_ms on */
	KEPT_HOLD,     /* endpoints rest whose leases had ended before */
};

/* Pointers are not owned. */
struct kept_entry {
	enum kept_type type;
	uint64_t at_ms;          /* when it happened; monotonic */
	uint64_t owner;          /* LEASE */
	uint32_t lifetime;       /* LEASE, EXPIRY: seconds */
	uint64_t expires_ms;     /* LEASE, EXPIRY */
	struct lease_key key;    /* LEASE */
	bool preferred;          /* LEASE */
	const struct rule *rule; /* LEASE */
	struct pool_hold hold;   /* HOLD */
	const uint64_t *ids;     /* LAST, EXPIRY: one; END */
	size_t count;            /* of ids */
};

/*
 * Neither fails: what cannot be kept is the keeper's to tell. Entries added
 * before one commit are kept all or none.
 */
struct keeper_ops {
	void (*add)(void *keeper, const struct kept_entry *entry);
	void (*commit)(void *keeper);
};

struct keeper {
	const struct keeper_ops *ops; /* not owned; NULL: nothing is kept */
	void *keeper;                 /* not owned */
};

void keeper_add(const struct keeper *keeper, const struct kept_entry *entry);
void keeper_commit(const struct keeper *keeper);

struct kept_bytes {
	uint8_t *data; /* owned */
	size_t used;
	size_t size;
};

/* Appends. 0, -ENOMEM, or -EMSGSIZE. */
int kept_encode(struct kept_bytes *bytes, const struct kept_entry *entry);

/* What a decoded entry points into. Large: not for the stack. */
struct kept_space {
	struct rule rule;
	struct rule_condition conditions[RULE_CONDITIONS_MAX];
	uint64_t *ids; /* owned */
};

/*
 * Takes the first entry off the bytes. 0, -EBADMSG, or -ENOMEM. *ret lives as
 * long as `space` and until the next call; free(space->ids) at the end.
 */
int kept_decode(const uint8_t **data, size_t *size, struct kept_space *space,
		struct kept_entry *ret);

#endif
