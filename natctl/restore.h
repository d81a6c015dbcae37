/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases into the keeper's entries, and back. */
#ifndef VIADUCT_NATCTL_RESTORE_H
#define VIADUCT_NATCTL_RESTORE_H

#include "natctl/task.h"

/* Each adds an entry; the caller commits. */
void restore_tell_lease(const struct keeper *keeper, const struct lease *lease,
			uint64_t now_ms);
void restore_tell_expiry(const struct keeper *keeper, const struct lease *lease,
			 uint64_t now_ms);
void restore_tell_end(const struct keeper *keeper, const uint64_t *ids,
		      size_t count, uint64_t now_ms);

#endif
