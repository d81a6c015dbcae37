/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of the records WIRE_WATCH and WIRE_ACTIVITY of rulewire.h: which
 * rules are watched for silence, and what was found. Pure.
 */
#ifndef VIADUCT_COMMON_WATCHWIRE_H
#define VIADUCT_COMMON_WATCHWIRE_H

#include "common/rulewire.h"

/*
 * The rule of `lease` is watched for a silence of so many seconds, in each
 * direction. Lease 0: all that is watched for that watcher no longer is.
 */
struct wire_watch {
	uint32_t watcher; /* a number of natctl's */
	uint16_t seconds;
	uint64_t lease;
};

/* Silence has begun in one direction, or ended. */
struct wire_activity {
	uint32_t watcher;
	uint32_t seconds; /* without a packet */
	uint64_t lease;
	bool silent;  /* false: it was, and packets pass again */
	bool inwards; /* from the outer to the inner side */
};

/* As wire_add_rule and wire_read_rule. */
int wire_add_watch(struct wire_writer *writer, const struct wire_watch *watch);
int wire_add_activity(struct wire_writer *writer,
		      const struct wire_activity *activity);
int wire_read_watch(struct wire_reader *reader, struct wire_watch *ret);
int wire_read_activity(struct wire_reader *reader, struct wire_activity *ret);

#endif
