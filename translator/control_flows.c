/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flow is where: in the kernel, or in the TUN and why. */
#include "translator/control_flows.h"

#include "common/mono.h"
#include "translator/control_json.h"

#define FLOWS_LIMIT 100 /* of one answer, whatever is asked for */
#define REFUSED_MS  60000

struct answer {
	const struct conf *conf;
	json_t *flows;
	json_int_t limit;
	uint64_t now_ms;
	bool more;
};

static json_t *endpoint_json(const struct answer *answer,
			     const struct endpoint *endpoint)
{
	return control_endpoint_json(&answer->conf->names, endpoint);
}

static bool has_room(struct answer *answer)
{
	if ((json_int_t)json_array_size(answer->flows) < answer->limit)
		return true;
	answer->more = true;
	return false;
}

static json_t *rules_json(const struct flows_entry *entry)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < entry->rule_count; i++)
		json_array_append_new(
			rules, json_integer((json_int_t)entry->rules[i].rule));
	return rules;
}

/* Endpoints of both directions as packets arrive. */
static void tell_kernel(struct answer *answer, const struct flows_entry *entry)
{
	const struct flow *flow = &entry->flow;

	json_array_append_new(
		answer->flows,
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}",
			  "path", "kernel", "protocol", "udp", "source",
			  endpoint_json(answer, &flow->there.src),
			  "destination",
			  endpoint_json(answer, &flow->there.dst),
			  "back_source", endpoint_json(answer, &flow->back.src),
			  "back_destination",
			  endpoint_json(answer, &flow->back.dst), "rules",
			  rules_json(entry), "packets",
			  (json_int_t)entry->packets[0], "packets_back",
			  (json_int_t)entry->packets[1], "seconds",
			  (json_int_t)((answer->now_ms - entry->since_ms) /
				       1000)));
}

static void tell_refused(struct answer *answer,
			 const struct fastpath_refusal *refusal)
{
	json_array_append_new(
		answer->flows,
		json_pack("{s:s, s:s, s:s, s:o, s:o, s:I}", "path", "tun",
			  "why", flow_verdict_name(refusal->why), "protocol",
			  "udp", "source", endpoint_json(answer, &refusal->src),
			  "destination", endpoint_json(answer, &refusal->dst),
			  "packets", (json_int_t)refusal->packets));
}

static void tell_all(struct answer *answer, const struct fastpath *fastpath)
{
	const struct flows_entry *entry = NULL;

	while ((entry = fastpath_next(fastpath, entry)) != NULL &&
	       has_room(answer))
		tell_kernel(answer, entry);
	for (size_t i = 0; i < FASTPATH_REFUSALS && !answer->more; i++) {
		const struct fastpath_refusal *refusal =
			fastpath_refused(fastpath, i);

		if (refusal != NULL &&
		    answer->now_ms - refusal->at_ms < REFUSED_MS &&
		    has_room(answer))
			tell_refused(answer, refusal);
	}
}

void control_flows(const struct fastpath *fastpath, const struct conf *conf,
		   struct rpcserver_call *call, json_t *params)
{
	struct answer answer = { .conf = conf,
				 .limit = FLOWS_LIMIT,
				 .now_ms = mono_ms() };

	if (params != NULL &&
	    (json_unpack_ex(params, NULL, JSON_STRICT, "{s?I}", "limit",
			    &answer.limit) != 0 ||
	     answer.limit < 1)) {
		rpcserver_fail(call, RPC_INVALID_PARAMS,
			       "params are limit, at least 1", NULL);
		return;
	}
	if (answer.limit > FLOWS_LIMIT)
		answer.limit = FLOWS_LIMIT;
	answer.flows = json_array();
	if (fastpath != NULL)
		tell_all(&answer, fastpath);
	rpcserver_result(call, json_pack("{s:b, s:o, s:b}", "fastpath",
					 fastpath != NULL, "flows",
					 answer.flows, "more", answer.more));
}
