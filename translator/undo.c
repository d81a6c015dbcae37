/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes back what a record tells of. */
#include "translator/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "translator/nft.h"
#include "translator/portset.h"
#include "translator/sysctl.h"
#include "translator/tables.h"

static int undo_table(const struct record_item *item)
{
	char *text = nft_remove_text(item->detail[0] != '\0' ? item->detail :
							       NFT_IP,
				     item->object);
	char *said = NULL;
	int err;

	if (text == NULL)
		return -ENOMEM;
	err = nft_run(text, false, &said);
	free(said);
	free(text);
	return err;
}

static int undo_tun(struct rtnl *rtnl, const char *name)
{
	unsigned index = if_nametoindex(name);
	int err;

	if (index == 0)
		return 0;
	err = rtnl_link_remove(rtnl, index);
	return err == -ENODEV ? 0 : err;
}

static int undo_route(struct rtnl *rtnl, const struct record_item *item)
{
	struct rtnl_route route = { 0 };
	int err = ip_prefix_parse(item->object, strlen(item->object),
				  &route.prefix);

	if (err != 0)
		return err;
	if (item->detail[0] != '\0') {
		route.index = if_nametoindex(item->detail);
		if (route.index == 0)
			return 0;
	} else {
		route.metric = rtnl_blackhole_metric(&route.prefix);
	}
	err = rtnl_route_remove(rtnl, &route);
	return err == -ESRCH ? 0 : err;
}

static int undo_proxy(struct rtnl *rtnl, const struct record_item *item)
{
	unsigned index = if_nametoindex(item->detail);
	struct ip_addr addr;
	int err = ip_addr_parse(item->object, strlen(item->object), &addr);

	if (err != 0 || index == 0)
		return err;
	err = rtnl_proxy_remove(rtnl, &addr, index);
	return err == -ENOENT ? 0 : err;
}

static int undo_sysctl(const struct record_item *item)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(item->object, now, sizeof(now));

	if (err == -ENOENT)
		return 0;
	if (err != 0)
		return err;
	if (strcmp(now, item->after) == 0)
		return sysctl_write(item->object, item->detail);
	if (strcmp(now, item->detail) != 0)
		log_warn("sysctl %s: is %s, was set to %s: left as it is",
			 item->object, now, item->after);
	return 0;
}

static int undo_ports(const char *added)
{
	char text[SYSCTL_VALUE_MAX];
	struct portset now, ours;
	int err = sysctl_read(SYSCTL_PORTS, text, sizeof(text));

	if (err == 0)
		err = portset_parse(text, &now);
	if (err == 0)
		err = portset_parse(added, &ours);
	if (err != 0)
		return err;
	portset_subtract(&now, &ours);
	err = portset_format(&now, text, sizeof(text));
	return err != 0 ? err : sysctl_write(SYSCTL_PORTS, text);
}

static int undo_item(const struct record_item *item, struct rtnl *rtnl)
{
	switch (item->kind) {
	case RECORD_TABLE:
		return undo_table(item);
	case RECORD_TUN:
		return undo_tun(rtnl, item->object);
	case RECORD_ROUTE:
		return undo_route(rtnl, item);
	case RECORD_PROXY:
		return undo_proxy(rtnl, item);
	case RECORD_SYSCTL:
		return undo_sysctl(item);
	case RECORD_PORTS:
		return undo_ports(item->object);
	case RECORD_ROUTES:
		return tables_undo_routes(rtnl, item);
	case RECORD_RULE:
		return tables_undo_rule(rtnl, item);
	}
	return -EINVAL;
}

int undo(struct record *record, bool all, struct rtnl *rtnl, FILE *errors)
{
	int result = 0;

	for (size_t i = record->count; i-- > 0;) {
		const struct record_item *item = &record->items[i];
		int err;

		if (item->wanted && !all)
			continue;
		err = undo_item(item, rtnl);
		if (err == 0) {
			record_remove(record, i);
			continue;
		}
		fprintf(errors, "cannot undo %s %s: %s\n", item->object,
			item->detail, strerror(-err));
		result = -EIO;
	}
	return result;
}
