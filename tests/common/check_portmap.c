/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/portmap. */
#include "common/portmap.h"

#include <stdlib.h>

#include "tests/translator/suite.h"

static struct portmap map;

static void begin(void)
{
	map = (struct portmap){ 0 };
}

/* What portmap_find must find, the plain way. */
static uint16_t search(struct port_range range, unsigned count,
		       enum portmap_parity parity, unsigned start)
{
	unsigned last = range.last - count + 1u;

	if (range.first + count - 1 > range.last)
		return 0;
	if (start < range.first || start > last)
		start = range.first;
	for (unsigned i = 0; i <= last - range.first; i++) {
		unsigned port = start + i;

		if (port > last)
			port = range.first + (port - last - 1);
		if ((parity == PORTMAP_EVEN && port % 2 != 0) ||
		    (parity == PORTMAP_ODD && port % 2 == 0))
			continue;
		if (portmap_is_free(&map, (uint16_t)port, count))
			return (uint16_t)port;
	}
	return 0;
}

START_TEST(a_set_port_is_not_free_until_it_is_cleared)
{
	portmap_set(&map, 63, 3);
	ck_assert_uint_eq(map.used_count, 3);
	ck_assert(!portmap_is_free(&map, 64, 1));
	ck_assert(!portmap_is_free(&map, 60, 4));
	ck_assert(portmap_is_free(&map, 60, 3));
	ck_assert(portmap_is_free(&map, 66, 64));
	portmap_clear(&map, 64, 1);
	ck_assert(portmap_is_free(&map, 64, 1));
	ck_assert(!portmap_is_free(&map, 65, 1));
	ck_assert_uint_eq(map.used_count, 2);
}
END_TEST

START_TEST(the_ends_of_the_port_range_are_found)
{
	struct port_range low = { 1, 1 };
	struct port_range high = { 65535, 65535 };
	struct port_range last = { 65472, 65535 };

	ck_assert_uint_eq(portmap_find(&map, low, 1, PORTMAP_ANY, 1), 1);
	ck_assert_uint_eq(portmap_find(&map, low, 1, PORTMAP_EVEN, 1), 0);
	ck_assert_uint_eq(portmap_find(&map, high, 1, PORTMAP_ODD, 9), 65535);
	ck_assert_uint_eq(portmap_find(&map, high, 2, PORTMAP_ANY, 9), 0);
	ck_assert_uint_eq(portmap_find(&map, last, 64, PORTMAP_ANY, 0), 65472);
}
END_TEST

START_TEST(a_find_is_what_a_plain_search_finds)
{
	srandom(7);
	for (int round = 0; round < 3000; round++) {
		unsigned count = 1 + (unsigned)random() % 64;
		unsigned first = 1 + (unsigned)random() % 2000;
		struct port_range range = {
			(uint16_t)first,
			(uint16_t)(first + (unsigned)random() % 700)
		};
		enum portmap_parity parity = (enum portmap_parity)(random() %
								   3);
		unsigned start = (unsigned)random() % 3000;
		uint16_t port = portmap_find(&map, range, count, parity,
					     (uint16_t)start);

		ck_assert_uint_eq(port, search(range, count, parity, start));
		if (port != 0 && round % 3 != 0)
			portmap_set(&map, port,
				    count % 4 + 1 > count ? count :
							    count % 4 + 1);
	}
	ck_assert_uint_gt(map.used_count, 1000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_set_port_is_not_free_until_it_is_cleared,
		the_ends_of_the_port_range_are_found,
		a_find_is_what_a_plain_search_finds,
	};

	return SUITE_RUN("portmap", tests, begin, NULL);
}
