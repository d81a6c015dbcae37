/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results as JSON. Pure. All return NULL when there is no memory. */
#ifndef VIADUCT_NATCTL_ANSWER_H
#define VIADUCT_NATCTL_ANSWER_H

#include <jansson.h>

#include "natctl/lease.h"
#include "natctl/pool.h"

/*
 * {"epoch", "group", "leases": [...]}, as soon as all are in force; of those
 * that are already, with what is left of their lifetime.
 */
json_t *answer_ask(uint64_t epoch, const struct realm_names *names,
		   struct lease *const *leases, size_t count, uint64_t now_ms);
/* What every event of a lease tells. */
json_t *answer_event(const struct conf *conf, const struct lease *lease,
		     const char *event);
/* Of one lease; what is beyond is counted and not told: it must fit a line. */
#define ANSWER_CONDITIONS_MAX 256

/* One element of what `list` answers. */
json_t *answer_lease(const struct conf *conf, const struct lease *lease,
		     uint64_t now_ms);
/* {NAME: count} */
json_t *answer_count(const char *name, size_t count);
json_t *answer_pools(const struct pool_set *pools,
		     const struct realm_names *names);

#endif
