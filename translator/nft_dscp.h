/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the rulesets that marks what leaves into a realm (RFC 2474). */
#ifndef VIADUCT_TRANSLATOR_NFT_DSCP_H
#define VIADUCT_TRANSLATOR_NFT_DSCP_H

#include <stdio.h>

#include "translator/plan.h"

/*
 * A chain for what is forwarded, by the TUN or by the kernel alone; nothing
 * where no realm sets it.
 */
void nft_dscp(FILE *out, const struct plan *plan, enum ip_family family);

#endif
