/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the tables for flows that the kernel translates. */
#include "translator/nft_flows.h"

#include "translator/mark.h"

static void text_interfaces_of(FILE *out, const struct plan *plan,
			       realm_id realm)
{
	const char *before = "{ ";

	for (size_t i = 0; i < plan->interface_count; i++) {
		if (plan->interfaces[i].realm != realm)
			continue;
		fprintf(out, "%s\"%s\"", before, plan->interfaces[i].name);
		before = ", ";
	}
	fputs(" }", out);
}

static bool has_interface(const struct plan *plan, realm_id realm)
{
	for (size_t i = 0; i < plan->interface_count; i++)
		if (plan->interfaces[i].realm == realm)
			return true;
	return false;
}

/* A flow of the kernel: `realm` is on the way there's, or back's, side. */
static void text_flow(FILE *out, const struct plan *plan, realm_id realm,
		      bool original, bool from)
{
	uint32_t tag = mark_tag(plan->conf->table);

	fprintf(out, "ct direction %s ct mark & 0x%08x == 0x%08x ",
		original ? "original" : "reply",
		MARK_TAG | (from ? MARK_FROM : MARK_TO),
		from ? mark_of(tag, realm, 0) : mark_of(tag, 0, realm));
}

/* The first few, which are quicker compared than looked up. */
static size_t first_interfaces(const struct plan *plan)
{
	return plan->interface_count < NFT_FLOWS_FIRST ? plan->interface_count :
							 NFT_FLOWS_FIRST;
}

void nft_flows_guard_first(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < first_interfaces(plan); i++)
		for (unsigned way = 0; way < 2; way++) {
			fprintf(out, "\t\toif %u ", plan->interfaces[i].index);
			text_flow(out, plan, plan->interfaces[i].realm,
				  way == 0, way == 1);
			fputs("accept\n", out);
		}
}

void nft_flows_guard(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->conf->realm_count; i++) {
		if (!has_interface(plan, (realm_id)i))
			continue;
		for (unsigned way = 0; way < 2; way++) {
			fputs("\t\t", out);
			text_flow(out, plan, (realm_id)i, way == 0, way == 1);
			fputs("oifname ", out);
			text_interfaces_of(out, plan, (realm_id)i);
			fputs(" accept\n", out);
		}
	}
	fprintf(out,
		"\t\tct mark & 0x%08x == 0x%08x "
		"counter name \"misrouted\" drop\n",
		MARK_TAG, mark_tag(plan->conf->table));
}

void nft_flows_nat(FILE *out)
{
	fputs("\tchain nat {\n"
	      "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
	      "\t}\n",
	      out);
}

/* Version and length of an IP header without options, in one. */
#define NO_OPTIONS "@nh,0,8 0x45 accept\n"

void nft_flows_first(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < first_interfaces(plan); i++)
		for (unsigned way = 0; way < 2; way++) {
			fprintf(out, "\t\tiif %u ", plan->interfaces[i].index);
			text_flow(out, plan, plan->interfaces[i].realm,
				  way == 0, way == 0);
			fputs(NO_OPTIONS, out);
		}
}

void nft_flows_pass(FILE *out, const struct plan *plan, realm_id realm)
{
	for (unsigned way = 0; way < 2; way++) {
		fputs("\t\t", out);
		text_flow(out, plan, realm, way == 0, way == 0);
		fputs(NO_OPTIONS, out);
	}
}

/* Behind raw, where packets are excluded from tracking; ahead of conntrack. */
#define ZONE_PRIORITY "raw + 1"
/* Behind conntrack and the host's own marks, ahead of the way's choice. */
#define ROUTE_PRIORITY "dstnat - 1"

/* Only what is of a flow, if anything is: what the host gets goes as ever. */
static void text_zone(FILE *out, const struct plan *plan, realm_id realm)
{
	unsigned zone = plan_zone(plan->conf, realm);
	char addr[IP_ADDR_TEXT];

	fprintf(out,
		"\tchain zone_%u {\n"
		"\t\ticmp type { destination-unreachable, time-exceeded, "
		"parameter-problem } ct original zone set %u accept\n"
		"\t\tmeta l4proto != udp accept\n",
		(unsigned)realm, zone);
	for (size_t i = 0; i < plan->own_count; i++) {
		const struct plan_own *own = &plan->owns[i];

		if (own->addr.family != IP_V4 ||
		    (own->realm != realm &&
		     !conf_reaches(plan->conf, realm, own->realm)))
			continue;
		fprintf(out,
			"\t\tip daddr %s udp dport %u-%u "
			"ct original zone set %u accept\n",
			ip_addr_format(&own->addr, addr),
			(unsigned)own->ports.first, (unsigned)own->ports.last,
			zone);
	}
	for (size_t i = 0; i < plan->local_count; i++)
		if (plan->locals[i].addr.family == IP_V4 &&
		    !plan_is_others(plan, realm, &plan->locals[i]))
			fprintf(out, "\t\tip daddr %s accept\n",
				ip_addr_format(&plan->locals[i].addr, addr));
	fprintf(out, "\t\tct original zone set %u\n\t}\n", zone);
}

void nft_flows_zones(FILE *out, const struct plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->conf->realm_count; i++) {
		if (plan_zone(plan->conf, (realm_id)i) == 0)
			continue;
		text_zone(out, plan, (realm_id)i);
		any = true;
	}
	if (!any)
		return;
	fputs("\tchain zones {\n"
	      "\t\ttype filter hook prerouting priority " ZONE_PRIORITY
	      "; policy accept;\n"
	      "\t\tct state untracked accept\n",
	      out);
	for (size_t i = 0; i < plan->interface_count; i++)
		if (plan_zone(plan->conf, plan->interfaces[i].realm) != 0)
			fprintf(out, "\t\tiifname \"%s\" goto zone_%u\n",
				plan->interfaces[i].name,
				(unsigned)plan->interfaces[i].realm);
	fputs("\t}\n", out);
}

uint32_t nft_flows_mark(const struct conf *conf, realm_id realm)
{
	return mark_of(mark_tag(conf->table), 0, realm);
}

static void text_routes(FILE *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->table_count; i++)
		for (unsigned way = 0; way < 2; way++) {
			realm_id realm = plan->tables[i].realm;

			fputs("\t\t", out);
			text_flow(out, plan, realm, way == 0, way == 1);
			fprintf(out, "meta mark set 0x%08x\n",
				nft_flows_mark(plan->conf, realm));
		}
}

void nft_flows_routes(FILE *out, const struct plan *plan)
{
	if (plan->table_count == 0)
		return;
	fputs("\tchain routes {\n"
	      "\t\ttype filter hook prerouting priority " ROUTE_PRIORITY
	      "; policy accept;\n",
	      out);
	text_routes(out, plan);
	/* Errors: the kernel has chosen their way by the main table. */
	fputs("\t}\n"
	      "\tchain routes_out {\n"
	      "\t\ttype route hook output priority mangle; policy accept;\n",
	      out);
	text_routes(out, plan);
	fputs("\t}\n", out);
}
