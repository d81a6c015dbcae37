/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New leases, all or none. */
#ifndef VIADUCT_NATCTL_ASK_H
#define VIADUCT_NATCTL_ASK_H

#include "natctl/task.h"

int ask_do(struct task *task); /* a task_fn */

#endif
