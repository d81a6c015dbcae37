/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of rules as the translator's socket tells them. */
#include "translator/control_json.h"

const char *control_kind_name(enum rule_kind kind)
{
	switch (kind) {
	case RULE_BOTH:
		return "both";
	case RULE_TERMINATING:
		return "terminating";
	case RULE_ORIGINATING:
		return "originating";
	}
	return "";
}

json_t *control_endpoint_json(const struct realm_names *names,
			      const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT];

	return json_string(endpoint_format(endpoint, names, text));
}

json_t *control_remote_json(const struct rule_remote *remote)
{
	struct endpoint endpoint = { .addr = remote->prefix.addr,
				     .port = remote->port,
				     .realm = REALM_NONE };
	uint8_t whole = remote->prefix.addr.family == IP_V4 ? 32 : 128;
	char text[ENDPOINT_TEXT], prefix[IP_PREFIX_TEXT];

	if (remote->prefix.addr.family == IP_NONE)
		return json_null();
	if (remote->prefix.bits == whole && remote->port != 0)
		return json_string(endpoint_format(&endpoint, NULL, text));
	if (remote->prefix.bits == whole)
		return json_string(ip_addr_format(&endpoint.addr, text));
	ip_prefix_format(&remote->prefix, prefix);
	return remote->port == 0 ?
		       json_string(prefix) :
		       json_sprintf("%s:%u", prefix, (unsigned)remote->port);
}

json_t *control_condition_json(const struct realm_names *names,
			       const struct rule_condition *condition)
{
	char source[IP_PREFIX_TEXT];
	json_t *result = json_pack(
		"{s:s, s:o}", "source",
		ip_prefix_format(&condition->source, source), "ports",
		json_sprintf("%u-%u", (unsigned)condition->ports.first,
			     (unsigned)condition->ports.last));

	if (condition->discard)
		json_object_set_new(result, "discard", json_true());
	else if (condition->target.addr.family != IP_NONE)
		json_object_set_new(result, "target",
				    control_endpoint_json(names,
							  &condition->target));
	return result;
}

void control_latch_json(const struct ruleset_rule *rule, json_t *object)
{
	json_t *remotes = json_array();
	struct endpoint remote;
	char text[ENDPOINT_TEXT];

	for (uint16_t i = 0; i < rule->ports; i++)
		json_array_append_new(remotes,
				      latch_read(ruleset_rule_latch(rule), i,
						 &remote) ?
					      control_endpoint_json(NULL,
								    &remote) :
					      json_null());
	json_object_set_new(object, "latch",
			    json_string(ip_prefix_format(
				    &ruleset_rule_latch(rule)->prefix, text)));
	json_object_set_new(object, "latched", remotes);
}
