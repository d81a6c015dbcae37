/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fast path's way in: flows that packets offer go to the kernel. */
#include "translator/fastpath_parts.h"

#include <errno.h>
#include <string.h>

#include "translator/mark.h"

static size_t refusal_place(const struct fastpath *fastpath,
			    const struct endpoint *src,
			    const struct endpoint *dst)
{
	return (endpoint_hash(src, fastpath->seed) ^
		endpoint_hash(dst, ~fastpath->seed)) %
	       FASTPATH_REFUSALS;
}

/* Has it lately been refused, by the same rules? */
static bool was_refused(struct fastpath *fastpath, const struct endpoint *src,
			const struct endpoint *dst, uint64_t now_ms)
{
	struct fastpath_refusal *refusal =
		&fastpath->refusals[refusal_place(fastpath, src, dst)];

	if (refusal->why == FLOW_SETTLED ||
	    refusal->change != fastpath->change ||
	    now_ms - refusal->at_ms >= FASTPATH_RETRY_MS ||
	    !endpoint_equal(&refusal->src, src) ||
	    !endpoint_equal(&refusal->dst, dst))
		return false;
	refusal->packets++;
	return true;
}

static void note_refusal(struct fastpath *fastpath, const struct endpoint *src,
			 const struct endpoint *dst, enum flow_verdict why,
			 uint64_t now_ms)
{
	struct fastpath_refusal *refusal =
		&fastpath->refusals[refusal_place(fastpath, src, dst)];
	bool same = endpoint_equal(&refusal->src, src) &&
		    endpoint_equal(&refusal->dst, dst);

	*refusal = (struct fastpath_refusal){
		.src = *src,
		.dst = *dst,
		.why = why,
		.change = fastpath->change,
		.at_ms = now_ms,
		.packets = same ? refusal->packets + 1 : 1
	};
}

static void refuse(struct fastpath *fastpath, const struct endpoint *src,
		   const struct endpoint *dst, enum flow_verdict why,
		   uint64_t now_ms)
{
	fastpath->counts.flows[why]++;
	note_refusal(fastpath, src, dst, why, now_ms);
}

/* One with a zone may have been offered by a packet of either way. */
static void refuse_entry(struct fastpath *fastpath, struct flows_entry *entry,
			 enum flow_verdict why, uint64_t now_ms)
{
	refuse(fastpath, &entry->flow.there.src, &entry->flow.there.dst, why,
	       now_ms);
	if (entry->zone != 0)
		note_refusal(fastpath, &entry->flow.back.src,
			     &entry->flow.back.dst, why, now_ms);
	flows_remove(fastpath->flows, entry);
}

static void enlist(struct fastpath *fastpath, struct flows_entry *entry,
		   struct list *list, uint64_t now_ms)
{
	entry->tried_ms = now_ms;
	entry->marked = true;
	list_add_tail(list, &entry->marked_node);
	if (++fastpath->waiting == CONNTRACK_BATCH_MAX)
		fastpath_flush(fastpath, now_ms);
}

static enum flow_verdict give(struct fastpath *fastpath,
			      const struct endpoint *src,
			      const struct endpoint *dst, uint64_t now_ms)
{
	struct resolve_view view = fastpath_view(fastpath);
	struct flows_entry *entry;
	struct flow flow;
	enum flow_verdict verdict;

	if (now_ms < fastpath->full_ms)
		return FLOW_FULL;
	verdict = fastpath_settle(fastpath, &view, src, dst, &flow);
	if (verdict != FLOW_SETTLED)
		return verdict;
	switch (flows_add(fastpath->flows, &flow, &entry)) {
	case 0:
		break;
	case -ENOSPC:
	case -EDQUOT:
		return FLOW_LIMIT;
	case -EEXIST:
		return FLOW_TAKEN;
	default:
		return FLOW_FAILED;
	}
	entry->mark = mark_of(fastpath->tag, flow.there.src.realm,
			      flow.back.src.realm);
	entry->zone = fastpath->zones[flow.there.src.realm];
	entry->since_ms = now_ms;
	enlist(fastpath, entry, &fastpath->fresh, now_ms);
	return FLOW_SETTLED;
}

void fastpath_offer(struct fastpath *fastpath, const struct endpoint *src,
		    const struct endpoint *dst, uint64_t now_ms)
{
	struct flows_entry *entry;
	enum flow_verdict verdict;
	bool back;

	entry = flows_find(fastpath->flows, src, dst, &back);
	if (entry != NULL) {
		/* Under way when it was given, or the kernel has lost it. */
		if (!entry->marked &&
		    now_ms - entry->tried_ms >= FASTPATH_RETRY_MS)
			enlist(fastpath, entry, &fastpath->again, now_ms);
		return;
	}
	if (was_refused(fastpath, src, dst, now_ms))
		return;
	verdict = give(fastpath, src, dst, now_ms);
	if (verdict != FLOW_SETTLED)
		refuse(fastpath, src, dst, verdict, now_ms);
}

/* Another one is there: the same as was to be made, then it is ours. */
static enum flow_verdict meet(struct fastpath *fastpath,
			      struct flows_entry *entry)
{
	struct conntrack_entry wanted = fastpath_entry(entry), found = wanted;
	int result = -EIO;

	if (conntrack_read(fastpath->conntrack, &found, 1, &result) != 0 ||
	    result != 0)
		return FLOW_TAKEN;
	if (found.mark == wanted.mark &&
	    fastpath_is_entry(&found, &entry->flow)) {
		memcpy(entry->packets, found.packets, sizeof(found.packets));
		return FLOW_SETTLED;
	}
	/* One of ours that says something else has no right to be there. */
	if ((found.mark & MARK_TAG) == fastpath->tag)
		conntrack_remove(fastpath->conntrack, &found, 1, &result);
	return FLOW_TAKEN;
}

static enum flow_verdict verdict_of(struct fastpath *fastpath,
				    struct flows_entry *entry, int result,
				    uint64_t now_ms)
{
	switch (result) {
	case 0:
		return FLOW_SETTLED;
	case -EEXIST:
		return meet(fastpath, entry);
	case -ENOMEM:
		fastpath->full_ms = now_ms + FASTPATH_RETRY_MS;
		return FLOW_FULL;
	default:
		log_limited(&fastpath->failures, now_ms, LOG_LEVEL_WARN,
			    "fast path: the kernel refuses a flow: %s",
			    strerror(-result));
		return FLOW_FAILED;
	}
}

static void create(struct fastpath *fastpath, struct list *list,
		   uint64_t now_ms)
{
	struct fastpath_batch batch;
	int err;

	fastpath_batch_fill(&batch, list);
	err = conntrack_create(fastpath->conntrack, batch.entries, batch.count,
			       batch.results);
	/* Which ones are there now? None, to be safe. */
	if (err != 0)
		conntrack_remove(fastpath->conntrack, batch.entries,
				 batch.count, batch.results);
	for (size_t i = 0; i < batch.count; i++) {
		struct flows_entry *entry = batch.flows[i];
		enum flow_verdict verdict;

		flows_unmark(entry);
		verdict = verdict_of(fastpath, entry,
				     err != 0 ? err : batch.results[i], now_ms);
		if (verdict == FLOW_SETTLED)
			fastpath->counts.flows[FLOW_SETTLED]++;
		else
			refuse_entry(fastpath, entry, verdict, now_ms);
	}
}

/*
 * What is left in the kernel of these goes first: so its last counters are
 * known before those of the new entry begin.
 */
static void renew(struct fastpath *fastpath, uint64_t now_ms)
{
	struct fastpath_batch batch;

	fastpath_batch_fill(&batch, &fastpath->again);
	conntrack_remove(fastpath->conntrack, batch.entries, batch.count,
			 batch.results);
	fastpath_take_ended(fastpath);
	for (size_t i = 0; i < batch.count; i++)
		memset(batch.flows[i]->packets, 0,
		       sizeof(batch.flows[i]->packets));
	create(fastpath, &fastpath->again, now_ms);
}

void fastpath_flush(struct fastpath *fastpath, uint64_t now_ms)
{
	if (fastpath->waiting == 0)
		return;
	fastpath->waiting = 0;
	if (!list_is_empty(&fastpath->fresh))
		create(fastpath, &fastpath->fresh, now_ms);
	if (!list_is_empty(&fastpath->again))
		renew(fastpath, now_ms);
}

const struct fastpath_refusal *fastpath_refused(const struct fastpath *fastpath,
						size_t place)
{
	const struct fastpath_refusal *refusal = &fastpath->refusals[place];

	return refusal->why != FLOW_SETTLED ? refusal : NULL;
}
