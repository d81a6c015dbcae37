/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rulesets of IPv6: as those of IPv4 (nft.c), but that the kernel knows no
 * check of a source to take over, and that neighbour discovery goes on.
 */
#include "config.h"

#include <stdlib.h>

#include "translator/nft.h"
#include "translator/nft_dscp.h"
#include "translator/nft_errors.h"

#define LINK_TYPES                                                     \
	"icmpv6 type { nd-router-solicit, nd-router-advert, "          \
	"nd-neighbor-solicit, nd-neighbor-advert, nd-redirect, "       \
	"mld-listener-query, mld-listener-report, mld-listener-done, " \
	"mld2-listener-report }"

static void text_names(FILE *out, const struct plan *plan, bool tuns)
{
	size_t count = tuns ? plan->conf->realm_count : plan->interface_count;
	char name[PLAN_TUN_NAME];

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\"%s\"", i == 0 ? "{ " : ", ",
			tuns ? plan_tun_name(plan->conf, (realm_id)i, name) :
			       plan->interfaces[i].name);
	fputs(" }", out);
}

/* A realm's TUN and its interfaces, and nothing else of a TUN's. */
static void text_ways(FILE *out, const struct plan *plan)
{
	char name[PLAN_TUN_NAME];

	fputs("\t\tiifname . oifname ", out);
	for (size_t i = 0; i < plan->interface_count; i++)
		fprintf(out, "%s\"%s\" . \"%s\"", i == 0 ? "{ " : ", ",
			plan_tun_name(plan->conf, plan->interfaces[i].realm,
				      name),
			plan->interfaces[i].name);
	fputs(" } accept\n\t\tiifname ", out);
	text_names(out, plan, true);
	fputs(" counter name \"misrouted\" drop\n", out);
	/* As in IPv4; it is conntrack, too, that puts fragments in order. */
	if (plan->conntrack)
		fputs("\t\tct status dnat accept\n"
		      "\t\tct status snat accept\n",
		      out);
}

static bool text_open(const struct plan *plan, const char *suffix, char **data,
		      size_t *size, FILE **ret_file)
{
	const char *table = plan->conf->table;
	FILE *out = open_memstream(data, size);

	if (out == NULL)
		return false;
	fprintf(out,
		"add table ip6 %s%s\n"
		"delete table ip6 %s%s\n",
		table, suffix, table, suffix);
	*ret_file = out;
	return true;
}

static char *text_close(FILE *file, char **data)
{
	bool failed = ferror(file) != 0;

	if (fclose(file) != 0 || failed) {
		free(*data);
		return NULL;
	}
	return *data;
}

char *nft_guard6_text(const struct plan *plan)
{
	char *data;
	size_t size;
	FILE *out;

	if (!text_open(plan, "_guard", &data, &size, &out))
		return NULL;
	fprintf(out,
		"table ip6 %s_guard {\n"
		"\tcounter dropped { }\n"
		"%s",
		plan->conf->table,
		plan->ipv6 ? "\tcounter misrouted { }\n" : "");
	if (plan->ipv6) {
		fputs("\tchain input {\n"
		      "\t\ttype filter hook input priority filter; "
		      "policy accept;\n",
		      out);
		nft_guard_listeners(out, plan, IP_V6);
		fputs("\t}\n", out);
	}
	fputs("\tchain forward {\n"
	      "\t\ttype filter hook forward priority filter; policy accept;\n",
	      out);
	if (plan->ipv6)
		text_ways(out, plan);
	fputs("\t\tiifname ", out);
	text_names(out, plan, false);
	fputs(" counter name \"dropped\" drop\n\t\toifname ", out);
	text_names(out, plan, false);
	fputs(" counter name \"dropped\" drop\n\t}\n}\n", out);
	return text_close(out, &data);
}

/* Answers to queries by identifier, and errors about queries: see nft.c. */
static void text_own_queries(FILE *out, const struct plan_own *own,
			     realm_id realm)
{
	char addr[IP_ADDR_TEXT];

	ip_addr_format(&own->addr, addr);
	fprintf(out,
		"\t\tip6 daddr %s icmpv6 type echo-reply @th,32,16 %u-%u "
		"ct state != established goto take_%u\n"
		"\t\tip6 daddr %s icmpv6 type { destination-unreachable, "
		"packet-too-big, time-exceeded, parameter-problem } "
		"@th,112,8 58 @th,128,128 0x",
		addr, (unsigned)own->ports.first, (unsigned)own->ports.last,
		(unsigned)realm, addr);
	for (size_t i = 0; i < sizeof(own->addr.bytes); i++)
		fprintf(out, "%02x", own->addr.bytes[i]);
	fprintf(out, " @th,416,16 %u-%u goto take_%u\n",
		(unsigned)own->ports.first, (unsigned)own->ports.last,
		(unsigned)realm);
}

/* Ports of an address of the host: packets to them, and ICMP errors. */
static void text_own(FILE *out, const struct plan_own *own, realm_id realm)
{
	char addr[IP_ADDR_TEXT];

	fprintf(out,
		"\t\tip6 daddr %s meta l4proto { tcp, udp } th dport %u-%u "
		"goto take_%u\n\t\t",
		ip_addr_format(&own->addr, addr), (unsigned)own->ports.first,
		(unsigned)own->ports.last, (unsigned)realm);
	nft_errors_about_own(out, own);
	fprintf(out, " goto take_%u\n", (unsigned)realm);
	if (own->dynamic)
		text_own_queries(out, own, realm);
}

static void text_draw_realm(FILE *out, const struct plan *plan, realm_id realm)
{
	fprintf(out,
		"\tchain take_%u {\n"
		"\t\tfib saddr type local counter name \"spoofed\" drop\n"
		"\t\t",
		(unsigned)realm);
	nft_errors_dup(out, plan, realm, IP_V6);
	fprintf(out,
		"\t}\n"
		"\tchain draw_%u {\n"
		"\t\t" LINK_TYPES " accept\n"
		"\t\tip6 saddr fe80::/10 accept\n"
		"\t\tip6 daddr fe80::/10 accept\n",
		(unsigned)realm);
	for (size_t i = 0; i < plan->own_count; i++)
		if (plan->owns[i].addr.family == IP_V6 &&
		    (plan->owns[i].realm == realm ||
		     conf_reaches(plan->conf, realm, plan->owns[i].realm)))
			text_own(out, &plan->owns[i], realm);
	fprintf(out,
		"\t\tmeta pkttype host ip6 daddr != ff00::/8 "
		"fib daddr type != { local, anycast } goto take_%u\n"
		"\t}\n",
		(unsigned)realm);
}

static void text_draw(FILE *out, const struct plan *plan)
{
	const char *before = "{ ";

	for (size_t i = 0; i < plan->conf->realm_count; i++)
		if (plan_has_ipv6(plan->conf, (realm_id)i))
			text_draw_realm(out, plan, (realm_id)i);
	fputs("\tchain draw {\n"
	      "\t\ttype filter hook prerouting priority -150; policy accept;\n"
	      "\t\tiifname vmap ",
	      out);
	for (size_t i = 0; i < plan->interface_count; i++) {
		const struct plan_interface *at = &plan->interfaces[i];

		if (!plan_has_ipv6(plan->conf, at->realm))
			continue;
		fprintf(out, "%s\"%s\" : goto draw_%u", before, at->name,
			(unsigned)at->realm);
		before = ", ";
	}
	fputs(" }\n\t}\n", out);
}

static bool has_interface(const struct plan *plan)
{
	for (size_t i = 0; i < plan->interface_count; i++)
		if (plan_has_ipv6(plan->conf, plan->interfaces[i].realm))
			return true;
	return false;
}

char *nft_main6_text(const struct plan *plan)
{
	char *data;
	size_t size;
	FILE *out;

	if (!text_open(plan, "", &data, &size, &out))
		return NULL;
	if (!plan->ipv6 || !has_interface(plan))
		return text_close(out, &data);
	fprintf(out,
		"table ip6 %s {\n"
		"\tcounter spoofed { }\n",
		plan->conf->table);
	if (plan->conntrack) {
		fputs("\tchain notrack_in {\n"
		      "\t\ttype filter hook prerouting priority raw; "
		      "policy accept;\n"
		      "\t\tiifname ",
		      out);
		text_names(out, plan, true);
		fputs(" notrack\n\t}\n", out);
	}
	text_draw(out, plan);
	nft_errors_text(out, plan, IP_V6);
	nft_dscp(out, plan, IP_V6);
	fputs("}\n", out);
	return text_close(out, &data);
}
