/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that only look: list, pools, status. */
#ifndef VIADUCT_NATCTL_INSPECT_H
#define VIADUCT_NATCTL_INSPECT_H

#include "natctl/task.h"

/* Each is a task_fn. */
int inspect_list(struct task *task);
int inspect_pools(struct task *task);
int inspect_status(struct task *task);

#endif
