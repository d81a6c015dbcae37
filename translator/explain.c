/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of a packet, and why, in words. Pure. */
#include "translator/explain.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "translator/packet.h"

#define CONDITIONS_TOLD 4 /* of a rule, in a reason */

struct writer { /* of the reason */
	char *text;
	const struct realm_names *names;
};

/* Adds to the reason; what does not fit is left out. */
static void say(const struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct writer *writer, const char *format, ...)
{
	size_t used = strlen(writer->text);
	va_list args;

	va_start(args, format);
	vsnprintf(writer->text + used, EXPLAIN_REASON_MAX - used, format, args);
	va_end(args);
}

static void say_place(const struct writer *writer, const char *before,
		      const struct endpoint *place)
{
	char text[ENDPOINT_TEXT];

	say(writer, "%s%s", before,
	    endpoint_format(place, writer->names, text));
}

static const char *realm_name(const struct writer *writer, realm_id realm)
{
	return realm < writer->names->count ? writer->names->names[realm] : "?";
}

static void say_rule(const struct writer *writer,
		     const struct ruleset_rule *rule)
{
	say(writer, "rule %ju", (uintmax_t)rule->id);
	if (ruleset_rule_group(rule)[0])
		say(writer, " of group \"%s\"", ruleset_rule_group(rule));
}

static void say_condition(const struct writer *writer,
			  const struct rule_condition *condition)
{
	char source[IP_PREFIX_TEXT];

	say(writer, "%s", ip_prefix_format(&condition->source, source));
	if (condition->ports.first > 1 || condition->ports.last < 65535)
		say(writer, " ports %u-%u", (unsigned)condition->ports.first,
		    (unsigned)condition->ports.last);
}

/* The source is none of the rule's, or one that it discards. */
static void say_refused_source(const struct writer *writer,
			       const struct explanation *explanation)
{
	const struct ruleset_rule *rule = explanation->path.refused;
	const struct rule_condition *conditions;
	uint16_t count, told;

	say_place(writer, "the source ", &explanation->path.src);
	if (explanation->refusing) {
		say(writer, " is discarded by a condition of ");
		say_rule(writer, rule);
		say(writer, ": ");
		say_condition(writer, explanation->refusing);
		return;
	}
	say(writer, " meets none of the conditions of ");
	say_rule(writer, rule);
	say(writer, ": ");
	conditions = ruleset_rule_conditions(rule, &count);
	told = count < CONDITIONS_TOLD ? count : CONDITIONS_TOLD;
	for (uint16_t i = 0; i < told; i++) {
		say(writer, i ? ", " : "");
		say_condition(writer, &conditions[i]);
	}
	if (told < count)
		say(writer, " and %u more", count - told);
}

static void say_unsolicited(const struct writer *writer,
			    const struct explanation *explanation)
{
	const struct ruleset_rule *rule = explanation->path.refused;

	say_rule(writer, rule);
	say_place(writer,
		  " is originating and admits only answers: ", &rule->inner);
	say_place(writer, " has sent nothing to ", &explanation->path.src);
	say(writer, " in the last %u seconds", (unsigned)rule->timer);
}

static void say_latch(const struct writer *writer,
		      const struct explanation *explanation)
{
	const struct resolve_path *path = &explanation->path;
	const struct ruleset_rule *rule = path->refused;
	char prefix[IP_PREFIX_TEXT];
	struct endpoint known;

	say_place(writer, "the source ", &path->src);
	if (latch_read(ruleset_rule_own_latch(rule),
		       (uint16_t)(path->dst.port - rule->outer.port), &known)) {
		say(writer, " is not the one that ");
		say_rule(writer, rule);
		say_place(writer, " has latched on to: ", &known);
		return;
	}
	say(writer, " is not in %s, of which ",
	    ip_prefix_format(&ruleset_rule_own_latch(rule)->prefix, prefix));
	say_rule(writer, rule);
	say(writer, " latches on to the first to send");
}

static void say_not_latched(const struct writer *writer,
			    const struct explanation *explanation)
{
	const struct ruleset_rule *rule = explanation->path.refused;
	char prefix[IP_PREFIX_TEXT];

	say_rule(writer, rule);
	say(writer,
	    " sends to whom it has latched on to, and nothing has come yet "
	    "from %s",
	    ip_prefix_format(&ruleset_rule_own_latch(rule)->prefix, prefix));
}

/* No way for the source into the realm of the destination. */
static void say_no_source(const struct writer *writer,
			  const struct translate_context *context,
			  const struct explain_packet *packet,
			  const struct explanation *explanation)
{
	const struct resolve_path *path = &explanation->path;
	struct ruleset_query query = { .protocol = packet->protocol,
				       .into = path->dst.realm,
				       .source = &path->src,
				       .remote = &path->dst };
	const struct ruleset_rule *rule;
	const char *into = realm_name(writer, path->dst.realm);
	uint16_t offset;

	say_place(writer, "the source ", &path->src);
	say(writer, " is not valid in realm \"%s\"", into);
	say_place(writer, " and has no endpoint there towards ", &path->dst);
	rule = ruleset_find_source(context->ruleset, &query, NULL, &offset,
				   NULL);
	if (!rule)
		return;
	say(writer, ": ");
	say_rule(writer, rule);
	say(writer,
	    " is terminating and gives one for answers only, and nothing has "
	    "come from there in the last %u seconds",
	    (unsigned)rule->timer);
}

/* Why the rules refuse it. */
static void say_discarded(const struct writer *writer,
			  const struct translate_context *context,
			  const struct explain_packet *packet,
			  const struct explanation *explanation)
{
	const struct resolve_path *path = &explanation->path;
	const char *from = realm_name(writer, packet->src.realm);
	char address[IP_ADDR_TEXT];

	if (path->verdict == VERDICT_NO_REALM) {
		say(writer,
		    "%s is an address neither of realm \"%s\" nor of one "
		    "that it reaches",
		    ip_addr_format(&path->dst.addr, address), from);
	} else if (path->verdict == VERDICT_NO_RULE) {
		say_place(writer, "no rule for ", &path->dst);
		say(writer, ": never leased, or already released");
	} else if (path->verdict == VERDICT_NO_SOURCE) {
		say_no_source(writer, context, packet, explanation);
	} else if (path->verdict == VERDICT_CONDITION) {
		say_refused_source(writer, explanation);
	} else if (path->verdict == VERDICT_UNSOLICITED) {
		say_unsolicited(writer, explanation);
	} else if (path->verdict == VERDICT_LATCH) {
		say_latch(writer, explanation);
	} else if (path->verdict == VERDICT_NOT_LATCHED) {
		say_not_latched(writer, explanation);
	} else {
		assert(path->verdict == VERDICT_NOT_OURS);
		say(writer,
		    "it would leave as it came: both ends are in realm "
		    "\"%s\", and no rule has a part in it",
		    from);
	}
}

/* What latching has to do with a step of a packet that is forwarded. */
static void say_followed(const struct writer *writer,
			 const struct resolve_path *path,
			 const struct resolve_step *step)
{
	struct endpoint known;

	if (path->latches == step->rule)
		say_place(writer, " and latches on to ", &path->latch_source);
	else if (!step->source)
		say_place(writer, ", latched on to ", &step->remote);
	else if (latch_read(ruleset_rule_own_latch(step->rule), step->offset,
			    &known) &&
		 endpoint_equal(&known, &path->dst))
		say_place(writer, ", latched on to ", &known);
}

static void say_forwarded(const struct writer *writer,
			  const struct resolve_path *path)
{
	if (path->step_count == 0) {
		say(writer, "realm \"%s\" is reached as it is",
		    realm_name(writer, path->dst.realm));
		return;
	}
	for (size_t i = 0; i < path->step_count; i++) {
		const struct resolve_step *step = &path->steps[i];

		say(writer, "%s", i ? ", then " : "");
		say_rule(writer, step->rule);
		if (!step->source)
			say_place(writer, " has the destination ",
				  &step->rule->outer);
		else if (step->rule->keep_source)
			say(writer, " lets the source be as it is");
		else
			say_place(writer, " gives the source ",
				  &step->rule->outer);
		if (step->rule->has_latch)
			say_followed(writer, path, step);
	}
}

/* What the addresses alone are refused for. */
static void say_not_admitted(const struct writer *writer, enum verdict verdict,
			     const struct explain_packet *packet)
{
	if (verdict == VERDICT_MARTIAN)
		say(writer, "source or destination is not a unicast address of "
			    "a host in a network");
	else
		say_place(writer, "only the edge itself sends from its pools: ",
			  &packet->src);
}

static void find_conditions(struct explanation *ret)
{
	const struct resolve_path *path = &ret->path;

	for (size_t i = 0; i < path->step_count; i++)
		if (!path->steps[i].source)
			ret->conditions[i] =
				ruleset_rule_condition(path->steps[i].rule,
						       &path->steps[i].remote);
	if (path->refused && path->verdict != VERDICT_NOT_LATCHED)
		ret->refusing = ruleset_rule_condition(path->refused,
						       &path->src);
}

static void mapping_begins(const struct translate_context *context,
			   const struct writer *writer, struct explanation *ret)
{
	const struct dynamic_want *want = &ret->path.want;
	const struct ruleset_rule *rule = ruleset_find_outer(context->ruleset,
							     want->protocol,
							     &ret->path.dst);

	ret->begins_mapping = true;
	ret->verdict = VERDICT_OUT;
	if (!rule)
		return;
	ret->verdict = rule->inner.realm == want->inner.realm ?
			       VERDICT_HAIRPIN :
			       VERDICT_TRANSIT;
	say(writer, ", and, where it admits that, ");
	say_rule(writer, rule);
	say_place(writer, " has the destination ", &rule->outer);
}

/* The source needs one, which is made as the packet passes, or is not. */
static void explain_mapping(const struct translate_context *context,
			    const struct writer *writer,
			    struct explanation *ret)
{
	const struct dynamic_want *want = &ret->path.want;
	const char *into = realm_name(writer, want->into);

	switch (dynamics_try(context->dynamics, want)) {
	case 0:
		say_place(writer, "a dynamic mapping begins: ", &want->inner);
		say(writer, " gets an endpoint of its own in realm \"%s\"",
		    into);
		mapping_begins(context, writer, ret);
		break;
	case -EDQUOT:
		ret->verdict = VERDICT_DYNAMIC_LIMIT;
		say_place(writer, "no dynamic mapping for ", &want->inner);
		say(writer, ": its address has as many as realm \"%s\" allows",
		    realm_name(writer, want->inner.realm));
		break;
	default:
		ret->verdict = VERDICT_DYNAMIC_FULL;
		say_place(writer, "no dynamic mapping for ", &want->inner);
		say(writer, ": the dynamic pools of realm \"%s\" are used up",
		    into);
		break;
	}
}

static void explain_rules(const struct translate_context *context,
			  const struct writer *writer,
			  const struct explain_packet *packet, uint64_t now_ms,
			  struct explanation *ret)
{
	struct resolve_view view = { .ruleset = context->ruleset,
				     .realms = context->realms,
				     .permits = context->permits,
				     .protocol = packet->protocol,
				     .sessions = translate_sessions(context),
				     .now_ms = now_ms };

	ret->path = resolve(&view, &packet->src, &packet->dst);
	ret->verdict = ret->path.verdict;
	if (ret->path.wants_mapping && !packet->is_error &&
	    packet->src.port != 0) {
		explain_mapping(context, writer, ret);
		return;
	}
	find_conditions(ret);
	if (verdict_is_forwarded(ret->path.verdict))
		say_forwarded(writer, &ret->path);
	else
		say_discarded(writer, context, packet, ret);
	if (ret->path.latches && !verdict_is_forwarded(ret->path.verdict)) {
		say(writer, "; all the same ");
		say_rule(writer, ret->path.latches);
		say_place(writer, " latches on to ", &ret->path.latch_source);
	}
}

/* As the answer to the packet that it is about would go. */
static void explain_error(const struct writer *writer, struct explanation *ret)
{
	bool translated = verdict_is_forwarded(ret->verdict) &&
			  ret->path.step_count > 0;

	ret->verdict = translated ? VERDICT_ICMP_ERROR : VERDICT_ICMP_NO_RULE;
	say(writer, translated ? "; the error goes as an answer would" :
				 "; an error goes only where a rule let the "
				 "packet that it is about through");
}

/* Only mappings take queries. */
static void explain_query(const struct writer *writer, struct explanation *ret)
{
	if (ret->begins_mapping || !verdict_is_forwarded(ret->verdict) ||
	    ret->path.step_count > 0)
		return;
	ret->verdict = VERDICT_ICMP_QUERY;
	say(writer, "; but a query passes by a mapping only");
}

void explain(const struct translate_context *context,
	     const struct realm_names *names,
	     const struct explain_packet *packet, uint64_t now_ms,
	     struct explanation *ret)
{
	struct writer writer = { .text = ret->reason, .names = names };

	*ret = (struct explanation){ .path.src = packet->src,
				     .path.dst = packet->dst };
	if (packet->protocol != PACKET_UDP && packet->protocol != PACKET_TCP &&
	    packet->protocol != PACKET_ICMP) {
		ret->verdict = VERDICT_PROTOCOL;
		say(&writer, "only UDP, TCP and ICMP are translated");
		return;
	}
	ret->verdict = resolve_admit(context->realms, packet->src.realm,
				     &packet->src.addr, &packet->dst.addr);
	if (!verdict_is_forwarded(ret->verdict)) {
		say_not_admitted(&writer, ret->verdict, packet);
		return;
	}
	explain_rules(context, &writer, packet, now_ms, ret);
	if (packet->is_error)
		explain_error(&writer, ret);
	else if (packet->protocol == PACKET_ICMP)
		explain_query(&writer, ret);
}
