/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases that survive the manager: a file to which every change is appended
 * before it is answered, and which is written anew when little of it is still
 * true. It survives kill -9, not the machine: its clock is that of one boot.
 *
 * A file is frames: magic, length, its complement, CRC-32, and
 * that many bytes. The first
 * holds what the file is for, each other the entries of one commit. A frame
 * that is cut off at the end was never answered for and is left out; anything
 * else that is wrong makes the file useless, and the manager begins anew.
 */
#ifndef VIADUCT_NATCTL_JOURNAL_H
#define VIADUCT_NATCTL_JOURNAL_H

#include "natctl/kept.h"

#define JOURNAL_COMPACT_MIN 8192 /* entries, before the file is written anew */

struct journal;

struct journal_options {
	const char *path;                /* copied */
	const char *boot;                /* names the boot; copied */
	const struct realm_names *names; /* not owned */
	/* Adds (keeper_add) all that is true now. */
	void (*tell_all)(const struct keeper *keeper, void *arg);
	/* One entry of the file that was found. */
	void (*on_entry)(const struct kept_entry *entry, void *arg);
	void *arg;
};

/*
 * Reads what is there: *epoch becomes that of the file. *ret_found false:
 * there is no file of use, one was begun with *epoch as it is, and on_entry
 * was not called. 0 or -Exxx: the file cannot be read or written.
 */
int journal_open(const struct journal_options *options, uint64_t *epoch,
		 bool *ret_found, struct journal **ret_journal);
/* The file stays. */
void journal_close(struct journal *journal);

/* With a struct journal as keeper. */
extern const struct keeper_ops journal_ops;

#endif
