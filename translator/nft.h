/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nft rulesets: their text, and the kernel's tool to load it (libnftables).
 *
 * The *guard* is a table of its own that outlives everything else: between a
 * realm's interface and any other nothing is forwarded but what comes from a
 * TUN and leaves by an interface of that TUN's realm, or what the kernel's NAT
 * has translated. The *main* table draws packets into the TUN of the realm
 * that they come from, in place of forwarding them. It draws clones (dup):
 * the original is dropped before conntrack confirms it, so that the conntrack
 * table never holds an untranslated flow. ICMP errors of the host's own kernel
 * are drawn as well: see nft_errors.h.
 */
#ifndef VIADUCT_TRANSLATOR_NFT_H
#define VIADUCT_TRANSLATOR_NFT_H

#include <stdio.h>

#include "translator/plan.h"

/* The families that have tables. */
#define NFT_IP  "ip"
#define NFT_IP6 "ip6"

/*
 * Complete scripts, to be freed by the caller; each replaces the whole table
 * in one transaction. NULL: no memory.
 */
char *nft_guard_text(const struct plan *plan);
char *nft_main_text(const struct plan *plan);
/*
 * In input: by whose interface a packet comes says which realm it is of, for
 * SIP too. `family`: enum ip_family.
 */
void nft_guard_listeners(FILE *out, const struct plan *plan, uint8_t family);
/*
 * The same of IPv6, without the fast path. Where no realm has any the guard
 * lets none pass a realm's interface, and there is no main table.
 */
char *nft_guard6_text(const struct plan *plan);
char *nft_main6_text(const struct plan *plan);
/* Removes a table, whether or not it is there. */
char *nft_remove_text(const char *family, const char *table);
/* "TABLE_guard"; to be freed by the caller. */
char *nft_guard_name(const char *table);

/*
 * Runs a script; `check`: only asks the kernel whether it would take it. 0, or
 * -EINVAL with what the tool said in *ret_error (to be freed by the caller;
 * NULL: no memory for it).
 */
int nft_run(const char *text, bool check, char **ret_error);

/* Packets that the rulesets dropped, since they were loaded. */
struct nft_counts {
	uint64_t guard_dropped;   /* would have been forwarded untranslated */
	uint64_t guard_misrouted; /* from a TUN, by another realm's interface */
	uint64_t draw_spoofed;    /* source not valid on that interface */
	uint64_t errors_withheld; /* of the kernel, about a packet nowhere */
};

/* 0, or -ENOENT: the tables are not there; -Exxx. */
int nft_counts_read(const char *table, struct nft_counts *ret);

#endif
