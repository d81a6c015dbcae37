/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several packets are going to look up is fetched into the cache before
 * the first one is translated, so that they wait for memory together. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_AHEAD_H
#define VIADUCT_TRANSLATOR_AHEAD_H

#include "translator/translate.h"

#define AHEAD_MAX 16 /* packets at a time */

struct ahead_packet { /* as a TUN gives it */
	uint8_t *data;
	size_t len;
	struct ruleset_ahead known; /* of its look-ups; to be told to them */
};

/*
 * All from realm `from`. Fills in what is then known of each: nothing while
 * the rules are so few that they are in the cache anyway.
 */
void ahead_fetch(const struct translate_context *context, realm_id from,
		 struct ahead_packet *packets, size_t count);

#endif
