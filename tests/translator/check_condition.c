/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/condition.c against a scan from the top. */
#include "translator/condition.h"

#include <stdlib.h>
#include <string.h>

#include "common/rulewire.h"
#include "tests/translator/suite.h"

#define MANY RULE_CONDITIONS_MAX

static const struct rule_condition *
scan(const struct rule_condition *conditions, size_t count,
     const struct endpoint *source)
{
	for (size_t i = 0; i < count; i++)
		if (ip_prefix_contains(&conditions[i].source, &source->addr) &&
		    port_range_contains(conditions[i].ports, source->port))
			return &conditions[i];
	return NULL;
}

static struct rule_condition condition(uint32_t addr, uint8_t bits,
				       uint16_t first, uint16_t last)
{
	uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;

	return (struct rule_condition){ .source = { ip_addr_v4(addr & mask),
						    bits },
					.ports = { first, last } };
}

/* Sorted; of those that cannot stand together only the first is kept. */
static size_t any_conditions(struct rule_condition *conditions, size_t max)
{
	size_t count = 0, a, b;

	while (count < max) {
		uint16_t size = (uint16_t)(1 << random() % 16);
		uint16_t first = (uint16_t)(random() % (65536 / size) * size);
		uint32_t addr = 0x0a000000 | ((uint32_t)random() & 0xff0f);

		conditions[count++] = condition(addr, (uint8_t)(random() % 33),
						first ? first : 1,
						(uint16_t)(first + (size - 1)) ?
							(uint16_t)(first +
								   (size - 1)) :
							1);
		while (rule_conditions_sort(conditions, count, &a, &b)) {
			memmove(&conditions[b], &conditions[b + 1],
				(count - b - 1) * sizeof(conditions[0]));
			count--;
			max--;
		}
	}
	return count;
}

static void compare(const struct rule_condition *conditions, size_t count)
{
	static struct condition_run runs[MANY];
	uint16_t run_count;

	run_count = condition_runs(conditions, (uint16_t)count, runs);
	ck_assert_uint_eq(run_count,
			  condition_runs(conditions, (uint16_t)count, NULL));
	for (int i = 0; i < 2000; i++) {
		struct endpoint source = {
			ip_addr_v4(0x0a000000 | ((uint32_t)random() & 0xff0f)),
			(uint16_t)random(), 0
		};

		ck_assert_ptr_eq(condition_find(conditions, runs, run_count,
						&source),
				 scan(conditions, count, &source));
	}
}

START_TEST(the_search_finds_what_a_scan_from_the_top_finds)
{
	static struct rule_condition conditions[200];

	srandom(4096);
	for (size_t max = 1; max <= 200; max += 7)
		compare(conditions, any_conditions(conditions, max));
}
END_TEST

START_TEST(thousands_of_addresses_are_one_run)
{
	static struct rule_condition conditions[MANY];
	struct condition_run runs[1];
	size_t a, b;

	for (uint32_t i = 0; i < MANY; i++)
		conditions[i] = condition(0x0a000000 + i * 3, 32, 1, 65535);
	ck_assert_int_eq(rule_conditions_sort(conditions, MANY, &a, &b), 0);
	ck_assert_uint_eq(condition_runs(conditions, MANY, runs), 1);
	for (uint32_t i = 0; i < 3 * MANY; i++) {
		struct endpoint source = { ip_addr_v4(0x0a000000 + i), 9, 0 };
		const struct rule_condition *found =
			condition_find(conditions, runs, 1, &source);

		ck_assert_ptr_eq(found, i % 3 ? NULL : &conditions[i / 3]);
	}
}
END_TEST

START_TEST(none_of_no_conditions_is_found)
{
	struct endpoint source = { ip_addr_v4(1), 1, 0 };

	ck_assert_uint_eq(condition_runs(NULL, 0, NULL), 0);
	ck_assert_ptr_null(condition_find(NULL, NULL, 0, &source));
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		the_search_finds_what_a_scan_from_the_top_finds,
		thousands_of_addresses_are_one_run,
		none_of_no_conditions_is_found,
	};

	return SUITE_RUN("condition", tests, NULL, NULL);
}
