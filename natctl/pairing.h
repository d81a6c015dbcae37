/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which outer address the leases of one inner address have in a realm, so that
 * further ones get the same (RFC 4787 REQ-2, paired pooling). Pure.
 */
#ifndef VIADUCT_NATCTL_PAIRING_H
#define VIADUCT_NATCTL_PAIRING_H

#include "common/endpoint.h"
#include "common/table.h"

struct pairing {
	struct table_node node; /* on pairing_table.table */
	struct endpoint inner;  /* port 0 */
	realm_id realm;         /* of `outer` */
	struct ip_addr outer;   /* that of the first lease, until it is full */
	size_t leases;
};

struct pairing_table {
	struct table table;
	uint64_t seed;
};

int pairing_table_init(struct pairing_table *table, uint64_t seed);
/* Frees the members. Also for one that is all zero. */
void pairing_table_done(struct pairing_table *table);
/* The port of `inner` does not count. */
const struct pairing *pairing_find(const struct pairing_table *table,
				   const struct endpoint *inner,
				   realm_id realm);
/* Counts one lease more, `outer` being its address; NULL: no memory. */
struct pairing *pairing_get(struct pairing_table *table,
			    const struct endpoint *inner, realm_id realm,
			    const struct ip_addr *outer);
/* Counts one lease less; frees it after the last. */
void pairing_put(struct pairing_table *table, struct pairing *pairing);

#endif
