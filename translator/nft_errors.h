/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of the main table for ICMP errors of this host's own kernel.
 *
 * When the kernel cannot deliver what the translator wrote into a TUN, its
 * error quotes the translated packet, and would go to somebody who knows it
 * under other addresses. Such an error is drawn into the TUN of the realm that
 * it failed in: the translator turns it round like that of any router there.
 * Its source becomes the dummy address for this (RFC 7600), as the host's own
 * may be in a pool. What no realm can be told for is withheld.
 *
 * What quotes a destination that its receiver knows by that address leaves as
 * it is: it was sent to the host itself, or failed before its translation.
 */
#ifndef VIADUCT_TRANSLATOR_NFT_ERRORS_H
#define VIADUCT_TRANSLATOR_NFT_ERRORS_H

#include <stdio.h>

#include "translator/plan.h"

/*
 * The gateway of every clone as well. Nothing answers for it and nothing is
 * sent to it: the TUN takes whatever is routed there.
 */
#define NFT_DUMMY_ADDRESS "192.0.0.8"
/*
 * Of IPv6, the source alone (of the discard prefix, RFC 6666). A clone's gateway
 * is another one for each TUN, which has a route to it.
 */
#define NFT_DUMMY_ADDRESS6 "100::8"

/* Into the realm's TUN, in place of where it would go. */
void nft_errors_dup(FILE *out, const struct plan *plan, realm_id realm,
		    uint8_t family);
/*
 * Chains, of which "errors" is the one with a hook; counter "withheld".
 * `family`: enum ip_family.
 */
void nft_errors_text(FILE *out, const struct plan *plan, uint8_t family);
/* The condition of a rule: an ICMP error about a packet from these ports. */
void nft_errors_about_own(FILE *out, const struct plan_own *own);

#endif
