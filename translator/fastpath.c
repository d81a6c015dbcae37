/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SPINE: the fast path's state, from start to end. */
#include "translator/fastpath.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"
#include "common/privs.h"
#include "translator/fastpath_parts.h"
#include "translator/mark.h"
#include "translator/plan_table.h"
#include "translator/sysctl.h"

#define FLOWS_MAX 131072
#define TABLE_MAX "net/netfilter/nf_conntrack_max"

struct resolve_view fastpath_view(const struct fastpath *fastpath)
{
	return (struct resolve_view){ .ruleset = fastpath->options.ruleset,
				      .realms = fastpath->options.realms,
				      .permits = fastpath->options.permits,
				      .protocol = RULE_UDP,
				      .now_ms = mono_ms() };
}

/*
 * An entry's zone is that of its way there. Which way was first does not matter
 * to the kernel; between two realms with zones the way back is told from others
 * by the mark (nft_flows.h).
 */
static bool is_zoned_first(const struct fastpath *fastpath,
			   const struct flow *flow)
{
	return fastpath->zones[flow->there.src.realm] != 0 ||
	       fastpath->zones[flow->back.src.realm] == 0;
}

enum flow_verdict fastpath_settle(const struct fastpath *fastpath,
				  const struct resolve_view *view,
				  const struct endpoint *src,
				  const struct endpoint *dst, struct flow *ret)
{
	struct flow flow;
	enum flow_verdict verdict = flow_settle(view, src, dst, &flow);

	if (verdict != FLOW_SETTLED)
		return verdict;
	if (fastpath->stays[flow.there.src.realm] ||
	    fastpath->stays[flow.back.src.realm])
		return FLOW_INTRICATE;
	*ret = flow;
	if (!is_zoned_first(fastpath, &flow)) {
		ret->there = flow.back;
		ret->back = flow.there;
	}
	return FLOW_SETTLED;
}

struct conntrack_entry fastpath_entry(const struct flows_entry *entry)
{
	return (struct conntrack_entry){ .src = entry->flow.there.src,
					 .dst = entry->flow.there.dst,
					 .back_src = entry->flow.back.src,
					 .back_dst = entry->flow.back.dst,
					 .mark = entry->mark,
					 .zone = entry->zone };
}

bool fastpath_is_entry(const struct conntrack_entry *entry,
		       const struct flow *flow)
{
	return endpoint_equal(&entry->src, &flow->there.src) &&
	       endpoint_equal(&entry->dst, &flow->there.dst) &&
	       endpoint_equal(&entry->back_src, &flow->back.src) &&
	       endpoint_equal(&entry->back_dst, &flow->back.dst);
}

void fastpath_batch_fill(struct fastpath_batch *batch, struct list *list)
{
	struct list *node;

	batch->count = 0;
	list_for_each(node, list) {
		struct flows_entry *entry = flows_of_mark(node);

		batch->flows[batch->count] = entry;
		batch->entries[batch->count] = fastpath_entry(entry);
		batch->results[batch->count] = -EIO;
		if (++batch->count == CONNTRACK_BATCH_MAX)
			break;
	}
}

static void on_readable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fastpath_take_ended(arg);
}

/* Entries that are to go. */
struct strays {
	const struct fastpath *fastpath; /* NULL: all of them */
	struct conntrack_entry *entries; /* owned */
	size_t count;
	bool no_memory;
};

static bool is_known(const struct fastpath *fastpath,
		     const struct conntrack_entry *told)
{
	bool back;
	const struct flows_entry *entry =
		flows_find(fastpath->flows, &told->src, &told->dst, &back);

	return entry != NULL && entry->zone == told->zone;
}

static void on_stray(const struct conntrack_entry *told, void *arg)
{
	struct conntrack_entry *entries;
	struct strays *strays = arg;

	if (strays->fastpath != NULL && is_known(strays->fastpath, told))
		return;
	entries = reallocarray(strays->entries, strays->count + 1,
			       sizeof(*entries));
	if (entries == NULL) {
		strays->no_memory = true;
		return;
	}
	strays->entries = entries;
	entries[strays->count++] = *told;
}

/* Removes what the book does not know. */
static int sweep(struct conntrack *conntrack, const struct fastpath *fastpath)
{
	struct strays strays = { .fastpath = fastpath };
	int results[CONNTRACK_BATCH_MAX];
	int err = conntrack_each(conntrack, on_stray, &strays);

	if (err == 0 && strays.no_memory)
		err = -ENOMEM;
	for (size_t done = 0; err == 0 && done < strays.count;
	     done += CONNTRACK_BATCH_MAX) {
		size_t count = strays.count - done;

		if (count > CONNTRACK_BATCH_MAX)
			count = CONNTRACK_BATCH_MAX;
		err = conntrack_remove(conntrack, &strays.entries[done], count,
				       results);
		for (size_t i = 0; err == 0 && i < count; i++)
			if (results[i] != 0 && results[i] != -ENOENT)
				err = results[i];
	}
	free(strays.entries);
	return err;
}

static void on_adopted(const struct conntrack_entry *told, void *arg)
{
	struct fastpath *fastpath = arg;
	size_t realm_count = fastpath->options.conf->realm_count;
	struct flows_entry *entry;
	struct flow flow = { .there = { .src = told->src, .dst = told->dst },
			     .back = { .src = told->back_src,
				       .dst = told->back_dst } };

	/* What is not taken is swept away. */
	if (told->src.realm >= realm_count ||
	    told->back_src.realm >= realm_count ||
	    fastpath->stays[told->src.realm] ||
	    fastpath->stays[told->back_src.realm] ||
	    fastpath->zones[told->src.realm] != told->zone ||
	    !is_zoned_first(fastpath, &flow) ||
	    flows_add(fastpath->flows, &flow, &entry) != 0)
		return;
	entry->adopted = true;
	entry->mark = told->mark;
	entry->zone = told->zone;
	entry->since_ms = entry->tried_ms = mono_ms();
	memcpy(entry->packets, told->packets, sizeof(told->packets));
}

/* Half of the kernel's table is left to others. */
static size_t flows_max(void)
{
	char text[32];
	unsigned long max = 0;

	if (sysctl_read(TABLE_MAX, text, sizeof(text)) == 0)
		max = strtoul(text, NULL, 10) / 2;
	return max > 0 && max < FLOWS_MAX ? max : FLOWS_MAX;
}

static bool is_switched_on(const char *interface, const char *what)
{
	char name[128], text[32];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/%s", interface, what);
	return sysctl_read(name, text, sizeof(text)) == 0 &&
	       strtoul(text, NULL, 10) != 0;
}

/*
 * The host's check of sources (rp_filter) would look for them in the main
 * routing table, which does not know what is behind a gateway of the realm's
 * own; or, with src_valid_mark, in that of the realm which a packet goes to.
 */
static bool stays(const struct conf *conf, realm_id realm)
{
	const struct conf_list *names = &conf->realms[realm].interfaces;

	if (!plan_table_needed(conf, realm))
		return false;
	if (is_switched_on("all", "src_valid_mark"))
		return true;
	if (conf->realms[realm].gateway.family == IP_NONE)
		return false;
	for (size_t i = 0; i < names->count; i++)
		if (is_switched_on("all", "rp_filter") ||
		    is_switched_on(names->items[i], "rp_filter"))
			return true;
	return false;
}

static int start(struct fastpath *fastpath)
{
	uint64_t seeds[2];
	int err;

	random_bytes(seeds, sizeof(seeds));
	fastpath->seed = seeds[0];
	fastpath->flows = flows_new(flows_max(), seeds[1]);
	if (fastpath->flows == NULL)
		return -ENOMEM;
	err = conntrack_new(fastpath->tag, &fastpath->conntrack);
	if (err == 0)
		err = conntrack_each(fastpath->conntrack, on_adopted, fastpath);
	if (err == 0)
		err = sweep(fastpath->conntrack, fastpath);
	if (err != 0)
		return err;
	fastpath->ended = event_new(fastpath->options.base,
				    conntrack_fd(fastpath->conntrack),
				    EV_READ | EV_PERSIST, on_readable,
				    fastpath);
	if (fastpath->ended == NULL || event_add(fastpath->ended, NULL) != 0)
		return -ENOMEM;
	return 0;
}

int fastpath_new(const struct fastpath_options *options, struct fastpath **ret)
{
	struct fastpath *fastpath = calloc(1, sizeof(*fastpath));
	int err;

	if (fastpath == NULL)
		return -ENOMEM;
	fastpath->options = *options;
	fastpath->tag = mark_tag(options->conf->table);
	for (size_t i = 0; i < options->conf->realm_count; i++) {
		fastpath->zones[i] = plan_zone(options->conf, (realm_id)i);
		fastpath->stays[i] = stays(options->conf, (realm_id)i);
	}
	list_init(&fastpath->fresh);
	list_init(&fastpath->again);
	err = start(fastpath);
	if (err != 0) {
		fastpath_free(fastpath);
		return err;
	}
	if (flows_count(fastpath->flows) > 0)
		log_info("fast path: %zu flows of an earlier translator",
			 flows_count(fastpath->flows));
	*ret = fastpath;
	return 0;
}

void fastpath_free(struct fastpath *fastpath)
{
	if (fastpath == NULL)
		return;
	if (fastpath->ended != NULL)
		event_free(fastpath->ended);
	conntrack_free(fastpath->conntrack);
	flows_free(fastpath->flows);
	free(fastpath);
}

int fastpath_clean(const struct conf *conf)
{
	struct conntrack *conntrack;
	int err = conntrack_new(mark_tag(conf->table), &conntrack);

	if (err != 0)
		return err;
	err = sweep(conntrack, NULL);
	conntrack_free(conntrack);
	return err;
}

const struct flows_entry *fastpath_next(const struct fastpath *fastpath,
					const struct flows_entry *entry)
{
	return flows_next(fastpath->flows, entry);
}

const struct flows_entry *fastpath_after(const struct fastpath *fastpath,
					 uint64_t after)
{
	return flows_after(fastpath->flows, after);
}

size_t fastpath_flows(const struct fastpath *fastpath)
{
	return flows_count(fastpath->flows);
}
