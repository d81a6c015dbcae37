/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the tables for flows that the kernel translates. Their entries
 * say by the mark (mark.h) between which realms they are: a packet is of a flow
 * only on the side where the flow is.
 */
#ifndef VIADUCT_TRANSLATOR_NFT_FLOWS_H
#define VIADUCT_TRANSLATOR_NFT_FLOWS_H

#include <stdio.h>

#include "translator/plan.h"

/*
 * Without a NAT chain the kernel would forward what its entries say untouched:
 * so one is in the guard, where what they say is let through.
 */
void nft_flows_nat(FILE *out);
/*
 * Realms with a routing table of their own. Those of which another one has the
 * addresses: what may be of a flow and comes from there is looked up in the
 * realm's zone; its answers are in zone 0, as are those to what is meant for
 * the host. What is translated into a realm with a table, and the kernel's ICMP
 * errors about what came from there, have a mark by which an ip rule leads to
 * it. Nothing where no realm is such.
 */
void nft_flows_zones(FILE *out, const struct plan *plan);
void nft_flows_routes(FILE *out, const struct plan *plan);
/* That mark. */
uint32_t nft_flows_mark(const struct conf *conf, realm_id realm);
/*
 * Ahead of everything else in forward, and in draw: by the interfaces' index,
 * so that a packet of a flow meets no set. What these do not find, an interface
 * that was made anew or the fifth one, the parts below do, by name.
 */
#define NFT_FLOWS_FIRST 4
void nft_flows_guard_first(FILE *out, const struct plan *plan);
void nft_flows_first(FILE *out, const struct plan *plan);
/* In forward: what is translated leaves by its realm's interfaces only. */
void nft_flows_guard(FILE *out, const struct plan *plan);
/*
 * In the realm's draw: flows of the kernel go on. Not a packet with IP options,
 * which could name or collect addresses: the translator looks at it.
 */
void nft_flows_pass(FILE *out, const struct plan *plan, realm_id realm);

#endif
