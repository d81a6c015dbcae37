/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's end of the rule link, on a real socket: keeps which rules
 * are in force, and misbehaves when it is told to.
 */
#ifndef VIADUCT_TESTS_NATCTL_FAKE_TRANSLATOR_H
#define VIADUCT_TESTS_NATCTL_FAKE_TRANSLATOR_H

#include "common/watchwire.h"

#define FAKE_IDS (1 << 18)

struct event_base;
struct event;

struct fake_translator {
	struct event_base *base;         /* not owned */
	const struct realm_names *names; /* not owned */
	int listener;
	int fd;                  /* -1: natctl is not connected */
	struct event *accepting; /* owned */
	struct event *reading;   /* owned while connected */
	/* What it does wrong. */
	bool is_silent;          /* acknowledges nothing */
	bool is_deaf;            /* reads nothing */
	enum wire_status refuse; /* acknowledges rules so (WIRE_OK: well) */
	/* What it has seen. */
	unsigned connections;
	unsigned synchronisations;
	unsigned longest_removal;  /* ids of a record */
	size_t rules;              /* in force */
	struct wire_watch watched; /* the last */
	bool in_force[FAKE_IDS];   /* by id */
	bool in_sync[FAKE_IDS];    /* put since SYNC_BEGIN */
	bool is_syncing;
	uint8_t buffer[WIRE_MAX];
};

void fake_translator_start(struct fake_translator *fake,
			   struct event_base *base, const char *path,
			   const struct realm_names *names);
void fake_translator_stop(struct fake_translator *fake);
/* Closes the connection; it can be made again. Rules stay. */
void fake_translator_hang_up(struct fake_translator *fake);
/* Reads again after is_deaf. */
void fake_translator_listen(struct fake_translator *fake);
/* Sends bytes as a record. */
void fake_translator_send(struct fake_translator *fake, const void *data,
			  size_t size);

#endif
