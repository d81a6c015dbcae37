/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is watched, and what was found, to bytes and back. Pure. */
#include "common/watchwire.h"

#include <errno.h>

#define WATCH_BYTES    14 /* watcher u32, seconds u16, lease u64 */
#define ACTIVITY_BYTES 17 /* watcher u32, seconds u32, lease u64, flags u8 */

enum flag { FLAG_SILENT = 1, FLAG_INWARDS = 2 };

static uint8_t *put(uint8_t *to, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
	return to + width;
}

static uint64_t get(const uint8_t **from, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value = value << 8 | *(*from)++;
	return value;
}

int wire_add_watch(struct wire_writer *writer, const struct wire_watch *watch)
{
	uint8_t bytes[WATCH_BYTES];
	uint8_t *to = put(bytes, watch->watcher, 4);

	to = put(to, watch->seconds, 2);
	put(to, watch->lease, 8);
	return wire_add_bytes(writer, bytes, sizeof(bytes));
}

int wire_add_activity(struct wire_writer *writer,
		      const struct wire_activity *activity)
{
	uint8_t bytes[ACTIVITY_BYTES];
	uint8_t *to = put(bytes, activity->watcher, 4);

	to = put(to, activity->seconds, 4);
	to = put(to, activity->lease, 8);
	put(to,
	    (activity->silent ? FLAG_SILENT : 0u) |
		    (activity->inwards ? FLAG_INWARDS : 0u),
	    1);
	return wire_add_bytes(writer, bytes, sizeof(bytes));
}

int wire_read_watch(struct wire_reader *reader, struct wire_watch *ret)
{
	uint8_t bytes[WATCH_BYTES];
	const uint8_t *from = bytes;
	struct wire_watch watch;

	if (wire_read_bytes(reader, WIRE_WATCH, bytes, sizeof(bytes)) != 0)
		return -EBADMSG;
	watch.watcher = (uint32_t)get(&from, 4);
	watch.seconds = (uint16_t)get(&from, 2);
	watch.lease = get(&from, 8);
	if (watch.lease >= RULE_ID_DYNAMIC ||
	    (watch.lease == 0) != (watch.seconds == 0))
		return -EBADMSG;
	*ret = watch;
	return 0;
}

int wire_read_activity(struct wire_reader *reader, struct wire_activity *ret)
{
	uint8_t bytes[ACTIVITY_BYTES];
	const uint8_t *from = bytes;
	struct wire_activity activity;
	uint8_t flags;

	if (wire_read_bytes(reader, WIRE_ACTIVITY, bytes, sizeof(bytes)) != 0)
		return -EBADMSG;
	activity.watcher = (uint32_t)get(&from, 4);
	activity.seconds = (uint32_t)get(&from, 4);
	activity.lease = get(&from, 8);
	flags = (uint8_t)get(&from, 1);
	if (activity.lease == 0 || activity.lease >= RULE_ID_DYNAMIC ||
	    flags > (FLAG_SILENT | FLAG_INWARDS))
		return -EBADMSG;
	activity.silent = flags & FLAG_SILENT;
	activity.inwards = flags & FLAG_INWARDS;
	*ret = activity;
	return 0;
}
