/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the rulesets that marks what leaves into a realm. */
#include "config.h"

#include "translator/nft_dscp.h"

static bool is_set(const struct plan *plan)
{
	for (size_t i = 0; i < plan->conf->realm_count; i++)
		if (plan->conf->realms[i].sets_dscp)
			return true;
	return false;
}

void nft_dscp(FILE *out, const struct plan *plan, enum ip_family family)
{
	if (!is_set(plan))
		return;
	fputs("\tchain dscp {\n"
	      "\t\ttype filter hook forward priority mangle; "
	      "policy accept;\n",
	      out);
	for (size_t i = 0; i < plan->interface_count; i++) {
		const struct plan_interface *at = &plan->interfaces[i];
		const struct conf_realm *realm = &plan->conf->realms[at->realm];

		if (realm->sets_dscp)
			fprintf(out, "\t\toifname \"%s\" %s dscp set %u\n",
				at->name, family == IP_V4 ? "ip" : "ip6",
				(unsigned)realm->dscp);
	}
	fputs("\t}\n", out);
}
