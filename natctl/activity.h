/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Silence: the translator watches the leases that a subscription covers, and
 * says when nothing has passed for so long, and when something does again.
 */
#ifndef VIADUCT_NATCTL_ACTIVITY_H
#define VIADUCT_NATCTL_ACTIVITY_H

#include "natctl/change.h"
#include "natctl/subscription.h"

/* The leases in force are watched from now on, or not any more. */
void activity_begin(const struct manager *manager,
		    const struct subscription *subscription);
void activity_end(const struct manager *manager,
		  const struct subscription *subscription);
/* The leases of an ask are in force. */
void activity_granted(const struct manager *manager,
		      const struct change *change);

#endif
