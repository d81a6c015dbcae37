/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that natctl wants watched for silence. Once a second their counters
 * are looked at, those of the kernel too, a few rules at a time; a packet
 * costs nothing more. What is found may be up to two seconds late.
 */
#ifndef VIADUCT_TRANSLATOR_SILENCE_H
#define VIADUCT_TRANSLATOR_SILENCE_H

#include "common/watchwire.h"
#include "translator/ruleset.h"

#define SILENCE_MAX      (1024 * 1024) /* rules that are watched */
#define SILENCE_TICK_MS  50
#define SILENCE_ROUND_MS 1000
#define SILENCE_BATCH    128 /* told at once */

struct fastpath;
struct silence;

/* 0, or -Exxx: not now; it is told again. */
typedef int (*silence_tell_fn)(const struct wire_activity *activities,
			       size_t count, void *arg);

struct silence_options { /* none owned */
	const struct ruleset *ruleset;
	struct fastpath *fastpath; /* NULL: none */
	silence_tell_fn tell;
	void *arg;
};

/* NULL: no memory. */
struct silence *silence_new(const struct silence_options *options);
void silence_free(struct silence *silence);

/*
 * One more rule, from now on; one that goes is forgotten. 0; -ENOMEM, -ENOSPC.
 */
int silence_watch(struct silence *silence, const struct wire_watch *watch,
		  uint64_t now_ms);
void silence_forget(struct silence *silence, uint32_t watcher);
void silence_forget_all(struct silence *silence);
size_t silence_count(const struct silence *silence);
/* Every SILENCE_TICK_MS, while any are watched. */
void silence_tick(struct silence *silence, uint64_t now_ms);

#endif
