/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mark of our entries in the kernel's conntrack table: whose they are, and
 * between which realms. Pure.
 *
 *     31 ... 16      15 ... 8           7 ... 0
 *     the edge's tag realm of the first realm of the other
 *                    packet's source    side
 */
#ifndef VIADUCT_TRANSLATOR_MARK_H
#define VIADUCT_TRANSLATOR_MARK_H

#include "common/endpoint.h"

#define MARK_TAG  0xffff0000U
#define MARK_FROM 0x0000ff00U
#define MARK_TO   0x000000ffU

_Static_assert(REALM_MAX <= 256, "a realm takes 8 bits of the mark");

/* What the entries of the edge with this nft table have in common. */
uint32_t mark_tag(const char *table);
uint32_t mark_of(uint32_t tag, realm_id from, realm_id to);
realm_id mark_from(uint32_t mark);
realm_id mark_to(uint32_t mark);

#endif
