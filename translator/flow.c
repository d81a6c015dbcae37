/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a flow settled: may the kernel translate it from now on? Pure. */
#include "translator/flow.h"

/* All but the verdict that the other direction has its say in. */
static enum flow_verdict settle_way(const struct resolve_path *path,
				    const struct endpoint *src,
				    const struct endpoint *dst,
				    struct flow_way *ret)
{
	if (!verdict_is_forwarded(path->verdict))
		return FLOW_DISCARDED;
	if (path->latches)
		return FLOW_UNLATCHED;
	if (path->step_count > FLOW_STEPS_MAX)
		return FLOW_INTRICATE;
	*ret = (struct flow_way){ .src = *src, .dst = *dst };
	ret->dst.realm = src->realm; /* as flows_find is asked */
	for (size_t i = 0; i < path->step_count; i++) {
		const struct resolve_step *step = &path->steps[i];

		if (step->rule->kind != RULE_BOTH)
			return FLOW_ONE_WAY;
		/* It is meant for one direction: an entry has both. */
		if (step->rule->keep_source)
			return FLOW_INTRICATE;
		ret->steps[ret->step_count++] =
			(struct flow_step){ step->rule->id, step->source };
	}
	return FLOW_SETTLED;
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

static bool is_v4(const struct endpoint *endpoint)
{
	return endpoint->addr.family == IP_V4;
}

enum flow_verdict flow_settle(const struct resolve_view *view,
			      const struct endpoint *src,
			      const struct endpoint *dst, struct flow *ret)
{
	struct resolve_path there = resolve(view, src, dst), back;
	struct flow flow;
	enum flow_verdict verdict = settle_way(&there, src, dst, &flow.there);

	if (verdict != FLOW_SETTLED)
		return verdict;
	if (!is_v4(src) || !is_v4(dst) || !is_v4(&there.src) ||
	    !is_v4(&there.dst))
		return FLOW_FAMILY;
	/* The answer, as the party that gets the packet would send it. */
	there.src.realm = there.dst.realm;
	back = resolve(view, &there.dst, &there.src);
	verdict = settle_way(&back, &there.dst, &there.src, &flow.back);
	if (verdict != FLOW_SETTLED)
		return verdict;
	if (!same_place(&back.src, dst) || !same_place(&back.dst, src) ||
	    back.dst.realm != src->realm)
		return FLOW_ASKEW;
	if (flow.there.step_count + flow.back.step_count == 0)
		return FLOW_UNRULED;
	/* To itself, around the edge: both directions look the same. */
	if (endpoint_equal(&flow.back.src, src) &&
	    endpoint_equal(&flow.back.dst, dst))
		return FLOW_INTRICATE;
	*ret = flow;
	return FLOW_SETTLED;
}

static bool way_equal(const struct flow_way *a, const struct flow_way *b)
{
	if (a->step_count != b->step_count || a->src.realm != b->src.realm ||
	    !same_place(&a->src, &b->src) || !same_place(&a->dst, &b->dst))
		return false;
	for (size_t i = 0; i < a->step_count; i++)
		if (a->steps[i].rule != b->steps[i].rule ||
		    a->steps[i].source != b->steps[i].source)
			return false;
	return true;
}

bool flow_equal(const struct flow *a, const struct flow *b)
{
	return way_equal(&a->there, &b->there) && way_equal(&a->back, &b->back);
}

const char *flow_verdict_name(enum flow_verdict verdict)
{
	switch (verdict) {
	case FLOW_SETTLED:
		return "settled";
	case FLOW_DISCARDED:
		return "discarded";
	case FLOW_UNRULED:
		return "unruled";
	case FLOW_ONE_WAY:
		return "one_way";
	case FLOW_ASKEW:
		return "askew";
	case FLOW_INTRICATE:
		return "intricate";
	case FLOW_FAMILY:
		return "family";
	case FLOW_UNLATCHED:
		return "unlatched";
	case FLOW_LIMIT:
		return "limit";
	case FLOW_TAKEN:
		return "taken";
	case FLOW_FULL:
		return "full";
	case FLOW_FAILED:
		return "failed";
	}
	return "";
}
