/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP errors to ICMPv6 and back, what they quote too (RFC 7915). Pure. */
#ifndef VIADUCT_TRANSLATOR_CROSSING_ICMP_H
#define VIADUCT_TRANSLATOR_CROSSING_ICMP_H

#include "translator/crossing.h"
#include "translator/icmp.h"

/*
 * `packet` and `quoted` are of icmp_open; all of `to` is of the other family.
 * Extensions are left out, and what an ICMPv6 error cannot hold. false: the
 * other family has no such error, and it is as it was.
 */
bool crossing_icmp(struct packet *packet, const struct packet *quoted,
		   const struct icmp_rewrite *to, struct crossed *ret);

#endif
