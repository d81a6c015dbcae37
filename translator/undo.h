/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes back what a record tells of. */
#ifndef VIADUCT_TRANSLATOR_UNDO_H
#define VIADUCT_TRANSLATOR_UNDO_H

#include <stdio.h>

#include "translator/record.h"
#include "translator/rtnl.h"

/*
 * Latest first, so that forwarding ends before the guard goes: all items, or
 * only those that are not wanted. What could be undone leaves the record; what
 * is gone already counts as undone, and so does a sysctl that somebody has
 * changed since. The rest stays, with a line in `errors` each: -EIO.
 */
int undo(struct record *record, bool all, struct rtnl *rtnl, FILE *errors);

#endif
