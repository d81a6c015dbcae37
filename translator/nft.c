/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nft rulesets: their text, and the kernel's tool to load it. */
#include "config.h"

#include "translator/nft.h"

#include <errno.h>
#include <jansson.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "translator/nft_dscp.h"
#include "translator/nft_errors.h"
#include "translator/nft_flows.h"

#define NFT_NO_LINK_LAYER "65534" /* ARPHRD_NONE */

/* A text that grows. */
struct text {
	char *data;
	size_t size;
	FILE *file;
};

static bool text_open(struct text *text)
{
	*text = (struct text){ 0 };
	text->file = open_memstream(&text->data, &text->size);
	return text->file != NULL;
}

static char *text_close(struct text *text)
{
	bool failed = ferror(text->file) != 0;

	if (fclose(text->file) != 0 || failed) {
		free(text->data);
		return NULL;
	}
	return text->data;
}

static void text_replace(FILE *out, const char *family, const char *table,
			 const char *suffix)
{
	fprintf(out,
		"add table %s %s%s\n"
		"delete table %s %s%s\n"
		"table %s %s%s {\n",
		family, table, suffix, family, table, suffix, family, table,
		suffix);
}

/* { "viaduct0", "viaduct1" } */
static void text_tuns(FILE *out, const struct conf *conf)
{
	char name[PLAN_TUN_NAME];

	for (size_t i = 0; i < conf->realm_count; i++)
		fprintf(out, "%s\"%s\"", i == 0 ? "{ " : ", ",
			plan_tun_name(conf, (realm_id)i, name));
	fputs(" }", out);
}

static void text_interfaces(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->interface_count; i++)
		fprintf(out, "%s\"%s\"", i == 0 ? "{ " : ", ",
			plan->interfaces[i].name);
	fputs(" }", out);
}

/* { "viaduct0" . "eth1", ... }: a realm's TUN, and its interfaces. */
static void text_ways(FILE *out, const struct plan *plan)
{
	char name[PLAN_TUN_NAME];

	for (size_t i = 0; i < plan->interface_count; i++)
		fprintf(out, "%s\"%s\" . \"%s\"", i == 0 ? "{ " : ", ",
			plan_tun_name(plan->conf, plan->interfaces[i].realm,
				      name),
			plan->interfaces[i].name);
	fputs(" }", out);
}

/* What is left of the guard: the end of every way through an interface. */
static void text_drop(FILE *out, const struct plan *plan)
{
	text_interfaces(out, plan);
	fputs(" counter name \"dropped\" drop\n\t\toifname ", out);
	text_interfaces(out, plan);
	fputs(" counter name \"dropped\" drop\n\t}\n}\n", out);
}

static bool knows_listener(const struct conf *conf, realm_id realm,
			   const struct endpoint *at)
{
	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct conf_listen *listen = &conf->listens[i];

		if ((listen->realm == realm ||
		     conf_reaches(conf, realm, listen->realm)) &&
		    conf_listens_on(listen, &at->addr, at->port))
			return true;
	}
	return false;
}

static void text_guard_listener(FILE *out, const struct plan *plan,
				const struct plan_interface *by,
				const struct conf_listen *listen,
				uint8_t family)
{
	const struct endpoint *done[CONF_TRANSPORTS];
	size_t count = 0;
	char addr[IP_ADDR_TEXT];

	for (unsigned i = 0; i < CONF_TRANSPORTS; i++) {
		const struct endpoint *at = conf_listen_at(listen, i);
		bool is_done = false;

		if (!at || at->addr.family != family ||
		    knows_listener(plan->conf, by->realm, at))
			continue;
		for (size_t k = 0; k < count; k++)
			is_done |= endpoint_equal(done[k], at);
		if (is_done)
			continue;
		done[count++] = at;
		fprintf(out,
			"\t\tiifname \"%s\" %s daddr %s "
			"meta l4proto { tcp, udp } th dport %u "
			"counter name \"dropped\" drop\n",
			by->name, family == IP_V6 ? NFT_IP6 : NFT_IP,
			ip_addr_format(&at->addr, addr), (unsigned)at->port);
	}
}

void nft_guard_listeners(FILE *out, const struct plan *plan, uint8_t family)
{
	const struct conf *conf = plan->conf;

	for (size_t i = 0; i < plan->interface_count * conf->listen_count; i++)
		text_guard_listener(out, plan,
				    &plan->interfaces[i / conf->listen_count],
				    &conf->listens[i % conf->listen_count],
				    family);
}

char *nft_guard_text(const struct plan *plan)
{
	struct text text;
	FILE *out;

	if (!text_open(&text))
		return NULL;
	out = text.file;
	text_replace(out, NFT_IP, plan->conf->table, "_guard");
	fputs("\tcounter dropped { }\n"
	      "\tcounter misrouted { }\n"
	      "\tchain input {\n"
	      "\t\ttype filter hook input priority filter; policy accept;\n",
	      out);
	nft_guard_listeners(out, plan, IP_V4);
	fputs("\t}\n", out);
	if (plan->fastpath) {
		nft_flows_nat(out);
		nft_flows_zones(out, plan);
		nft_flows_routes(out, plan);
	}
	fputs("\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy accept;\n",
	      out);
	if (plan->fastpath)
		nft_flows_guard_first(out, plan);
	fputs("\t\tiifname . oifname ", out);
	text_ways(out, plan);
	fputs(" accept\n\t\tiifname ", out);
	text_tuns(out, plan->conf);
	fputs(" counter name \"misrouted\" drop\n", out);
	if (plan->fastpath)
		nft_flows_guard(out, plan);
	if (plan->conntrack)
		fputs("\t\tct status dnat accept\n"
		      "\t\tct status snat accept\n",
		      out);
	fputs("\t\tiifname ", out);
	text_drop(out, plan);
	return text_close(&text);
}

/* Is it the first of those with its port? */
static bool is_first_listener(const struct conf *conf, size_t place)
{
	const struct endpoint *udp = &conf->listens[place].udp;

	if (udp->addr.family != IP_V4)
		return false;
	for (size_t i = 0; i < place; i++)
		if (conf->listens[i].udp.addr.family == IP_V4 &&
		    conf->listens[i].udp.port == udp->port)
			return false;
	return true;
}

/*
 * Untracked, by the port and address that are ours: "daddr" or "saddr" ... One
 * port is quickly compared: most packets are of no listener.
 */
static void text_listeners(FILE *out, const struct conf *conf,
			   const char *addr_word, const char *port_word)
{
	char addr[IP_ADDR_TEXT];

	for (size_t i = 0; i < conf->listen_count; i++) {
		uint16_t port = conf->listens[i].udp.port;
		const char *before = "{ ";

		if (!is_first_listener(conf, i))
			continue;
		fprintf(out, "\t\tudp %s %u ip %s ", port_word, (unsigned)port,
			addr_word);
		for (size_t k = i; k < conf->listen_count; k++) {
			const struct endpoint *udp = &conf->listens[k].udp;

			if (udp->addr.family != IP_V4 || udp->port != port)
				continue;
			fprintf(out, "%s%s", before,
				ip_addr_format(&udp->addr, addr));
			before = ", ";
		}
		fputs(" } notrack\n", out);
	}
}

/*
 * Only what is ours: a stateful firewall of the host needs the rest. That a
 * TUN has no link layer is quicker to see than its name.
 */
static void text_notrack(FILE *out, const struct conf *conf)
{
	fputs("\tchain notrack_in {\n"
	      "\t\ttype filter hook prerouting priority raw; policy accept;\n"
	      "\t\tiiftype " NFT_NO_LINK_LAYER " iifname ",
	      out);
	text_tuns(out, conf);
	fputs(" notrack accept\n", out);
	text_listeners(out, conf, "daddr", "dport");
	fputs("\t}\n"
	      "\tchain notrack_out {\n"
	      "\t\ttype filter hook output priority raw; policy accept;\n",
	      out);
	text_listeners(out, conf, "saddr", "sport");
	fputs("\t}\n", out);
}

/*
 * The strict check of a source in a realm with a routing table of its own: a
 * look-up of the kernel's would ask the main one.
 */
static void text_sources(FILE *out, const struct plan_table *table,
			 const struct plan_interface *at)
{
	char prefix[IP_PREFIX_TEXT];
	const char *between = "{ ";

	for (size_t i = 0; i < table->route_count; i++)
		if (table->routes[i].index == at->index &&
		    table->routes[i].prefix.bits == 0)
			return;
	fprintf(out, "\t\tiifname \"%s\" ", at->name);
	for (size_t i = 0; i < table->route_count; i++) {
		if (table->routes[i].index != at->index)
			continue;
		fprintf(out, "%s%s", between[0] == '{' ? "ip saddr != " : "",
			between);
		fputs(ip_prefix_format(&table->routes[i].prefix, prefix), out);
		between = ", ";
	}
	fprintf(out, "%scounter name \"spoofed\" drop\n",
		between[0] == '{' ? "" : " } ");
}

static void text_source_check(FILE *out, const struct plan *plan,
			      const struct plan_interface *at)
{
	const struct plan_table *table = plan_table_of(plan, at->realm);

	if (at->rp_filter == PLAN_RP_OFF)
		return;
	if (table == NULL)
		fprintf(out,
			"\t\tiifname \"%s\" fib saddr%s oif missing "
			"counter name \"spoofed\" drop\n",
			at->name,
			at->rp_filter == PLAN_RP_STRICT ? " . iif" : "");
	else if (at->rp_filter == PLAN_RP_STRICT)
		text_sources(out, table, at);
}

/* Into the TUN of the realm, in place of the way that it would have taken. */
static void text_take(FILE *out, const struct plan *plan, realm_id realm)
{
	char name[PLAN_TUN_NAME];

	fprintf(out, "\tchain take_%u {\n", (unsigned)realm);
	for (size_t i = 0; i < plan->interface_count; i++)
		if (plan->interfaces[i].realm == realm)
			text_source_check(out, plan, &plan->interfaces[i]);
	/* Where another realm has the addresses, one of it may be the host's. */
	fprintf(out,
		"\t\tfib saddr%s type local counter name \"spoofed\" drop\n"
		"\t\tdup to " NFT_DUMMY_ADDRESS " device \"%s\" drop\n"
		"\t}\n",
		plan_table_of(plan, realm) != NULL ? " . iif" : "",
		plan_tun_name(plan->conf, realm, name));
}

/*
 * Answers to queries by identifier, but for those of the host itself, and
 * errors about queries: the quoted identifier is 4 bytes behind an IP header
 * without options.
 */
static void text_own_queries(FILE *out, const struct plan_own *own,
			     realm_id realm)
{
	char addr[IP_ADDR_TEXT];

	ip_addr_format(&own->addr, addr);
	fprintf(out,
		"\t\tip daddr %s icmp type { echo-reply, timestamp-reply } "
		"@th,32,16 %u-%u ct state != established goto take_%u\n"
		"\t\tip daddr %s icmp type { destination-unreachable, "
		"time-exceeded, parameter-problem } @th,64,8 0x45 @th,136,8 1 "
		"@th,160,32 0x%08x @th,256,16 %u-%u goto take_%u\n",
		addr, (unsigned)own->ports.first, (unsigned)own->ports.last,
		(unsigned)realm, addr, ip_addr_to_v4(&own->addr),
		(unsigned)own->ports.first, (unsigned)own->ports.last,
		(unsigned)realm);
}

/* Ports of an address of the host: packets to them, and ICMP errors. */
static void text_own(FILE *out, const struct plan_own *own, realm_id realm)
{
	char addr[IP_ADDR_TEXT];

	fprintf(out,
		"\t\tip daddr %s meta l4proto { tcp, udp } th dport %u-%u "
		"goto take_%u\n\t\t",
		ip_addr_format(&own->addr, addr), (unsigned)own->ports.first,
		(unsigned)own->ports.last, (unsigned)realm);
	nft_errors_about_own(out, own);
	fprintf(out, " goto take_%u\n", (unsigned)realm);
	if (own->dynamic)
		text_own_queries(out, own, realm);
}

/* The host's addresses that belong to somebody else, seen from the realm. */
static void text_others(FILE *out, const struct plan *plan, realm_id realm)
{
	char addr[IP_ADDR_TEXT];

	for (size_t i = 0; i < plan->local_count; i++) {
		const struct plan_local *local = &plan->locals[i];

		if (local->addr.family != IP_V4 ||
		    !plan_is_others(plan, realm, local))
			continue;
		fprintf(out, "\t\tmeta pkttype host ip daddr %s goto take_%u\n",
			ip_addr_format(&local->addr, addr), (unsigned)realm);
	}
}

static void text_draw_realm(FILE *out, const struct plan *plan, realm_id realm)
{
	text_take(out, plan, realm);
	fprintf(out, "\tchain draw_%u {\n", (unsigned)realm);
	if (plan->fastpath)
		nft_flows_pass(out, plan, realm);
	for (size_t i = 0; i < plan->own_count; i++)
		if (plan->owns[i].addr.family == IP_V4 &&
		    (plan->owns[i].realm == realm ||
		     conf_reaches(plan->conf, realm, plan->owns[i].realm)))
			text_own(out, &plan->owns[i], realm);
	text_others(out, plan, realm);
	/* `unicast`: neither the host's own, nor broadcast, nor multicast. */
	fprintf(out,
		"\t\tmeta pkttype host fib daddr type unicast "
		"ip daddr != 169.254.0.0/16 goto take_%u\n"
		"\t}\n",
		(unsigned)realm);
}

/*
 * Is there nothing to learn from conntrack before a packet is drawn? Then it
 * is not asked: it would make an entry for each packet, and throw it away.
 */
static bool draws_early(const struct plan *plan)
{
	if (plan->fastpath)
		return false;
	for (size_t i = 0; i < plan->own_count; i++)
		if (plan->owns[i].dynamic)
			return false;
	return true;
}

static void text_draw(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->conf->realm_count; i++)
		text_draw_realm(out, plan, (realm_id)i);
	fprintf(out,
		"\tchain draw {\n"
		"\t\ttype filter hook prerouting priority %s; "
		"policy accept;\n",
		draws_early(plan) ? "raw" : "-150");
	if (plan->fastpath)
		nft_flows_first(out, plan);
	fputs("\t\tiifname vmap ", out);
	for (size_t i = 0; i < plan->interface_count; i++)
		fprintf(out, "%s\"%s\" : goto draw_%u", i == 0 ? "{ " : ", ",
			plan->interfaces[i].name,
			(unsigned)plan->interfaces[i].realm);
	fputs(" }\n\t}\n", out);
}

char *nft_main_text(const struct plan *plan)
{
	struct text text;

	if (!text_open(&text))
		return NULL;
	text_replace(text.file, NFT_IP, plan->conf->table, "");
	fputs("\tcounter spoofed { }\n", text.file);
	if (plan->conntrack)
		text_notrack(text.file, plan->conf);
	text_draw(text.file, plan);
	nft_errors_text(text.file, plan, IP_V4);
	nft_dscp(text.file, plan, IP_V4);
	fputs("}\n", text.file);
	return text_close(&text);
}

char *nft_remove_text(const char *family, const char *table)
{
	char *text;

	if (asprintf(&text, "add table %s %s\ndelete table %s %s\n", family,
		     table, family, table) < 0)
		return NULL;
	return text;
}

char *nft_guard_name(const char *table)
{
	char *name;

	return asprintf(&name, "%s_guard", table) < 0 ? NULL : name;
}

int nft_run(const char *text, bool check, char **ret_error)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *said;

	*ret_error = NULL;
	if (nft == NULL)
		return -EINVAL;
	nft_ctx_set_dry_run(nft, check);
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, text) == 0) {
		nft_ctx_free(nft);
		return 0;
	}
	said = nft_ctx_get_error_buffer(nft);
	*ret_error = strdup(said != NULL ? said : "");
	nft_ctx_free(nft);
	return -EINVAL;
}

/* Adds up what the named counters of one table hold. */
static void take_counters(json_t *root, struct nft_counts *counts)
{
	struct {
		const char *name;
		uint64_t *to;
	} const known[] = {
		{ "dropped", &counts->guard_dropped },
		{ "misrouted", &counts->guard_misrouted },
		{ "spoofed", &counts->draw_spoofed },
		{ "withheld", &counts->errors_withheld },
	};
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(root, "nftables"), i, item)
	{
		json_int_t packets;
		const char *name;

		if (json_unpack(item, "{s:{s:s, s:I}}", "counter", "name",
				&name, "packets", &packets) != 0)
			continue;
		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
			if (strcmp(known[k].name, name) == 0)
				*known[k].to += (uint64_t)packets;
	}
}

static int read_table(struct nft_ctx *nft, const char *family,
		      const char *table, const char *suffix,
		      struct nft_counts *counts)
{
	char command[128];
	const char *said;
	json_t *root;

	snprintf(command, sizeof(command), "list counters table %s %s%s",
		 family, table, suffix);
	if (nft_run_cmd_from_buffer(nft, command) != 0)
		return -ENOENT;
	said = nft_ctx_get_output_buffer(nft);
	root = said != NULL ? json_loads(said, 0, NULL) : NULL;
	if (root == NULL)
		return -EBADMSG;
	take_counters(root, counts);
	json_decref(root);
	return 0;
}

int nft_counts_read(const char *table, struct nft_counts *ret)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	struct nft_counts counts = { 0 };
	int err;

	if (nft == NULL)
		return -ENOMEM;
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON);
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	err = read_table(nft, NFT_IP, table, "", &counts);
	if (err == 0)
		err = read_table(nft, NFT_IP, table, "_guard", &counts);
	/* Not there on a host without IPv6, or without realms of it. */
	if (err == 0 &&
	    (read_table(nft, NFT_IP6, table, "_guard", &counts) == -EBADMSG ||
	     read_table(nft, NFT_IP6, table, "", &counts) == -EBADMSG))
		err = -EBADMSG;
	nft_ctx_free(nft);
	if (err == 0)
		*ret = counts;
	return err;
}
