/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which flow is where: in the kernel, or in the TUN and why. */
#include "translator/control_flows.h"

#include "common/mono.h"
#include "translator/control_json.h"

#define FLOWS_LIMIT 100 /* of one answer, whatever is asked for */
#define REFUSED_MS  60000
#define REFUSED_ID  (INT64_C(1) << 52) /* of the first place; after all flows */

struct answer {
	const struct conf *conf;
	json_t *flows;
	json_int_t after;
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
		json_pack(
			"{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}",
			"id", (json_int_t)entry->id, "path", "kernel",
			"protocol", "udp", "source",
			endpoint_json(answer, &flow->there.src), "destination",
			endpoint_json(answer, &flow->there.dst), "back_source",
			endpoint_json(answer, &flow->back.src),
			"back_destination",
			endpoint_json(answer, &flow->back.dst), "rules",
			rules_json(entry), "packets",
			(json_int_t)entry->packets[0], "packets_back",
			(json_int_t)entry->packets[1], "seconds",
			(json_int_t)((answer->now_ms - entry->since_ms) /
				     1000)));
}

static void tell_refused(struct answer *answer, json_int_t id,
			 const struct fastpath_refusal *refusal)
{
	json_array_append_new(
		answer->flows,
		json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:I}", "id", id,
			  "path", "tun", "why", flow_verdict_name(refusal->why),
			  "protocol", "udp", "source",
			  endpoint_json(answer, &refusal->src), "destination",
			  endpoint_json(answer, &refusal->dst), "packets",
			  (json_int_t)refusal->packets));
}

static void tell_all_refused(struct answer *answer,
			     const struct fastpath *fastpath)
{
	json_int_t place = answer->after < REFUSED_ID ?
				   0 :
				   answer->after - REFUSED_ID + 1;

	for (; place < FASTPATH_REFUSALS; place++) {
		const struct fastpath_refusal *refusal =
			fastpath_refused(fastpath, (size_t)place);

		if (refusal == NULL ||
		    answer->now_ms - refusal->at_ms >= REFUSED_MS)
			continue;
		if (!has_room(answer))
			return;
		tell_refused(answer, REFUSED_ID + place, refusal);
	}
}

static void tell_all(struct answer *answer, const struct fastpath *fastpath)
{
	const struct flows_entry *entry = NULL;

	if (answer->after < REFUSED_ID)
		entry = fastpath_after(fastpath, (uint64_t)answer->after);
	for (; entry != NULL; entry = fastpath_next(fastpath, entry)) {
		if (!has_room(answer))
			return;
		tell_kernel(answer, entry);
	}
	tell_all_refused(answer, fastpath);
}

void control_flows(const struct fastpath *fastpath, const struct conf *conf,
		   struct rpcserver_call *call, json_t *params)
{
	struct answer answer = { .conf = conf,
				 .limit = FLOWS_LIMIT,
				 .now_ms = mono_ms() };

	if (params != NULL &&
	    (json_unpack_ex(params, NULL, JSON_STRICT, "{s?I, s?I}", "after",
			    &answer.after, "limit", &answer.limit) != 0 ||
	     answer.limit < 1 || answer.after < 0)) {
		rpcserver_fail(call, RPC_INVALID_PARAMS,
			       "params are after (an id) and limit, at least 1",
			       NULL);
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
