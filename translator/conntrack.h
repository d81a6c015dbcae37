/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries with our mark in the kernel's conntrack table: made, removed, read.
 * The only place that names libnetfilter_conntrack.
 */
#ifndef VIADUCT_TRANSLATOR_CONNTRACK_H
#define VIADUCT_TRANSLATOR_CONNTRACK_H

#include <stddef.h>

#include "common/endpoint.h"

#define CONNTRACK_BATCH_MAX 64

struct conntrack;

/*
 * A UDP flow of IPv4: a packet from src to dst leaves from back_dst to
 * back_src, one from back_src to back_dst leaves from dst to src. Realms are
 * those that packets arrive from, by the mark. Its src and dst are those of
 * one zone, the others are in zone 0: an entry has room for one only.
 */
struct conntrack_entry {
	struct endpoint src;
	struct endpoint dst;
	struct endpoint back_src;
	struct endpoint back_dst;
	uint32_t mark;
	uint16_t zone;       /* of src and dst */
	uint64_t packets[2]; /* of those told: there, back */
};

/*
 * Told are the entries whose mark begins with `tag` (mark.h). 0 or -Exxx: this
 * kernel has no conntrack, or we have no right to it.
 */
int conntrack_new(uint32_t tag, struct conntrack **ret);
void conntrack_free(struct conntrack *conntrack);
/* Readable when an entry has ended. */
int conntrack_fd(const struct conntrack *conntrack);

/*
 * These take up to CONNTRACK_BATCH_MAX, and tell of each in results[]: 0;
 * created: -EEXIST, one of its directions is there, -ENOMEM, the table is
 * full; removed: -ENOENT, there was none. What is returned other than 0 is
 * for all: it is not known how far the kernel came.
 */
int conntrack_create(struct conntrack *conntrack,
		     const struct conntrack_entry *entries, size_t count,
		     int *results);
int conntrack_remove(struct conntrack *conntrack,
		     const struct conntrack_entry *entries, size_t count,
		     int *results);

/*
 * Those with these src and dst in their zone, whosever they are, in the same way: each is
 * filled anew where the result is 0; -ENOENT. Its realms mean something only
 * when its mark is ours.
 */
int conntrack_read(struct conntrack *conntrack, struct conntrack_entry *entries,
		   size_t count, int *results);

typedef void (*conntrack_fn)(const struct conntrack_entry *entry, void *arg);
/* All that there are. `fn` must not use the conntrack. */
int conntrack_each(struct conntrack *conntrack, conntrack_fn fn, void *arg);
/*
 * Those that have ended since, however, with their last counters; does not
 * wait. Before conntrack_remove returns it is known here. -ENOBUFS: some ends
 * were missed.
 */
int conntrack_ended(struct conntrack *conntrack, conntrack_fn fn, void *arg);

#endif
