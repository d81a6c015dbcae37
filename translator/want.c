/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as entries of the record. */
#include "translator/want.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "translator/nft.h"
#include "translator/portset.h"
#include "translator/tables.h"

#define STREAM_SECONDS 300 /* RFC 4787, REQ-5 */

int want_devices(const struct conf *conf, struct record *record)
{
	char tun[PLAN_TUN_NAME];
	char *guard = nft_guard_name(conf->table);
	int err;

	if (guard == NULL)
		return -ENOMEM;
	err = record_want(record, RECORD_TABLE, guard, "", "");
	if (err == 0 && sysctl_has_ipv6())
		err = record_want(record, RECORD_TABLE, guard, NFT_IP6, "");
	free(guard);
	if (err == 0)
		err = record_want(record, RECORD_TABLE, conf->table, "", "");
	if (err == 0 && sysctl_has_ipv6())
		err = record_want(record, RECORD_TABLE, conf->table, NFT_IP6,
				  "");
	for (size_t i = 0; i < conf->realm_count && err == 0; i++)
		err = record_want(record, RECORD_TUN,
				  plan_tun_name(conf, (realm_id)i, tun), "",
				  "");
	return err;
}

static int want_routes(const struct want *want)
{
	char prefix[IP_PREFIX_TEXT], tun[PLAN_TUN_NAME];
	int err = 0;

	for (size_t i = 0; i < want->plan->route_count && err == 0; i++) {
		const struct plan_route *route = &want->plan->routes[i];

		ip_prefix_format(&route->prefix, prefix);
		plan_tun_name(want->plan->conf, route->realm, tun);
		err = record_want(want->record, RECORD_ROUTE, prefix, "", "");
		if (err == 0)
			err = record_want(want->record, RECORD_ROUTE, prefix,
					  tun, "");
	}
	return err;
}

/* A value that is so already, and not by us, is none of our business. */
static int want_sysctl(const struct want *want, const char *key,
		       const char *value)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(key, now, sizeof(now));

	if (err != 0)
		return err;
	if (strcmp(now, value) == 0 &&
	    record_find(want->record, RECORD_SYSCTL, key, NULL) == NULL)
		return 0;
	return record_want(want->record, RECORD_SYSCTL, key, now, value);
}

static bool is_our_tun(const struct want *want, const char *interface)
{
	return record_find(want->record, RECORD_TUN, interface, "") != NULL;
}

/*
 * The TUNs need rp_filter 0, and the host's value would outweigh their own:
 * so that goes into every interface, and to 0 itself.
 */
static int want_rp_filter(const struct want *want)
{
	char key[SYSCTL_KEY_MAX], value[16];
	struct dirent *entry;
	unsigned all, own;
	int err = sysctl_read_rp_filter("all", &all);
	DIR *dir;

	if (err != 0 || all == 0)
		return err;
	snprintf(value, sizeof(value), "%u", all);
	dir = opendir("/proc/sys/net/ipv4/conf");
	if (dir == NULL)
		return -errno;
	while (err == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    strcmp(entry->d_name, "all") == 0 ||
		    is_our_tun(want, entry->d_name))
			continue;
		err = sysctl_read_rp_filter(entry->d_name, &own);
		if (err == 0 && own < all)
			err = want_sysctl(want,
					  sysctl_key_conf(entry->d_name,
							  "rp_filter", key),
					  value);
	}
	closedir(dir);
	return err != 0 ? err :
			  want_sysctl(want, "net/ipv4/conf/all/rp_filter", "0");
}

/* What earlier starts added to ip_local_reserved_ports; leaves the record. */
static int take_earlier_ports(const struct want *want, struct portset *ret)
{
	struct portset one;
	int err = 0;

	*ret = (struct portset){ 0 };
	for (size_t i = want->record->count; i-- > 0 && err == 0;) {
		if (want->record->items[i].kind != RECORD_PORTS)
			continue;
		err = portset_parse(want->record->items[i].object, &one);
		if (err != 0)
			break;
		portset_union(ret, &one);
		record_remove(want->record, i);
	}
	return err;
}

/* The pools' ports of the host's own addresses: no socket is given one. */
static int want_ports(struct want *want)
{
	struct portset others, earlier, pools = { 0 };
	char text[SYSCTL_VALUE_MAX];
	int err = sysctl_read(SYSCTL_PORTS, text, sizeof(text));

	if (err == 0)
		err = portset_parse(text, &others);
	if (err == 0)
		err = take_earlier_ports(want, &earlier);
	if (err != 0)
		return err;
	portset_subtract(&others, &earlier);
	for (size_t i = 0; i < want->plan->own_count; i++)
		portset_add(&pools, want->plan->owns[i].ports);
	portset_subtract(&pools, &others);
	portset_union(&others, &pools);
	err = portset_format(&others, want->ports, sizeof(want->ports));
	if (err == 0)
		err = portset_format(&pools, text, sizeof(text));
	if (err != 0 || text[0] == '\0')
		return err;
	return record_want(want->record, RECORD_PORTS, text, "", "");
}

static int want_proxies(const struct want *want)
{
	char key[SYSCTL_KEY_MAX], text[IP_ADDR_TEXT];
	int err = 0;

	for (size_t i = 0; i < want->plan->proxy_count && err == 0; i++) {
		const struct plan_proxy *proxy = &want->plan->proxies[i];
		bool v6 = proxy->addr.family == IP_V6;

		snprintf(key, sizeof(key), "net/%s/neigh/%s/proxy_delay",
			 v6 ? "ipv6" : "ipv4", proxy->interface);
		err = want_sysctl(want, key, "0");
		if (err == 0 && v6)
			err = want_sysctl(want,
					  sysctl_key_conf6(proxy->interface,
							   "proxy_ndp", key),
					  "1");
		if (err == 0)
			err = record_want(want->record, RECORD_PROXY,
					  ip_addr_format(&proxy->addr, text),
					  proxy->interface, "");
	}
	return err;
}

/* A router heeds no advertisements, unless it is told to. */
static int want_advertisements(const struct want *want, const char *interface)
{
	char key[SYSCTL_KEY_MAX], now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(sysctl_key_conf6(interface, "accept_ra", key),
			      now, sizeof(now));

	if (err != 0)
		return err == -ENOENT ? 0 : err;
	if (strcmp(now, "1") == 0 ||
	    record_find(want->record, RECORD_SYSCTL, key, NULL) != NULL)
		return want_sysctl(want, key, "2");
	return 0;
}

static int want_forwarding6(const struct want *want, const char *interface)
{
	char key[SYSCTL_KEY_MAX];
	int err = want_advertisements(want, interface);

	if (err == 0)
		err = want_sysctl(want,
				  sysctl_key_conf6(interface, "forwarding",
						   key),
				  "1");
	return err;
}

/*
 * IPv6 is forwarded by the whole host or not at all, unless the kernel has a
 * switch for the TUNs alone.
 */
static int want_host_forwarding6(const struct want *want)
{
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (!want->plan->ipv6 || sysctl_has_force())
		return 0;
	dir = opendir("/proc/sys/net/ipv6/conf");
	if (dir == NULL)
		return -errno;
	while (err == 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && !is_our_tun(want, entry->d_name))
			err = want_advertisements(want, entry->d_name);
	closedir(dir);
	return err != 0 ?
		       err :
		       want_sysctl(want, "net/ipv6/conf/all/forwarding", "1");
}

/* Proxy ARP is answered only where the interface forwards. */
static int want_forwarding(const struct want *want)
{
	char key[SYSCTL_KEY_MAX];
	int err = 0;

	for (size_t i = 0; i < want->plan->proxy_count && err == 0; i++)
		if (want->plan->proxies[i].addr.family == IP_V6)
			err = want_forwarding6(
				want, want->plan->proxies[i].interface);
		else
			err = want_sysctl(want,
					  sysctl_key_conf(want->plan->proxies[i]
								  .interface,
							  "forwarding", key),
					  "1");
	return err != 0 ? err : want_host_forwarding6(want);
}

/* No shorter than that: others may rely on more. */
static int want_at_least(const struct want *want, const char *key,
			 unsigned long least)
{
	char now[SYSCTL_VALUE_MAX], value[32];
	const struct record_item *item;
	int err = sysctl_read(key, now, sizeof(now));

	if (err != 0)
		return err;
	item = record_find(want->record, RECORD_SYSCTL, key, NULL);
	if (item == NULL && strtoul(now, NULL, 10) >= least)
		return 0;
	snprintf(value, sizeof(value), "%lu", least);
	return want_sysctl(want, key, value);
}

/*
 * What the kernel's entries need: counters, a word when one ends, and a while
 * of silence that is not shorter than that of a call on hold.
 */
static int want_fastpath(const struct want *want)
{
	char key[SYSCTL_KEY_MAX];
	int err;

	if (!want->plan->fastpath)
		return 0;
	err = want_sysctl(want, "net/netfilter/nf_conntrack_acct", "1");
	if (err == 0)
		err = want_sysctl(want, "net/netfilter/nf_conntrack_events",
				  "1");
	if (err == 0)
		err = want_at_least(
			want, "net/netfilter/nf_conntrack_udp_timeout_stream",
			STREAM_SECONDS);
	for (size_t i = 0; i < want->plan->interface_count && err == 0; i++)
		err = want_sysctl(want,
				  sysctl_key_conf(want->plan->interfaces[i].name,
						  "forwarding", key),
				  "1");
	return err;
}

/*
 * Where another realm has the same addresses an interface answers ARP for its
 * own only, and the way back to a source is looked for by any interface: the
 * ruleset checks it in the realm's own table.
 */
static int want_apart(const struct want *want)
{
	static const struct {
		const char *name;
		const char *value;
	} values[] = { { "arp_ignore", "1" }, { "arp_announce", "2" } };
	char key[SYSCTL_KEY_MAX];
	int err = 0;

	for (size_t i = 0; i < want->plan->interface_count && err == 0; i++) {
		const struct plan_interface *at = &want->plan->interfaces[i];

		if (plan_table_of(want->plan, at->realm) == NULL)
			continue;
		for (size_t k = 0; k < 2 && err == 0; k++)
			err = want_sysctl(want,
					  sysctl_key_conf(at->name,
							  values[k].name, key),
					  values[k].value);
		if (err == 0 && at->rp_filter == PLAN_RP_STRICT)
			err = want_sysctl(want,
					  sysctl_key_conf(at->name, "rp_filter",
							  key),
					  "2");
	}
	return err;
}

int want_plan(struct want *want)
{
	int err = want_devices(want->plan->conf, want->record);

	if (err == 0)
		err = want_routes(want);
	if (err == 0)
		err = tables_want(want->plan, want->record);
	if (err == 0)
		err = want_rp_filter(want);
	if (err == 0)
		err = want_apart(want);
	if (err == 0)
		err = want_ports(want);
	if (err == 0)
		err = want_proxies(want);
	if (err == 0)
		err = want_forwarding(want);
	if (err == 0)
		err = want_fastpath(want);
	return err;
}

int want_rp_filter_before(const struct record *record, const char *interface,
			  unsigned *ret)
{
	char key[SYSCTL_KEY_MAX], now[SYSCTL_VALUE_MAX];
	const struct record_item *item;
	int err = sysctl_read(sysctl_key_conf(interface, "rp_filter", key), now,
			      sizeof(now));

	if (err != 0)
		return err;
	item = record_find(record, RECORD_SYSCTL, key, NULL);
	if (item != NULL && strcmp(item->after, now) == 0)
		*ret = (unsigned)strtoul(item->detail, NULL, 10);
	else
		*ret = (unsigned)strtoul(now, NULL, 10);
	return 0;
}

void want_rp_filter_kept(struct record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		struct record_item *item = &record->items[i];

		if (item->kind == RECORD_SYSCTL &&
		    strstr(item->object, "/rp_filter") != NULL)
			item->wanted = true;
	}
}
