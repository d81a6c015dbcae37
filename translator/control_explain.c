/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The method `explain` of the translator's socket. */
#include "translator/control_explain.h"

#include <string.h>

#include "common/mono.h"
#include "translator/control_json.h"
#include "translator/explain.h"
#include "translator/packet.h"

static bool protocol_find(const char *name, struct explain_packet *ret)
{
	static const struct {
		const char *name;
		uint8_t protocol;
		bool is_error;
	} protocols[] = { { "udp", PACKET_UDP, false },
			  { "tcp", PACKET_TCP, false },
			  { "echo", PACKET_ICMP, false },
			  { "icmp", PACKET_UDP, true },
			  { "icmp_tcp", PACKET_TCP, true },
			  { "icmp_echo", PACKET_ICMP, true } };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			ret->protocol = protocols[i].protocol;
			ret->is_error = protocols[i].is_error;
			return true;
		}
	return false;
}

/* ADDRESS:PORT; the side of an echo that has no identifier has no port. */
static bool read_side(const char *text, const struct explain_packet *packet,
		      struct endpoint *ret)
{
	if (endpoint_parse_bare(text, strlen(text), ret) == 0)
		return true;
	*ret = (struct endpoint){ .realm = REALM_NONE };
	return packet->protocol == PACKET_ICMP &&
	       ip_addr_parse(text, strlen(text), &ret->addr) == 0;
}

/* NULL, or what is wrong with the params. */
static const char *read_packet(json_t *params, const struct realm_names *names,
			       struct explain_packet *ret)
{
	const char *protocol, *source, *destination, *from;
	realm_id realm;

	if (params == NULL ||
	    json_unpack_ex(params, NULL, JSON_STRICT, "{s:s, s:s, s:s, s:s}",
			   "protocol", &protocol, "source", &source,
			   "destination", &destination, "from", &from) != 0)
		return "params are protocol, source, destination, from";
	if (!protocol_find(protocol, ret))
		return "protocol is udp, tcp, echo, icmp, icmp_tcp or "
		       "icmp_echo";
	if (!read_side(source, ret, &ret->src))
		return "source is ADDRESS:PORT";
	if (!read_side(destination, ret, &ret->dst))
		return "destination is ADDRESS:PORT";
	if (ret->protocol == PACKET_ICMP &&
	    (ret->src.port == 0) == (ret->dst.port == 0))
		return "of an echo one side has its identifier as port";
	if (ret->src.addr.family != ret->dst.addr.family)
		return "source and destination are of different families";
	realm = realm_find(names, from);
	if (realm == REALM_NONE)
		return "from: there is no such realm";
	ret->src.realm = realm;
	ret->dst.realm = realm;
	return NULL;
}

static json_t *rule_json(const struct realm_names *names,
			 const struct ruleset_rule *rule, const char *part,
			 const struct rule_condition *condition)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:i, s:o, s:o}", "id",
			 (json_int_t)rule->id, "group",
			 ruleset_rule_group(rule), "part", part, "kind",
			 control_kind_name((enum rule_kind)rule->kind), "inner",
			 control_endpoint_json(names, &rule->inner), "outer",
			 control_endpoint_json(names, &rule->outer), "ports",
			 (int)rule->ports, "remote",
			 control_remote_json(&rule->remote), "condition",
			 condition != NULL ?
				 control_condition_json(names, condition) :
				 json_null());
}

static json_t *rules_json(const struct realm_names *names,
			  const struct explanation *explanation)
{
	const struct resolve_path *path = &explanation->path;
	json_t *rules = json_array();

	for (size_t i = 0; i < path->step_count; i++)
		json_array_append_new(rules,
				      rule_json(names, path->steps[i].rule,
						path->steps[i].source ?
							"source" :
							"destination",
						explanation->conditions[i]));
	if (path->refused != NULL)
		json_array_append_new(rules,
				      rule_json(names, path->refused, "refuses",
						explanation->refusing));
	return rules;
}

static json_t *explanation_json(const struct realm_names *names,
				const struct explain_packet *packet,
				const struct explanation *explanation)
{
	const struct resolve_path *path = &explanation->path;
	bool forwarded = verdict_is_forwarded(explanation->verdict);
	bool known = forwarded && !explanation->begins_mapping;
	realm_id to = path->dst.realm;

	return json_pack(
		"{s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
		verdict_name(explanation->verdict), "forwarded", forwarded,
		"reason", explanation->reason, "from",
		names->names[packet->src.realm], "to",
		forwarded ? json_string(names->names[to]) : json_null(),
		"source", control_endpoint_json(NULL, &packet->src),
		"destination", control_endpoint_json(NULL, &packet->dst),
		"source_after",
		known ? control_endpoint_json(NULL, &path->src) : json_null(),
		"destination_after",
		known ? control_endpoint_json(NULL, &path->dst) : json_null(),
		"rules", rules_json(names, explanation));
}

void control_explain(const struct translate_context *context,
		     const struct realm_names *names,
		     struct rpcserver_call *call, json_t *params)
{
	struct explanation explanation;
	struct explain_packet packet;
	const char *mistake = read_packet(params, names, &packet);

	if (mistake != NULL) {
		rpcserver_fail(call, RPC_INVALID_PARAMS, mistake, NULL);
		return;
	}
	explain(context, names, &packet, mono_ms(), &explanation);
	rpcserver_result(call, explanation_json(names, &packet, &explanation));
}
