/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager's journal in RUNDIR: found at the start, kept from then on. */
#ifndef VIADUCT_NATCTL_SURVIVAL_H
#define VIADUCT_NATCTL_SURVIVAL_H

#include <sys/types.h>

#include "natctl/manager.h"

struct journal;

/*
 * RUNDIR/natctl/journal, which belongs to that user, into the manager, and
 * the manager's changes into it. *ret_found: leases of before were found, and
 * their epoch is the manager's. 0 or -Exxx.
 */
int survival_begin(const struct conf *conf, struct manager *manager, uid_t uid,
		   gid_t gid, bool *ret_found, struct journal **ret_journal);

#endif
