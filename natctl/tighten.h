/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other conditions and remotes for leases, all or none, without a gap. */
#ifndef VIADUCT_NATCTL_TIGHTEN_H
#define VIADUCT_NATCTL_TIGHTEN_H

#include "natctl/task.h"

int tighten_do(struct task *task); /* a task_fn */

#endif
