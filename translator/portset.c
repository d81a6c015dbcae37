/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of ports, in the text form of ip_local_reserved_ports. Pure. */
#include "translator/portset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS (65536 / 64)

static bool has(const struct portset *set, unsigned port)
{
	return (set->bits[port / 64] >> (port % 64) & 1) != 0;
}

int portset_parse(const char *text, struct portset *ret)
{
	struct portset set = { 0 };

	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		struct port_range range;

		if (port_range_parse(text, len, &range) != 0)
			return -EINVAL;
		portset_add(&set, range);
		text += len;
		if (*text == ',' && *++text == '\0')
			return -EINVAL;
	}
	*ret = set;
	return 0;
}

int portset_format(const struct portset *set, char *buf, size_t size)
{
	size_t used = 0;

	if (size == 0)
		return -ENOSPC;
	buf[0] = '\0';
	for (unsigned first = 0; first < 65536; first++) {
		unsigned last = first;
		int len;

		if (!has(set, first))
			continue;
		while (last < 65535 && has(set, last + 1))
			last++;
		len = snprintf(buf + used, size - used,
			       last == first ? "%s%u" : "%s%u-%u",
			       used == 0 ? "" : ",", first, last);
		if (len < 0 || (size_t)len >= size - used)
			return -ENOSPC;
		used += (size_t)len;
		first = last;
	}
	return 0;
}

void portset_add(struct portset *set, struct port_range range)
{
	for (unsigned port = range.first; port <= range.last; port++)
		set->bits[port / 64] |= UINT64_C(1) << (port % 64);
}

void portset_union(struct portset *set, const struct portset *more)
{
	for (size_t i = 0; i < WORDS; i++)
		set->bits[i] |= more->bits[i];
}

void portset_subtract(struct portset *set, const struct portset *less)
{
	for (size_t i = 0; i < WORDS; i++)
		set->bits[i] &= ~less->bits[i];
}
