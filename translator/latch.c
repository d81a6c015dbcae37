/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the ports of a rule have latched on to. Pure. */
#include "translator/latch.h"

#include <stdlib.h>

enum latch_state { LATCH_OPEN, LATCH_BEING_SET, LATCH_SET };

struct latch *latch_new(const struct rule_latch *from)
{
	struct latch *latch = calloc(1, sizeof(*latch));

	if (!latch)
		return NULL;
	latch->prefix = from->prefix;
	latch->round = from->round;
	for (size_t i = 0; i < RULE_LATCH_PORTS; i++) {
		bool set = from->remotes[i].addr.family != IP_NONE;

		latch->ports[i].remote = from->remotes[i];
		atomic_init(&latch->ports[i].state, set ? LATCH_SET : 0);
	}
	return latch;
}

bool latch_read(const struct latch *latch, uint16_t offset,
		struct endpoint *ret)
{
	const struct latch_port *port = &latch->ports[offset];

	if (atomic_load_explicit(&port->state, memory_order_acquire) !=
	    LATCH_SET)
		return false;
	*ret = port->remote;
	return true;
}

bool latch_take(struct latch *latch, uint16_t offset,
		const struct endpoint *remote)
{
	struct latch_port *port = &latch->ports[offset];
	int state = LATCH_OPEN;

	if (!atomic_compare_exchange_strong(&port->state, &state,
					    LATCH_BEING_SET))
		return false;
	port->remote = *remote;
	atomic_store_explicit(&port->state, LATCH_SET, memory_order_release);
	return true;
}

void latch_copy(const struct latch *latch, struct rule_latch *ret)
{
	*ret = (struct rule_latch){ .prefix = latch->prefix,
				    .round = latch->round };
	for (uint16_t i = 0; i < RULE_LATCH_PORTS; i++)
		latch_read(latch, i, &ret->remotes[i]);
}
