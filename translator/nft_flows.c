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
