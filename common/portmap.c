/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports of one address are taken: a bit a port, words at a time. */
#include "common/portmap.h"

#include <assert.h>

bool portmap_is_free(const struct portmap *map, uint16_t port, unsigned count)
{
	for (unsigned p = port; p < port + count; p++) {
		if (map->used[p / 64] >> (p % 64) & 1)
			return false;
	}
	return true;
}

void portmap_set(struct portmap *map, uint16_t port, unsigned count)
{
	assert(portmap_is_free(map, port, count));
	for (unsigned p = port; p < port + count; p++)
		map->used[p / 64] |= UINT64_C(1) << (p % 64);
	map->used_count += count;
}

void portmap_clear(struct portmap *map, uint16_t port, unsigned count)
{
	for (unsigned p = port; p < port + count; p++) {
		uint64_t bit = UINT64_C(1) << (p % 64);

		assert(map->used[p / 64] & bit);
		map->used[p / 64] &= ~bit;
	}
	map->used_count -= count;
}

/* Bit i: a run of `count` free ports starts at bit i of the word. */
static uint64_t run_starts(const struct portmap *map, unsigned word,
			   unsigned count)
{
	unsigned __int128 free = (uint64_t)~map->used[word];

	if (word + 1 < PORTMAP_WORDS)
		free |= (unsigned __int128)~map->used[word + 1] << 64;
	for (unsigned have = 1; have < count;) {
		unsigned step = have < count - have ? have : count - have;

		free &= free >> step;
		have += step;
	}
	return (uint64_t)free;
}

static uint64_t parity_mask(enum portmap_parity parity)
{
	switch (parity) {
	case PORTMAP_EVEN:
		return UINT64_C(0x5555555555555555);
	case PORTMAP_ODD:
		return UINT64_C(0xaaaaaaaaaaaaaaaa);
	case PORTMAP_ANY:
		break;
	}
	return UINT64_MAX;
}

/* Lowest start of a run in first..last (starts, not ends); 0: none. */
static uint16_t find_between(const struct portmap *map, unsigned first,
			     unsigned last, unsigned count, uint64_t mask)
{
	for (unsigned word = first / 64; word <= last / 64; word++) {
		uint64_t starts = run_starts(map, word, count) & mask;

		if (word == first / 64)
			starts &= UINT64_MAX << (first % 64);
		if (word == last / 64)
			starts &= UINT64_MAX >> (63 - last % 64);
		if (starts != 0)
			return (uint16_t)(word * 64 +
					  (unsigned)__builtin_ctzll(starts));
	}
	return 0;
}

uint16_t portmap_find(const struct portmap *map, struct port_range range,
		      unsigned count, enum portmap_parity parity,
		      uint16_t start)
{
	uint64_t mask = parity_mask(parity);
	unsigned last;
	uint16_t port = 0;

	assert(range.first > 0 && count >= 1 && count <= 64);
	if (range.first + count - 1 > range.last)
		return 0;
	last = range.last - count + 1;
	if (start < range.first || start > last)
		start = range.first;
	port = find_between(map, start, last, count, mask);
	if (port == 0 && start > range.first)
		port = find_between(map, range.first, start - 1u, count, mask);
	return port;
}
