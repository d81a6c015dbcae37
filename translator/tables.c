/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routing tables of realms, and the ip rules that lead to them. */
#include "translator/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "translator/nft_flows.h"

#define NUMBER_TEXT 16
#define FWMARK      "fwmark "
#define RULE_TEXT   (IF_NAMESIZE + 8) /* "oif eth0", "fwmark 0x1a2b0001" */

/*
 * A realm's rules: for what comes out of its TUN; for what is to leave by one
 * of its interfaces: from sockets that are tied to it; and for what the kernel
 * has translated into it. False: there is no i-th.
 */
static bool rule_at(const struct plan *plan, const struct plan_table *table,
		    size_t i, struct rtnl_rule *ret)
{
	const struct conf_list *names =
		&plan->conf->realms[table->realm].interfaces;
	char tun[PLAN_TUN_NAME];
	const char *name;

	if (i == names->count + 1 && plan->fastpath) {
		*ret = (struct rtnl_rule){ .mark = nft_flows_mark(plan->conf,
								  table->realm),
					   .table = table->number };
		return true;
	}
	if (i > names->count)
		return false;
	name = i == 0 ? plan_tun_name(plan->conf, table->realm, tun) :
			names->items[i - 1];
	*ret = (struct rtnl_rule){ .out = i > 0, .table = table->number };
	snprintf(ret->interface, sizeof(ret->interface), "%s", name);
	return true;
}

static const char *number_format(uint32_t number, char buf[NUMBER_TEXT])
{
	snprintf(buf, NUMBER_TEXT, "%u", number);
	return buf;
}

static const char *rule_format(const struct rtnl_rule *rule,
			       char buf[RULE_TEXT])
{
	if (rule->mark != 0)
		snprintf(buf, RULE_TEXT, FWMARK "0x%08x", rule->mark);
	else
		snprintf(buf, RULE_TEXT, "%s %s", rule->out ? "oif" : "iif",
			 rule->interface);
	return buf;
}

static int rule_parse(const struct record_item *item, struct rtnl_rule *ret)
{
	struct rtnl_rule rule = { .out = strncmp(item->object, "oif ", 4) == 0,
				  .table = (uint32_t)strtoul(item->detail, NULL,
							     10) };

	if (strncmp(item->object, FWMARK, strlen(FWMARK)) == 0) {
		rule.mark = (uint32_t)strtoul(item->object + strlen(FWMARK),
					      NULL, 16);
		*ret = rule;
		return rule.mark != 0 ? 0 : -EBADMSG;
	}
	if (!rule.out && strncmp(item->object, "iif ", 4) != 0)
		return -EBADMSG;
	snprintf(rule.interface, sizeof(rule.interface), "%s",
		 item->object + 4);
	*ret = rule;
	return 0;
}

static int want_table(const struct plan *plan, const struct plan_table *table,
		      struct record *record)
{
	char number[NUMBER_TEXT], text[RULE_TEXT];
	struct rtnl_rule rule;
	int err = record_want(record, RECORD_ROUTES,
			      number_format(table->number, number), "", "");

	for (size_t i = 0; err == 0 && rule_at(plan, table, i, &rule); i++)
		err = record_want(record, RECORD_RULE, rule_format(&rule, text),
				  number, "");
	return err;
}

bool tables_needed(const struct conf *conf)
{
	for (size_t i = 0; i < conf->realm_count; i++)
		if (plan_table_needed(conf, (realm_id)i))
			return true;
	return false;
}

int tables_want(const struct plan *plan, struct record *record)
{
	int err = 0;

	for (size_t i = 0; i < plan->table_count && err == 0; i++)
		err = want_table(plan, &plan->tables[i], record);
	return err;
}

static bool has_route(const struct plan_table *table,
		      const struct rtnl_route *route)
{
	for (size_t i = 0; i < table->route_count; i++)
		if (rtnl_route_equal(&table->routes[i], route))
			return true;
	return false;
}

static int remove_route(struct rtnl *rtnl, const struct rtnl_route *route)
{
	int err = rtnl_route_remove(rtnl, route);

	return err == -ESRCH ? 0 : err;
}

/* First what is new, then without what is not wanted: there is no gap. */
static int fill_table(struct rtnl *rtnl, const struct plan_table *table,
		      const struct rtnl_host *now)
{
	int err = 0;

	for (size_t i = 0; i < table->route_count && err == 0; i++) {
		err = rtnl_route_append(rtnl, &table->routes[i]);
		if (err == -EEXIST)
			err = 0;
	}
	for (size_t i = 0; i < now->route_count && err == 0; i++)
		if (!has_route(table, &now->routes[i]))
			err = remove_route(rtnl, &now->routes[i]);
	return err;
}

static int check_table(struct rtnl *rtnl, const struct plan_table *table,
		       const struct record *record)
{
	struct rtnl_host now = { 0 };
	char number[NUMBER_TEXT];
	int err;

	if (record_find(record, RECORD_ROUTES,
			number_format(table->number, number), NULL) != NULL)
		return 0;
	err = rtnl_routes_read(rtnl, table->number, &now);
	if (err == 0 && now.route_count > 0)
		err = -EEXIST;
	rtnl_host_done(&now);
	return err;
}

int tables_check(struct rtnl *rtnl, const struct plan *plan,
		 const struct record *record, FILE *errors)
{
	for (size_t i = 0; i < plan->table_count; i++) {
		int err = check_table(rtnl, &plan->tables[i], record);

		if (err == 0)
			continue;
		fprintf(errors, "routing table %u: %s\n",
			plan->tables[i].number,
			err == -EEXIST ? "is in use: set routing_table" :
					 strerror(-err));
		return err;
	}
	return 0;
}

int tables_follow(struct rtnl *rtnl, const struct plan_table *table)
{
	struct rtnl_host now = { 0 };
	int err = rtnl_routes_read(rtnl, table->number, &now);

	if (err == 0)
		err = fill_table(rtnl, table, &now);
	rtnl_host_done(&now);
	return err;
}

static int make_rule(struct rtnl *rtnl, const struct rtnl_rule *rule,
		     const struct record *record)
{
	char number[NUMBER_TEXT], text[RULE_TEXT];
	const struct record_item *item =
		record_find(record, RECORD_RULE, rule_format(rule, text),
			    number_format(rule->table, number));
	int err = rtnl_rule_add(rtnl, rule);

	return err == -EEXIST && item != NULL && item->earlier ? 0 : err;
}

int tables_make(struct rtnl *rtnl, const struct plan *plan,
		const struct record *record, FILE *errors)
{
	char text[RULE_TEXT];
	struct rtnl_rule rule;
	int err = 0;

	for (size_t i = 0; i < plan->table_count && err == 0; i++) {
		const struct plan_table *table = &plan->tables[i];

		err = tables_follow(rtnl, table);
		if (err != 0)
			fprintf(errors, "routing table %u: %s\n", table->number,
				strerror(-err));
		for (size_t k = 0; err == 0 && rule_at(plan, table, k, &rule);
		     k++) {
			err = make_rule(rtnl, &rule, record);
			if (err != 0)
				fprintf(errors, "ip rule %s lookup %u: %s\n",
					rule_format(&rule, text), rule.table,
					strerror(-err));
		}
	}
	return err;
}

int tables_undo_routes(struct rtnl *rtnl, const struct record_item *item)
{
	struct rtnl_host now = { 0 };
	int err = rtnl_routes_read(rtnl,
				   (uint32_t)strtoul(item->object, NULL, 10),
				   &now);

	for (size_t i = 0; i < now.route_count && err == 0; i++)
		err = remove_route(rtnl, &now.routes[i]);
	rtnl_host_done(&now);
	return err;
}

int tables_undo_rule(struct rtnl *rtnl, const struct record_item *item)
{
	struct rtnl_rule rule;
	int err = rule_parse(item, &rule);

	if (err == 0)
		err = rtnl_rule_remove(rtnl, &rule);
	return err == -ENOENT ? 0 : err;
}
