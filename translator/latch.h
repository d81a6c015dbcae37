/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom the ports of a rule have latched on to (struct rule_latch). A port
 * latches once, whoever of several threads comes first; nobody waits. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_LATCH_H
#define VIADUCT_TRANSLATOR_LATCH_H

#include <stdatomic.h>

#include "common/rule.h"

struct latch_port {
	atomic_int state;       /* enum latch_state */
	struct endpoint remote; /* once it is set; does not change then */
};

struct latch {
	struct ip_prefix prefix;
	uint32_t round;
	struct latch_port ports[RULE_LATCH_PORTS];
};

/* With the ports latched that are so there. NULL: no memory; free() it. */
struct latch *latch_new(const struct rule_latch *from);
/* Whom the port has latched on to; false: nobody so far. */
bool latch_read(const struct latch *latch, uint16_t offset,
		struct endpoint *ret);
/* False: somebody else was faster. */
bool latch_take(struct latch *latch, uint16_t offset,
		const struct endpoint *remote);
void latch_copy(const struct latch *latch, struct rule_latch *ret);

#endif
