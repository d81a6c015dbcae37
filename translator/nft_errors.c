/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the main table for ICMP errors of this host's own kernel. */
#include "translator/nft_errors.h"

/* What is said in the words of one IP version. */
struct dialect {
	uint8_t family;
	const char *ip;
	const char *dummy;
	const char *types; /* of errors */
	/* In the ICMP message: the quoted packet starts at bit 64 of it. */
	const char *quoted_head; /* version, no options; protocol */
	unsigned quoted_src;
	unsigned quoted_dst;
	unsigned quoted_port;
};

static const struct dialect dialects[] = {
	[IP_V4] = { IP_V4, "ip", NFT_DUMMY_ADDRESS,
		    "icmp type { destination-unreachable, time-exceeded, "
		    "parameter-problem }",
		    "@th,64,8 0x45 @th,136,8 { 6, 17 }", 160, 192, 224 },
	[IP_V6] = { IP_V6, "ip6", NFT_DUMMY_ADDRESS6,
		    "icmpv6 type { destination-unreachable, packet-too-big, "
		    "time-exceeded, parameter-problem }",
		    "@th,112,8 { 6, 17 }", 128, 256, 384 },
};

struct writing {
	FILE *out;
	const struct plan *plan;
	const struct conf *conf;
	const struct dialect *dialect;
};

/* "@th,192,24 0xcb0071": these bits of the message are the prefix. */
static void text_match(FILE *out, unsigned at, const struct ip_prefix *prefix)
{
	unsigned bytes = (prefix->bits + 7u) / 8u;

	if (bytes == 0)
		return;
	fprintf(out, "@th,%u,%u ", at, bytes * 8);
	if (prefix->bits % 8 != 0) {
		fputs("& 0x", out);
		for (unsigned i = 0; i + 1 < bytes; i++)
			fputs("ff", out);
		fprintf(out,
			"%02x == ", 0xffu << (8 - prefix->bits % 8) & 0xff);
	}
	fputs("0x", out);
	for (unsigned i = 0; i < bytes; i++)
		fprintf(out, "%02x", prefix->addr.bytes[i]);
	fputc(' ', out);
}

void nft_errors_dup(FILE *out, const struct plan *plan, realm_id realm,
		    uint8_t family)
{
	char name[PLAN_TUN_NAME], addr[IP_ADDR_TEXT];
	struct ip_addr gateway = plan_gateway6(realm);

	fprintf(out, "dup to %s device \"%s\" drop\n",
		family == IP_V6 ? ip_addr_format(&gateway, addr) :
				  NFT_DUMMY_ADDRESS,
		plan_tun_name(plan->conf, realm, name));
}

/*
 * Of the quoted packet: protocol, source and, behind an IP header without
 * options, the port.
 */
void nft_errors_about_own(FILE *out, const struct plan_own *own)
{
	const struct dialect *dialect = &dialects[own->addr.family];
	struct ip_prefix prefix = ip_prefix_of(&own->addr);
	char addr[IP_ADDR_TEXT];

	fprintf(out, "%s daddr %s %s %s ", dialect->ip,
		ip_addr_format(&own->addr, addr), dialect->types,
		dialect->quoted_head);
	text_match(out, dialect->quoted_src, &prefix);
	fprintf(out, "@th,%u,16 %u-%u", dialect->quoted_port,
		(unsigned)own->ports.first, (unsigned)own->ports.last);
}

static bool knows(const struct conf *conf, realm_id realm, realm_id other)
{
	return realm == other || conf_reaches(conf, realm, other);
}

/* A rule's begin: quoted packets into the prefix. */
static void text_quoted(const struct writing *to,
			const struct ip_prefix *prefix)
{
	fputs("\t\t", to->out);
	text_match(to->out, to->dialect->quoted_dst, prefix);
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
typedef void (*way_fn)(const struct writing *to, realm_id realm, realm_id arg);

static void text_networks_of(const struct writing *to, uint8_t bits, way_fn way,
			     realm_id arg)
{
	for (size_t i = 0; i < to->conf->realm_count; i++) {
		const struct conf_realm *realm = &to->conf->realms[i];

		for (size_t k = 0; k < realm->network_count; k++) {
			if (realm->networks[k].addr.family !=
				    to->dialect->family ||
			    realm->networks[k].bits != bits)
				continue;
			text_quoted(to, &realm->networks[k]);
			way(to, realm->id, arg);
		}
	}
}

/* The longest first. */
static void text_networks(const struct writing *to, way_fn way, realm_id arg)
{
	for (unsigned bits = 129; bits-- > 0;)
		text_networks_of(to, (uint8_t)bits, way, arg);
}

static void text_withheld(FILE *out)
{
	fputs("counter name \"withheld\" drop\n", out);
}

static void way_blame(const struct writing *to, realm_id realm, realm_id arg)
{
	(void)arg;
	/* Of two that have the address, which one? */
	if (conf_overlaps(to->conf, realm))
		text_withheld(to->out);
	else
		fprintf(to->out, "goto blame_%u\n", (unsigned)realm);
}

static void way_leaving(const struct writing *to, realm_id realm, realm_id from)
{
	fputs(conf_reaches(to->conf, from, realm) ? "accept\n" : "goto blame\n",
	      to->out);
}

/* Into the TUN of the realm that the quoted packet was sent into. */
static void text_blame(const struct writing *to)
{
	realm_id other = default_realm(to->conf);
	FILE *out = to->out;

	for (size_t i = 0; i < to->conf->realm_count; i++) {
		fprintf(out, "\tchain blame_%zu {\n\t\t%s saddr set %s ", i,
			to->dialect->ip, to->dialect->dummy);
		nft_errors_dup(out, to->plan, (realm_id)i, to->dialect->family);
		fputs("\t}\n", out);
	}
	fputs("\tchain blame {\n", out);
	text_networks(to, way_blame, REALM_NONE);
	fputs("\t\t", out);
	if (other != REALM_NONE)
		fprintf(out, "goto blame_%u\n", (unsigned)other);
	else
		text_withheld(out);
	fputs("\t}\n", out);
}

/* The pools of which the realm knows the endpoints. */
static void text_known_pools(const struct writing *to, realm_id realm)
{
	for (size_t i = 0; i < to->conf->pool_count; i++) {
		const struct conf_pool *pool = &to->conf->pools[i];

		if (!knows(to->conf, realm, pool->realm))
			continue;
		for (size_t k = 0; k < pool->range_count; k++) {
			if (pool->ranges[k].prefix.addr.family !=
			    to->dialect->family)
				continue;
			text_quoted(to, &pool->ranges[k].prefix);
			fputs("accept\n", to->out);
		}
	}
}

static void text_known_locals(const struct writing *to, realm_id realm)
{
	for (size_t i = 0; i < to->plan->local_count; i++) {
		const struct plan_local *local = &to->plan->locals[i];
		struct ip_prefix prefix = ip_prefix_of(&local->addr);

		if (local->addr.family != to->dialect->family ||
		    (local->realm != REALM_NONE &&
		     !knows(to->conf, realm, local->realm)))
			continue;
		text_quoted(to, &prefix);
		fputs("accept\n", to->out);
	}
}

/* By an interface of the realm: about what the realm knows by that address. */
static void text_leaving(const struct writing *to, realm_id realm)
{
	bool default_reached = false;

	for (size_t i = 0; i < to->conf->realm_count; i++)
		if (to->conf->realms[i].network_count == 0 &&
		    conf_reaches(to->conf, realm, (realm_id)i))
			default_reached = true;
	fprintf(to->out, "\tchain leaving_%u {\n", (unsigned)realm);
	text_known_locals(to, realm);
	text_known_pools(to, realm);
	text_networks(to, way_leaving, realm);
	fprintf(to->out, "\t\t%s\n\t}\n",
		default_reached ? "accept" : "goto blame");
}

/* By which way: a realm's interface; a TUN, for a pool; lo, for an own one. */
static void text_ways(const struct writing *to)
{
	const struct plan *plan = to->plan;
	char name[PLAN_TUN_NAME];
	FILE *out = to->out;

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
		if (plan->owns[i].addr.family != to->dialect->family)
			continue;
		fputs("\t\t", out);
		nft_errors_about_own(out, &plan->owns[i]);
		fputs(" goto blame\n", out);
	}
	fputs("\t}\n", out);
}

void nft_errors_text(FILE *out, const struct plan *plan, uint8_t family)
{
	struct writing to = { .out = out,
			      .plan = plan,
			      .conf = plan->conf,
			      .dialect = &dialects[family] };

	fputs("\tcounter withheld { }\n", out);
	text_blame(&to);
	for (size_t i = 0; i < plan->conf->realm_count; i++)
		text_leaving(&to, (realm_id)i);
	text_ways(&to);
	/* What was drawn passes here too: its source is not the host's. */
	fprintf(out,
		"\tchain errors {\n"
		"\t\ttype filter hook output priority mangle; policy accept;\n"
		"\t\t%s fib saddr type local goto own_errors\n"
		"\t}\n",
		to.dialect->types);
}
