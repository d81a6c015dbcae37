/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netsetup changed on the host, in a file: so that a later start finds
 * what an earlier one made, and a teardown restores what was before.
 */
#ifndef VIADUCT_TRANSLATOR_RECORD_H
#define VIADUCT_TRANSLATOR_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum record_kind {
	RECORD_TABLE,  /* name; family, or "" for ip */
	RECORD_TUN,    /* name */
	RECORD_ROUTE,  /* prefix; TUN, or "" for a blackhole */
	RECORD_PROXY,  /* address; interface */
	RECORD_SYSCTL, /* key; value before */
	RECORD_PORTS,  /* added to ip_local_reserved_ports */
	RECORD_ROUTES, /* number of a routing table of our own */
	RECORD_RULE,   /* "iif NAME" or "oif NAME"; number of the table */
};

struct record_item {
	enum record_kind kind;
	char *object; /* owned */
	char *detail; /* owned; "" where the kind has none */
	char *after; /* owned; RECORD_SYSCTL: the value that was set; else "" */
	bool earlier; /* was in the file */
	bool wanted;  /* by the present configuration */
};

struct record {
	struct record_item *items; /* owned; in the order of making */
	size_t count;
};

/*
 * Reads the file; none, or one of another boot or network namespace, is an
 * empty record: what it tells of is gone. 0, -EBADMSG: not such a file, -Exxx.
 */
int record_load(const char *path, struct record *ret);
/* The file is there, old or new, at any moment. */
int record_save(const struct record *record, const char *path);
void record_done(struct record *record);

/* By object, and by detail unless that is NULL. NULL: not there. */
struct record_item *record_find(const struct record *record,
				enum record_kind kind, const char *object,
				const char *detail);
/*
 * Marks as wanted the one that is there (for RECORD_SYSCTL its value before
 * stays), or adds it at the end. 0 or -ENOMEM.
 */
int record_want(struct record *record, enum record_kind kind,
		const char *object, const char *detail, const char *after);
/* Members move: walk backwards when removing. */
void record_remove(struct record *record, size_t i);

#endif
