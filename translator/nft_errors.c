/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the main table for ICMP errors of this host's own kernel. */
#include "translator/nft_errors.h"

#define ERROR_TYPES \
	"icmp type { destination-unreachable, time-exceeded, parameter-problem }"
/* The quoted packet starts at bit 64 of the ICMP message. */
#define QUOTED_DESTINATION "@th,192,32"

/*
 * Of the quoted packet: protocol, source and, behind an IP header without
 * options, the port.
 */
void nft_errors_about_own(FILE *out, const struct plan_own *own)
{
	char addr[IP_ADDR_TEXT];

	fprintf(out,
		"ip daddr %s " ERROR_TYPES
		" @th,64,8 0x45 @th,136,8 { 6, 17 } @th,160,32 0x%08x @th,224,16 "
		"%u-%u",
		ip_addr_format(&own->addr, addr), ip_addr_to_v4(&own->addr),
		(unsigned)own->ports.first, (unsigned)own->ports.last);
}

static bool knows(const struct conf *conf, realm_id realm, realm_id other)
{
	return realm == other || conf_reaches(conf, realm, other);
}

/* A rule's begin: quoted packets into the prefix. */
static void text_quoted(FILE *out, const struct ip_prefix *prefix)
{
	fputs("\t\t", out);
	if (prefix->bits > 0)
		fprintf(out, QUOTED_DESTINATION " & 0x%08x == 0x%08x ",
			UINT32_MAX << (32 - prefix->bits),
			ip_addr_to_v4(&prefix->addr));
}

/* The realm that takes what no network holds; REALM_NONE: none, or several. */
static realm_id default_realm(const struct conf *conf)
{
	realm_id found = REALM_NONE;

	for (size_t i = 0; i < conf->realm_count; i++) {
		if (conf->realms[i].network_count > 0)
			continue;
		if (found != REALM_NONE)
			return REALM_NONE;
		found = (realm_id)i;
	}
	return found;
}

/* What becomes of quoted packets into this realm's networks. */
typedef void (*way_fn)(FILE *out, const struct conf *conf, realm_id realm,
		       realm_id arg);

static void text_networks_of(FILE *out, const struct conf *conf, uint8_t bits,
			     way_fn way, realm_id arg)
{
	for (size_t i = 0; i < conf->realm_count; i++) {
		const struct conf_realm *realm = &conf->realms[i];

		for (size_t k = 0; k < realm->network_count; k++) {
			if (realm->networks[k].addr.family != IP_V4 ||
			    realm->networks[k].bits != bits)
				continue;
			text_quoted(out, &realm->networks[k]);
			way(out, conf, realm->id, arg);
		}
	}
}

/* The longest first. */
static void text_networks(FILE *out, const struct conf *conf, way_fn way,
			  realm_id arg)
{
	for (unsigned bits = 33; bits-- > 0;)
		text_networks_of(out, conf, (uint8_t)bits, way, arg);
}

static void text_withheld(FILE *out)
{
	fputs("counter name \"withheld\" drop\n", out);
}

static void way_blame(FILE *out, const struct conf *conf, realm_id realm,
		      realm_id arg)
{
	(void)arg;
	/* Of two that have the address, which one? */
	if (conf_overlaps(conf, realm))
		text_withheld(out);
	else
		fprintf(out, "goto blame_%u\n", (unsigned)realm);
}

static void way_leaving(FILE *out, const struct conf *conf, realm_id realm,
			realm_id from)
{
	fputs(conf_reaches(conf, from, realm) ? "accept\n" : "goto blame\n",
	      out);
}

/* Into the TUN of the realm that the quoted packet was sent into. */
static void text_blame(FILE *out, const struct plan *plan)
{
	const struct conf *conf = plan->conf;
	realm_id other = default_realm(conf);
	char name[PLAN_TUN_NAME];

	for (size_t i = 0; i < conf->realm_count; i++)
		fprintf(out,
			"\tchain blame_%zu {\n"
			"\t\tip saddr set " NFT_DUMMY_ADDRESS
			" dup to " NFT_DUMMY_ADDRESS " device \"%s\" drop\n"
			"\t}\n",
			i, plan_tun_name(conf, (realm_id)i, name));
	fputs("\tchain blame {\n", out);
	text_networks(out, conf, way_blame, REALM_NONE);
	fputs("\t\t", out);
	if (other != REALM_NONE)
		fprintf(out, "goto blame_%u\n", (unsigned)other);
	else
		text_withheld(out);
	fputs("\t}\n", out);
}

/* The pools of which the realm knows the endpoints. */
static void text_known_pools(FILE *out, const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = &conf->pools[i];

		if (!knows(conf, realm, pool->realm))
			continue;
		for (size_t k = 0; k < pool->range_count; k++) {
			if (pool->ranges[k].prefix.addr.family != IP_V4)
				continue;
			text_quoted(out, &pool->ranges[k].prefix);
			fputs("accept\n", out);
		}
	}
}

static void text_known_locals(FILE *out, const struct plan *plan,
			      realm_id realm)
{
	for (size_t i = 0; i < plan->local_count; i++) {
		const struct plan_local *local = &plan->locals[i];

		if (local->realm == REALM_NONE ||
		    knows(plan->conf, realm, local->realm))
			fprintf(out,
				"\t\t" QUOTED_DESTINATION " 0x%08x accept\n",
				ip_addr_to_v4(&local->addr));
	}
}

/* By an interface of the realm: about what the realm knows by that address. */
static void text_leaving(FILE *out, const struct plan *plan, realm_id realm)
{
	const struct conf *conf = plan->conf;
	bool default_reached = false;

	for (size_t i = 0; i < conf->realm_count; i++)
		if (conf->realms[i].network_count == 0 &&
		    conf_reaches(conf, realm, (realm_id)i))
			default_reached = true;
	fprintf(out, "\tchain leaving_%u {\n", (unsigned)realm);
	text_known_locals(out, plan, realm);
	text_known_pools(out, conf, realm);
	text_networks(out, conf, way_leaving, realm);
	fprintf(out, "\t\t%s\n\t}\n",
		default_reached ? "accept" : "goto blame");
}

/* By which way: a realm's interface; a TUN, for a pool; lo, for an own one. */
static void text_ways(FILE *out, const struct plan *plan)
{
	char name[PLAN_TUN_NAME];

	fputs("\tchain own_errors {\n\t\toifname vmap { ", out);
	for (size_t i = 0; i < plan->interface_count; i++)
		fprintf(out, "\"%s\" : goto leaving_%u, ",
			plan->interfaces[i].name,
			(unsigned)plan->interfaces[i].realm);
	for (size_t i = 0; i < plan->conf->realm_count; i++)
		fprintf(out, "%s\"%s\" : goto blame", i == 0 ? "" : ", ",
			plan_tun_name(plan->conf, (realm_id)i, name));
	fputs(" }\n", out);
	for (size_t i = 0; i < plan->own_count; i++) {
		fputs("\t\t", out);
		nft_errors_about_own(out, &plan->owns[i]);
		fputs(" goto blame\n", out);
	}
	fputs("\t}\n", out);
}

void nft_errors_text(FILE *out, const struct plan *plan)
{
	fputs("\tcounter withheld { }\n", out);
	text_blame(out, plan);
	for (size_t i = 0; i < plan->conf->realm_count; i++)
		text_leaving(out, plan, (realm_id)i);
	text_ways(out, plan);
	/* What was drawn passes here too: its source is not the host's. */
	fputs("\tchain errors {\n"
	      "\t\ttype filter hook output priority mangle; policy accept;\n"
	      "\t\t" ERROR_TYPES " fib saddr type local goto own_errors\n"
	      "\t}\n",
	      out);
}
