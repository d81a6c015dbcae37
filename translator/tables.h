/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routing tables of realms, and the ip rules that lead to them. */
#ifndef VIADUCT_TRANSLATOR_TABLES_H
#define VIADUCT_TRANSLATOR_TABLES_H

#include <stdio.h>

#include "translator/plan.h"
#include "translator/record.h"
#include "translator/rtnl.h"

/* Has a realm of the configuration one? */
bool tables_needed(const struct conf *conf);
/*
 * Before the record is written: a table with routes that no record tells of is
 * somebody else's, -EEXIST. Says what is wrong to `errors`.
 */
int tables_check(struct rtnl *rtnl, const struct plan *plan,
		 const struct record *record, FILE *errors);
/* As entries of the record. 0 or -ENOMEM. */
int tables_want(const struct plan *plan, struct record *record);
/*
 * Makes them what they are in the plan; routes that stay are not touched. Says
 * what fails to `errors`.
 */
int tables_make(struct rtnl *rtnl, const struct plan *plan,
		const struct record *record, FILE *errors);
/* Makes the routes of one table, not its rules, what they are in the plan. */
int tables_follow(struct rtnl *rtnl, const struct plan_table *table);
/* Undo an entry of the record. What is gone already is no error. */
int tables_undo_routes(struct rtnl *rtnl, const struct record_item *item);
int tables_undo_rule(struct rtnl *rtnl, const struct record_item *item);

#endif
