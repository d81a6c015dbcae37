/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SPINE: what the translator needs of the host, step by step. */
#include "config.h"

#include "translator/netsetup.h"

#include <cap-ng.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "translator/nft.h"
#include "translator/plan.h"
#include "translator/record.h"
#include "translator/sysctl.h"
#include "translator/tables.h"
#include "translator/tun.h"
#include "translator/undo.h"
#include "translator/want.h"

#define RECORD_NAME "netsetup.state"
/*
 * Packets that wait in a TUN. The kernel takes the core away for longer than
 * the 500 that it would have there last; more would be late when they are read.
 */
#define TUN_QUEUE 4096

struct setup {
	const struct conf *conf;
	FILE *errors;
	char record_path[PATH_MAX];
	struct rtnl *rtnl;
	struct rtnl_host host;
	struct plan plan;
	struct record record;
	char *guard_name;
	struct want want;
};

static int failed(const struct setup *setup, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Says what, and why; returns err. */
static int failed(const struct setup *setup, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(setup->errors, format, args);
	va_end(args);
	fprintf(setup->errors, ": %s\n", strerror(-err));
	return err;
}

static int setup_init(struct setup *setup, const struct conf *conf,
		      FILE *errors)
{
	int len, err;

	*setup = (struct setup){ .conf = conf, .errors = errors };
	len = snprintf(setup->record_path, sizeof(setup->record_path),
		       "%s/" RECORD_NAME, conf->rundir);
	if (len < 0 || (size_t)len >= sizeof(setup->record_path))
		return failed(setup, -ENAMETOOLONG, "%s", conf->rundir);
	setup->guard_name = nft_guard_name(conf->table);
	if (setup->guard_name == NULL)
		return failed(setup, -ENOMEM, "set-up");
	err = rtnl_new(&setup->rtnl);
	if (err != 0)
		return failed(setup, err, "rtnetlink");
	err = record_load(setup->record_path, &setup->record);
	if (err != 0)
		return failed(setup, err, "%s", setup->record_path);
	return 0;
}

static void setup_done(struct setup *setup)
{
	record_done(&setup->record);
	plan_done(&setup->plan);
	rtnl_host_done(&setup->host);
	rtnl_free(setup->rtnl);
	free(setup->guard_name);
}

/* The stricter of the host's and the interface's own value holds. */
static int make_plan(struct setup *setup)
{
	unsigned all, own;
	int err = rtnl_read(setup->rtnl, &setup->host);

	if (err == 0 && tables_needed(setup->conf))
		err = rtnl_routes_read(setup->rtnl, 0, &setup->host);
	if (err != 0)
		return failed(setup, err, "interfaces");
	err = plan_make(setup->conf, &setup->host, setup->errors, &setup->plan);
	if (err != 0)
		return err;
	err = want_rp_filter_before(&setup->record, "all", &all);
	for (size_t i = 0; i < setup->plan.interface_count && err == 0; i++) {
		struct plan_interface *at = &setup->plan.interfaces[i];

		err = want_rp_filter_before(&setup->record, at->name, &own);
		if (err == 0)
			at->rp_filter = own > all ? own : all;
	}
	return err != 0 ? failed(setup, err, "rp_filter") : 0;
}

/* 0, or -EOPNOTSUPP with what the kernel said (to be freed by the caller). */
static int probe_rule(const struct setup *setup, const char *family,
		      const char *chain, const char *rule, char **ret_said)
{
	const char *table = setup->conf->table;
	char *text;
	int err;

	*ret_said = NULL;
	if (asprintf(&text,
		     "add table %s %s_probe\n"
		     "add chain %s %s_probe c { type %s hook prerouting "
		     "priority -150; }\n"
		     "add rule %s %s_probe c %s\n",
		     family, table, family, table, chain, family, table,
		     rule) < 0)
		return -ENOMEM;
	err = nft_run(text, true, ret_said);
	free(text);
	return err != 0 ? -EOPNOTSUPP : 0;
}

/* Asks the kernel for each thing that the ruleset is made of. */
static int probe_nft(const struct setup *setup)
{
	static const struct {
		const char *family;
		const char *rule;
		const char *what;
	} features[] = {
		{ NFT_IP, "counter accept",
		  "nftables (CONFIG_NF_TABLES_IPV4)" },
		{ NFT_IP, "fib daddr type unicast accept",
		  "nftables' fib (CONFIG_NFT_FIB_IPV4)" },
		{ NFT_IP, "dup to 127.0.0.1 device \"lo\" drop",
		  "nftables' dup (CONFIG_NFT_DUP_IPV4)" },
		{ NFT_IP6, "fib daddr type local accept",
		  "nftables' fib of IPv6 (CONFIG_NFT_FIB_IPV6)" },
		{ NFT_IP6, "dup to ::1 device \"lo\" drop",
		  "nftables' dup of IPv6 (CONFIG_NFT_DUP_IPV6)" },
	};

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		char *said;
		int err;

		if (strcmp(features[i].family, NFT_IP6) == 0 &&
		    !setup->plan.ipv6)
			continue;
		err = probe_rule(setup, features[i].family, "filter",
				 features[i].rule, &said);
		if (err != 0)
			fprintf(setup->errors, "this kernel lacks %s: %s\n",
				features[i].what, said != NULL ? said : "");
		free(said);
		if (err != 0)
			return err;
	}
	return 0;
}

/* Without conntrack every packet comes by a TUN. */
static void probe_conntrack(struct setup *setup)
{
	struct plan *plan = &setup->plan;
	char *said;

	plan->conntrack = probe_rule(setup, NFT_IP, "filter",
				     "ct status dnat notrack", &said) == 0;
	free(said);
	if (!plan->conntrack)
		log_warn("this kernel lacks nftables' conntrack "
			 "(CONFIG_NFT_CT): no fast path");
	plan->fastpath = plan->fastpath && plan->conntrack;
	if (!plan->fastpath)
		return;
	plan->fastpath = probe_rule(setup, NFT_IP, "nat",
				    "ct mark & 1 == 1 accept", &said) == 0;
	free(said);
	if (!plan->fastpath)
		log_warn("this kernel lacks nftables' NAT (CONFIG_NFT_NAT): "
			 "no fast path");
}

static int probe(const struct setup *setup)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		return failed(setup, -EPERM, "CAP_NET_ADMIN is missing");
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return failed(setup, -errno,
			      "/dev/net/tun (CONFIG_TUN, module \"tun\")");
	return probe_nft(setup);
}

/* All that will be changed is on record before anything is. */
static int open_record(struct setup *setup)
{
	int err;

	setup->want.plan = &setup->plan;
	setup->want.record = &setup->record;
	err = want_plan(&setup->want);
	if (err == 0)
		err = record_save(&setup->record, setup->record_path);
	return err != 0 ? failed(setup, err, "%s", setup->record_path) : 0;
}

/* Takes over `text`. */
static int load(const struct setup *setup, const char *table, char *text)
{
	char *said;
	int err;

	if (text == NULL)
		return failed(setup, -ENOMEM, "table %s", table);
	err = nft_run(text, false, &said);
	free(text);
	if (err != 0)
		fprintf(setup->errors, "table %s: %s\n", table,
			said != NULL ? said : strerror(-err));
	free(said);
	return err;
}

static int tune_tun(const char *name)
{
	static const struct {
		const char *name;
		const char *value;
	} values[] = {
		/* Sources of one realm come out of the TUN of another. */
		{ "rp_filter", "0" },
		/* The edge's own addresses are sources as well. */
		{ "accept_local", "1" },
	};
	char key[SYSCTL_KEY_MAX];
	int err = 0;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values) && err == 0;
	     i++)
		err = sysctl_write(sysctl_key_conf(name, values[i].name, key),
				   values[i].value);
	return err;
}

/* No address of its own, and no router solicitations to the translator. */
static int tune_tun6(const char *name, bool ipv6)
{
	static const struct {
		const char *name;
		const char *value;
	} values[] = { { "addr_gen_mode", "1" },
		       { "accept_ra", "0" },
		       { "router_solicitations", "0" },
		       { "disable_ipv6", "0" } };
	char key[SYSCTL_KEY_MAX];
	int err = 0;

	if (!ipv6) {
		err = sysctl_write(sysctl_key_conf6(name, "disable_ipv6", key),
				   "1");
		return err == -ENOENT ? 0 : err;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(*values) && err == 0;
	     i++)
		err = sysctl_write(sysctl_key_conf6(name, values[i].name, key),
				   values[i].value);
	return err;
}

/* Where clones go: by one neighbour, whatever their destination. */
static int make_gateway6(const struct setup *setup, realm_id realm,
			 unsigned index)
{
	struct ip_addr gateway = plan_gateway6(realm);
	struct rtnl_route route = { .prefix = ip_prefix_of(&gateway),
				    .index = index };

	ip_addr_parse("fe80::1", strlen("fe80::1"), &route.gateway);
	return rtnl_route_add(setup->rtnl, &route, true);
}

static int make_tun(const struct setup *setup, realm_id realm, int *ret_fd)
{
	char name[PLAN_TUN_NAME];
	int err;
	int fd = tun_open(plan_tun_name(setup->conf, realm, name));

	if (fd < 0)
		return failed(setup, fd, "%s", name);
	err = tune_tun(name);
	if (err == 0)
		err = tune_tun6(name, setup->plan.ipv6);
	if (err == 0)
		err = rtnl_link_up(setup->rtnl, if_nametoindex(name),
				   setup->plan.mtu, TUN_QUEUE);
	if (err == 0 && setup->plan.ipv6)
		err = make_gateway6(setup, realm, if_nametoindex(name));
	if (err != 0) {
		close(fd);
		return failed(setup, err, "%s", name);
	}
	*ret_fd = fd;
	return 0;
}

/* A queue of it for one more worker. */
static int add_queue(const struct setup *setup, realm_id realm, int *ret_fd)
{
	char name[PLAN_TUN_NAME];
	int fd = tun_open(plan_tun_name(setup->conf, realm, name));

	if (fd < 0)
		return failed(setup, fd, "%s", name);
	*ret_fd = fd;
	return 0;
}

static int make_tuns(const struct setup *setup, struct netsetup_tuns *tuns)
{
	int err = 0;

	for (size_t i = 0; i < setup->conf->realm_count && err == 0; i++) {
		err = make_tun(setup, (realm_id)i, &tuns->fds[0][i]);
		for (size_t w = 1; w < tuns->count && err == 0; w++)
			err = add_queue(setup, (realm_id)i, &tuns->fds[w][i]);
	}
	return err;
}

static int make_route(const struct setup *setup, const struct ip_prefix *prefix,
		      const char *tun)
{
	struct rtnl_route route = { .prefix = *prefix };
	char text[IP_PREFIX_TEXT];
	struct record_item *item;
	int err;

	ip_prefix_format(prefix, text);
	item = record_find(&setup->record, RECORD_ROUTE, text, tun);
	if (tun[0] != '\0')
		route.index = if_nametoindex(tun);
	else
		route.metric = rtnl_blackhole_metric(prefix);
	err = rtnl_route_add(setup->rtnl, &route,
			     item != NULL && item->earlier);
	return err != 0 ? failed(setup, err, "route %s %s", text,
				 tun[0] != '\0' ? tun : "blackhole") :
			  0;
}

static int make_routes(const struct setup *setup)
{
	char tun[PLAN_TUN_NAME];
	int err = 0;

	for (size_t i = 0; i < setup->plan.route_count && err == 0; i++) {
		const struct plan_route *route = &setup->plan.routes[i];

		err = make_route(setup, &route->prefix, "");
		if (err == 0)
			err = make_route(setup, &route->prefix,
					 plan_tun_name(setup->conf,
						       route->realm, tun));
	}
	return err;
}

static int make_proxies(const struct setup *setup)
{
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < setup->plan.proxy_count; i++) {
		const struct plan_proxy *proxy = &setup->plan.proxies[i];
		int err = rtnl_proxy_add(setup->rtnl, &proxy->addr,
					 if_nametoindex(proxy->interface));

		if (err != 0)
			return failed(setup, err, "proxy neighbour %s on %s",
				      ip_addr_format(&proxy->addr, text),
				      proxy->interface);
	}
	return 0;
}

static int set_sysctl(const struct setup *setup, const char *key,
		      const char *value)
{
	char now[SYSCTL_VALUE_MAX];
	int err = sysctl_read(key, now, sizeof(now));

	if (err == 0 && strcmp(now, value) != 0)
		err = sysctl_write(key, value);
	return err != 0 ? failed(setup, err, "sysctl %s", key) : 0;
}

/* Forwarding comes last: those of the record, then the TUNs. */
static int set_sysctls(const struct setup *setup)
{
	char tun[PLAN_TUN_NAME], key[SYSCTL_KEY_MAX];
	int err = set_sysctl(setup, SYSCTL_PORTS, setup->want.ports);

	for (size_t i = 0; i < setup->record.count && err == 0; i++) {
		const struct record_item *item = &setup->record.items[i];

		if (item->kind == RECORD_SYSCTL && item->wanted)
			err = set_sysctl(setup, item->object, item->after);
	}
	for (size_t i = 0; i < setup->conf->realm_count && err == 0; i++) {
		plan_tun_name(setup->conf, (realm_id)i, tun);
		err = set_sysctl(setup, sysctl_key_conf(tun, "forwarding", key),
				 "1");
		if (err == 0 && setup->plan.ipv6)
			err = set_sysctl(setup,
					 sysctl_key_conf6(tun, "forwarding",
							  key),
					 "1");
		if (err == 0 && setup->plan.ipv6 && sysctl_has_force())
			err = set_sysctl(setup,
					 sysctl_key_conf6(tun,
							  "force_forwarding",
							  key),
					 "1");
	}
	return err;
}

/* What an earlier start made and this configuration does not want. */
static int drop_stale(struct setup *setup)
{
	int err;

	want_rp_filter_kept(&setup->record);
	err = undo(&setup->record, false, setup->rtnl, setup->errors);
	if (err != 0)
		return err;
	err = record_save(&setup->record, setup->record_path);
	return err != 0 ? failed(setup, err, "%s", setup->record_path) : 0;
}

/* The steps, in their order. */
static int setup_run(struct setup *setup, struct netsetup_tuns *tuns)
{
	int err = make_plan(setup);

	if (err == 0)
		err = probe(setup);
	if (err == 0)
		probe_conntrack(setup);
	if (err == 0)
		err = tables_check(setup->rtnl, &setup->plan, &setup->record,
				   setup->errors);
	if (err == 0)
		err = open_record(setup);
	if (err == 0)
		err = load(setup, setup->guard_name,
			   nft_guard_text(&setup->plan));
	if (err == 0 && sysctl_has_ipv6())
		err = load(setup, setup->guard_name,
			   nft_guard6_text(&setup->plan));
	if (err == 0)
		err = make_tuns(setup, tuns);
	if (err == 0)
		err = load(setup, setup->conf->table,
			   nft_main_text(&setup->plan));
	if (err == 0 && sysctl_has_ipv6())
		err = load(setup, setup->conf->table,
			   nft_main6_text(&setup->plan));
	if (err == 0)
		err = make_routes(setup);
	if (err == 0)
		err = tables_make(setup->rtnl, &setup->plan, &setup->record,
				  setup->errors);
	if (err == 0)
		err = make_proxies(setup);
	if (err == 0)
		err = set_sysctls(setup);
	if (err == 0)
		err = drop_stale(setup);
	return err;
}

static void close_tuns(struct netsetup_tuns *tuns)
{
	for (size_t w = 0; w < tuns->count; w++)
		for (size_t i = 0; i < REALM_MAX; i++)
			if (tuns->fds[w][i] >= 0)
				close(tuns->fds[w][i]);
}

int netsetup_start(const struct conf *conf, FILE *errors,
		   struct netsetup_tuns *tuns, bool *ret_fastpath)
{
	struct setup setup;
	int err;

	memset(tuns->fds, 0xff, sizeof(tuns->fds)); /* each is -1 */
	err = setup_init(&setup, conf, errors);
	if (err == 0)
		err = setup_run(&setup, tuns);
	*ret_fastpath = err == 0 && setup.plan.fastpath;
	if (err != 0)
		close_tuns(tuns);
	setup_done(&setup);
	return err;
}

int netsetup_teardown(const struct conf *conf, FILE *errors)
{
	struct setup setup;
	int err = setup_init(&setup, conf, errors);

	/* These have names of their own: they go even if the record is lost. */
	if (err == 0)
		err = want_devices(conf, &setup.record);
	if (err == 0)
		err = undo(&setup.record, true, setup.rtnl, errors);
	if (err == 0) {
		if (unlink(setup.record_path) < 0 && errno != ENOENT)
			err = failed(&setup, -errno, "%s", setup.record_path);
	} else if (setup.record.count > 0) {
		record_save(&setup.record, setup.record_path);
	}
	setup_done(&setup);
	return err;
}
