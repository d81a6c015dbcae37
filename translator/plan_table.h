/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Realms that have a routing table of their own: those with a gateway, and
 * those whose addresses another realm has as well. For these the host's main
 * table cannot tell by which interface to send. Pure.
 */
#ifndef VIADUCT_TRANSLATOR_PLAN_TABLE_H
#define VIADUCT_TRANSLATOR_PLAN_TABLE_H

#include <stdio.h>

#include "common/conf.h"
#include "translator/rtnl.h"

struct plan_table {
	realm_id realm;
	uint32_t number;
	/*
	 * The host's routes by the realm's interfaces, as they are in the main
	 * table; the gateway; nowhere, behind them all.
	 */
	struct rtnl_route *routes; /* owned */
	size_t route_count;
};

bool plan_table_needed(const struct conf *conf, realm_id realm);
/*
 * The conntrack zone of what comes from a realm whose addresses another one has
 * as well: the number of its table. 0: there is none such.
 */
uint16_t plan_zone(const struct conf *conf, realm_id realm);
/*
 * 0; -EINVAL: the gateway is on none of the realm's links; -ENOMEM. On failure
 * *ret is untouched.
 */
int plan_table_make(const struct conf *conf, realm_id realm,
		    const struct rtnl_host *host, struct plan_table *ret);
void plan_table_done(struct plan_table *table);

#endif
