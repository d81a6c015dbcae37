/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ask with a key that was carried out before. */
#ifndef VIADUCT_NATCTL_REPEAT_H
#define VIADUCT_NATCTL_REPEAT_H

#include "natctl/task.h"

/*
 * 1: it was, and is answered with the same leases. 0: it was not; *ret_key is
 * for its leases. -EINPROGRESS: it is under way, and who asks gets its answer.
 * -EPROTO: the key was that of another ask.
 */
int repeat_find(struct task *task, const struct request_ask *ask,
		struct lease_key *ret_key);

#endif
