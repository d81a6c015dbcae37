/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the translator tells on its read-only socket: rules, verdicts, status. */
#include "config.h"

#include "translator/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mono.h"
#include "common/rpcserver.h"
#include "translator/control_explain.h"
#include "translator/control_flows.h"
#include "translator/control_json.h"
#include "translator/nft.h"

#define CONTROL_MODE 0660
#define CLIENTS_MAX  32
#define RULES_LIMIT  1000 /* of one answer, when nothing else is asked for */
/* A page ends where its text would be longer; one rule is always told. */
#define PAGE_BYTES      (RPC_LINE_MAX / 2)
#define RULE_BYTES      400
#define CONDITION_BYTES 160
/* Of one rule; what is beyond is counted and not told. */
#define CONDITIONS_TOLD ((PAGE_BYTES - 2 * RULE_BYTES) / CONDITION_BYTES)

struct control {
	struct control_options options;
	struct rpcserver *server; /* owned */
};

static size_t conditions_told(const struct ruleset_rule *rule)
{
	uint16_t count;

	ruleset_rule_conditions(rule, &count);
	return count < CONDITIONS_TOLD ? count : CONDITIONS_TOLD;
}

static const char *protocol_name(const struct ruleset_rule *rule)
{
	if (rule->protocol == RULE_ICMP)
		return "icmp";
	return rule->protocol == RULE_TCP ? "tcp" : "udp";
}

static json_t *rule_json(const struct control *control,
			 const struct ruleset_rule *rule)
{
	const struct realm_names *names = &control->options.conf->names;
	const struct rule_counters *counters = rule->counters;
	json_t *conditions = json_array();
	const struct rule_condition *all;
	json_t *result;
	uint16_t count;

	all = ruleset_rule_conditions(rule, &count);
	for (size_t i = 0; i < conditions_told(rule); i++)
		json_array_append_new(conditions,
				      control_condition_json(names, &all[i]));
	result = json_pack("{s:I, s:s, s:s, s:o, s:o, s:i, s:s, s:o, s:o, "
			   "s:I, s:I, s:I}",
			   "id", (json_int_t)rule->id, "group",
			   ruleset_rule_group(rule), "protocol",
			   protocol_name(rule), "inner",
			   control_endpoint_json(names, &rule->inner), "outer",
			   control_endpoint_json(names, &rule->outer), "ports",
			   (int)rule->ports, "kind",
			   control_kind_name((enum rule_kind)rule->kind),
			   "conditions", conditions, "remote",
			   control_remote_json(&rule->remote), "packets_in",
			   (json_int_t)counters->packets_in, "packets_out",
			   (json_int_t)counters->packets_out, "discarded",
			   (json_int_t)counters->discarded);
	if (rule->keep_source)
		json_object_set_new(result, "keep_source", json_true());
	if (ruleset_rule_latch(rule) != NULL)
		control_latch_json(rule, result);
	if (conditions_told(rule) < count)
		json_object_set_new(result, "conditions_total",
				    json_integer((json_int_t)count));
	return result;
}

static size_t rule_bytes(const struct ruleset_rule *rule)
{
	return RULE_BYTES + strlen(ruleset_rule_group(rule)) +
	       CONDITION_BYTES * conditions_told(rule);
}

/* So that the counters of rules and flows are those of now. */
static struct fastpath *counted_fastpath(const struct control *control)
{
	struct fastpath *fastpath = worker_fastpath(control->options.worker);

	if (fastpath != NULL)
		fastpath_count(fastpath, mono_ms());
	return fastpath;
}

static void on_rules(struct control *control, struct rpcserver_call *call,
		     json_t *params)
{
	const struct ruleset *set = worker_ruleset(control->options.worker);
	json_int_t after = 0, limit = RULES_LIMIT;
	const struct ruleset_rule *rule;
	const char *group = NULL;
	json_t *rules;
	size_t bytes = 0;

	if (params != NULL &&
	    json_unpack_ex(params, NULL, JSON_STRICT, "{s?I, s?I, s?s}",
			   "after", &after, "limit", &limit, "group",
			   &group) != 0) {
		rpcserver_fail(call, RPC_INVALID_PARAMS,
			       "params are after, limit, group", NULL);
		return;
	}
	if (after < 0 || limit < 1) {
		rpcserver_fail(call, RPC_INVALID_PARAMS,
			       "after is at least 0, limit at least 1", NULL);
		return;
	}
	counted_fastpath(control);
	rules = json_array();
	rule = ruleset_next(set, (uint64_t)after);
	for (; rule != NULL; rule = ruleset_next(set, rule->id)) {
		if (group != NULL &&
		    strcmp(group, ruleset_rule_group(rule)) != 0)
			continue;
		if ((json_int_t)json_array_size(rules) == limit ||
		    (bytes > 0 && bytes + rule_bytes(rule) > PAGE_BYTES))
			break;
		bytes += rule_bytes(rule);
		json_array_append_new(rules, rule_json(control, rule));
	}
	rpcserver_result(call, json_pack("{s:o, s:b}", "rules", rules, "more",
					 rule != NULL));
}

static json_t *refusals_json(const struct fastpath_counts *counts)
{
	json_t *result = json_object();

	for (size_t i = FLOW_SETTLED + 1; i < FLOW_VERDICT_COUNT; i++)
		json_object_set_new(result,
				    flow_verdict_name((enum flow_verdict)i),
				    json_integer((json_int_t)counts->flows[i]));
	return result;
}

/* All 0 where there is no fast path. */
static json_t *fastpath_json(const struct fastpath *fastpath)
{
	static const struct fastpath_counts none;
	const struct fastpath_counts *counts =
		fastpath != NULL ? fastpath_counts(fastpath) : &none;

	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "flows",
		(json_int_t)(fastpath != NULL ? fastpath_flows(fastpath) : 0),
		"packets", (json_int_t)counts->packets, "settled",
		(json_int_t)counts->flows[FLOW_SETTLED], "taken_back",
		(json_int_t)counts->taken_back, "ended",
		(json_int_t)counts->ended, "adopted",
		(json_int_t)counts->adopted, "refused", refusals_json(counts));
}

static void on_verdicts(struct control *control, struct rpcserver_call *call)
{
	struct worker_counts counts = worker_counts(control->options.worker);
	struct nft_counts nft;
	json_t *verdicts;
	int err = nft_counts_read(control->options.conf->table, &nft);

	if (err != 0) {
		rpcserver_fail(call, RPC_INTERNAL_ERROR,
			       "the nft tables cannot be read", NULL);
		return;
	}
	counted_fastpath(control);
	verdicts = json_object();
	for (size_t i = 0; i < VERDICT_COUNT; i++)
		json_object_set_new(verdicts, verdict_name((enum verdict)i),
				    json_integer(
					    (json_int_t)counts.verdicts[i]));
	json_object_update_new(
		verdicts,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "tun_full",
			  (json_int_t)counts.tun_full, "tun_failed",
			  (json_int_t)counts.tun_failed, "guard_dropped",
			  (json_int_t)nft.guard_dropped, "guard_misrouted",
			  (json_int_t)nft.guard_misrouted, "draw_spoofed",
			  (json_int_t)nft.draw_spoofed, "errors_withheld",
			  (json_int_t)nft.errors_withheld));
	rpcserver_result(call, json_pack("{s:o, s:o}", "verdicts", verdicts,
					 "fastpath",
					 fastpath_json(worker_fastpath(
						 control->options.worker))));
}

static void on_status(struct control *control, struct rpcserver_call *call)
{
	const struct control_options *options = &control->options;

	rpcserver_result(
		call,
		json_pack(
			"{s:s, s:s, s:i, s:I, s:s, s:I, s:I, s:I, s:I, s:I}",
			"program", "viaduct-translator", "version",
			PACKAGE_VERSION, "pid", (int)getpid(), "epoch",
			(json_int_t)options->epoch, "natctl",
			link_is_up(options->link) ? "up" : "down", "rules",
			(json_int_t)ruleset_count(
				worker_ruleset(options->worker)),
			"permits", (json_int_t)worker_permits(options->worker),
			"fragments",
			(json_int_t)worker_fragments(options->worker),
			"dynamic", (json_int_t)worker_dynamics(options->worker),
			"workers", (json_int_t)worker_count(options->worker)));
}

static void on_request(struct rpcserver_call *call, const char *method,
		       json_t *params, void *arg)
{
	struct control *control = arg;

	if (strcmp(method, "rules") == 0)
		on_rules(control, call, params);
	else if (strcmp(method, "verdicts") == 0)
		on_verdicts(control, call);
	else if (strcmp(method, "explain") == 0)
		control_explain(worker_context(control->options.worker),
				&control->options.conf->names, call, params);
	else if (strcmp(method, "flows") == 0)
		control_flows(counted_fastpath(control), control->options.conf,
			      call, params);
	else if (strcmp(method, "status") == 0)
		on_status(control, call);
	else
		rpcserver_fail(
			call, RPC_METHOD_NOT_FOUND,
			"methods are rules, flows, verdicts, explain, status",
			NULL);
}

int control_new(const struct control_options *options,
		struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	struct rpcserver_options server = { .base = options->base,
					    .path = options->path,
					    .mode = CONTROL_MODE,
					    .max_clients = CLIENTS_MAX,
					    .on_request = on_request,
					    .arg = control };
	int err;

	if (control == NULL)
		return -ENOMEM;
	control->options = *options;
	err = rpcserver_new(&server, &control->server);
	if (err != 0) {
		free(control);
		return err;
	}
	*ret_control = control;
	return 0;
}

void control_free(struct control *control)
{
	if (control == NULL)
		return;
	rpcserver_free(control->server);
	free(control);
}
