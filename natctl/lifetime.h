/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long leases live: refresh, release, expiry. */
#ifndef VIADUCT_NATCTL_LIFETIME_H
#define VIADUCT_NATCTL_LIFETIME_H

#include "natctl/task.h"

int lifetime_refresh(struct task *task); /* a task_fn */
int lifetime_release(struct task *task); /* a task_fn */
/* Ends the leases whose lifetime is over. */
void lifetime_expire(struct manager *manager, uint64_t now_ms);

#endif
