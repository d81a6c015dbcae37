/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the verdicts. Pure. */
#include "translator/verdict.h"

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_IN:
		return "in";
	case VERDICT_OUT:
		return "out";
	case VERDICT_TRANSIT:
		return "transit";
	case VERDICT_HAIRPIN:
		return "hairpin";
	case VERDICT_ROUTED:
		return "routed";
	case VERDICT_FRAGMENT:
		return "fragment";
	case VERDICT_ICMP_ERROR:
		return "icmp_error";
	case VERDICT_MALFORMED:
		return "malformed";
	case VERDICT_PROTOCOL:
		return "protocol";
	case VERDICT_TTL:
		return "ttl";
	case VERDICT_OPTION:
		return "ip_option";
	case VERDICT_MARTIAN:
		return "martian";
	case VERDICT_SOURCE_IN_POOL:
		return "source_in_pool";
	case VERDICT_NO_REALM:
		return "no_realm";
	case VERDICT_NO_SOURCE:
		return "no_source";
	case VERDICT_NO_RULE:
		return "no_rule";
	case VERDICT_CONDITION:
		return "condition";
	case VERDICT_UNSOLICITED:
		return "unsolicited";
	case VERDICT_LATCH:
		return "latch";
	case VERDICT_NOT_LATCHED:
		return "not_latched";
	case VERDICT_NOT_OURS:
		return "not_ours";
	case VERDICT_FRAGMENT_UNKNOWN:
		return "fragment_unknown";
	case VERDICT_ICMP_QUERY:
		return "icmp_query";
	case VERDICT_ICMP_TYPE:
		return "icmp_type";
	case VERDICT_ICMP_CHECKSUM:
		return "icmp_checksum";
	case VERDICT_ICMP_FRAGMENT:
		return "icmp_fragment";
	case VERDICT_ICMP_NO_RULE:
		return "icmp_no_rule";
	case VERDICT_DYNAMIC_FULL:
		return "dynamic_full";
	case VERDICT_DYNAMIC_LIMIT:
		return "dynamic_limit";
	case VERDICT_FAMILY:
		return "family";
	}
	return "?";
}

bool verdict_is_forwarded(enum verdict verdict)
{
	return verdict <= VERDICT_ICMP_ERROR;
}
