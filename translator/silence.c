/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that are watched for silence. */
#include "translator/silence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "translator/fastpath.h"

#define TICKS (SILENCE_ROUND_MS / SILENCE_TICK_MS) /* of a round */

enum direction { INWARDS, OUTWARDS, DIRECTIONS };

struct watched {
	uint64_t lease;
	uint64_t packets[DIRECTIONS];
	uint64_t heard_ms[DIRECTIONS]; /* the last one, or the begin */
	uint32_t watcher;
	uint16_t seconds;
	bool silent[DIRECTIONS]; /* so it was told */
};

/* What is about to be told. */
struct finding {
	struct watched *watched;
	enum direction direction;
	uint64_t packets;
};

struct silence {
	struct silence_options options;
	struct watched *items; /* owned */
	size_t count;
	size_t space;
	size_t next;         /* of this round */
	uint64_t round_ms;   /* when the next one begins */
	uint64_t counted_ms; /* up to when all packets have been counted */
	struct finding findings[SILENCE_BATCH];
	struct wire_activity activities[SILENCE_BATCH];
	size_t found;
};

struct silence *silence_new(const struct silence_options *options)
{
	struct silence *silence = calloc(1, sizeof(*silence));

	if (silence != NULL)
		silence->options = *options;
	return silence;
}

void silence_free(struct silence *silence)
{
	if (silence != NULL)
		free(silence->items);
	free(silence);
}

static uint64_t packets_of(const struct ruleset_rule *rule, enum direction d)
{
	return d == INWARDS ? rule->counters->packets_in :
			      rule->counters->packets_out;
}

static int reserve(struct silence *silence)
{
	size_t space = silence->space == 0 ? 64 : 2 * silence->space;
	struct watched *items;

	if (silence->count < silence->space)
		return 0;
	if (space > SILENCE_MAX)
		return -ENOSPC;
	items = reallocarray(silence->items, space, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	silence->items = items;
	silence->space = space;
	return 0;
}

int silence_watch(struct silence *silence, const struct wire_watch *watch,
		  uint64_t now_ms)
{
	const struct ruleset_rule *rule = ruleset_find(silence->options.ruleset,
						       watch->lease);
	struct watched *watched;
	int err;

	if (rule == NULL)
		return 0;
	err = reserve(silence);
	if (err != 0)
		return err;
	watched = &silence->items[silence->count++];
	*watched = (struct watched){ .lease = watch->lease,
				     .watcher = watch->watcher,
				     .seconds = watch->seconds };
	for (enum direction d = INWARDS; d < DIRECTIONS; d++) {
		watched->packets[d] = packets_of(rule, d);
		watched->heard_ms[d] = now_ms;
	}
	return 0;
}

static void drop(struct silence *silence, size_t i)
{
	silence->items[i] = silence->items[--silence->count];
}

void silence_forget(struct silence *silence, uint32_t watcher)
{
	size_t i = 0;

	while (i < silence->count) {
		if (silence->items[i].watcher == watcher)
			drop(silence, i);
		else
			i++;
	}
}

void silence_forget_all(struct silence *silence)
{
	silence->count = 0;
}

size_t silence_count(const struct silence *silence)
{
	return silence->count;
}

/* What was counted in this round; before it was watched, it began later. */
static void set_heard(const struct silence *silence, struct watched *watched,
		      enum direction d)
{
	if (silence->counted_ms > watched->heard_ms[d])
		watched->heard_ms[d] = silence->counted_ms;
}

/* What could not be told stays as it was, and is found again. */
static void tell(struct silence *silence)
{
	size_t count = silence->found;

	silence->found = 0;
	if (count == 0 || silence->options.tell(silence->activities, count,
						silence->options.arg) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct finding *finding = &silence->findings[i];
		struct watched *watched = finding->watched;
		enum direction d = finding->direction;

		watched->silent[d] = !watched->silent[d];
		watched->packets[d] = finding->packets;
		if (!watched->silent[d])
			set_heard(silence, watched, d);
	}
}

static void find(struct silence *silence, struct watched *watched,
		 enum direction d, uint64_t packets)
{
	uint64_t since_ms = silence->counted_ms > watched->heard_ms[d] ?
				    silence->counted_ms - watched->heard_ms[d] :
				    0;
	bool heard = packets != watched->packets[d];

	if (!watched->silent[d] && heard) {
		watched->packets[d] = packets;
		set_heard(silence, watched, d);
		return;
	}
	if (watched->silent[d] ? !heard : since_ms < watched->seconds * 1000u)
		return;
	silence->findings[silence->found] = (struct finding){ watched, d,
							      packets };
	silence->activities[silence->found++] =
		(struct wire_activity){ .watcher = watched->watcher,
					.seconds = (uint32_t)(since_ms / 1000),
					.lease = watched->lease,
					.silent = !watched->silent[d],
					.inwards = d == INWARDS };
	if (silence->found == SILENCE_BATCH)
		tell(silence);
}

static void begin_round(struct silence *silence, uint64_t now_ms)
{
	silence->round_ms = now_ms + SILENCE_ROUND_MS;
	silence->next = 0;
	silence->counted_ms = now_ms;
	if (silence->options.fastpath == NULL)
		return;
	fastpath_count(silence->options.fastpath, now_ms);
	silence->counted_ms = fastpath_counted_ms(silence->options.fastpath);
}

void silence_tick(struct silence *silence, uint64_t now_ms)
{
	size_t share = silence->count / TICKS + 1;

	if (silence->next >= silence->count) {
		if (now_ms < silence->round_ms)
			return;
		begin_round(silence, now_ms);
	}
	for (; share > 0 && silence->next < silence->count; share--) {
		struct watched *watched = &silence->items[silence->next];
		const struct ruleset_rule *rule =
			ruleset_find(silence->options.ruleset, watched->lease);

		if (rule == NULL) {
			drop(silence, silence->next);
			continue;
		}
		for (enum direction d = INWARDS; d < DIRECTIONS; d++)
			find(silence, watched, d, packets_of(rule, d));
		silence->next++;
	}
	tell(silence);
}
