/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/checksum.c. */
#include "translator/checksum.h"

#include <stdlib.h>

#include "tests/translator/sample.h"
#include "tests/translator/suite.h"

START_TEST(the_example_of_rfc_1071_comes_out)
{
	const uint8_t data[] = {
		0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7
	};

	ck_assert_uint_eq(checksum_finish(checksum_add(0, data, 8)),
			  (uint16_t)~0xddf2);
}
END_TEST

START_TEST(the_example_of_rfc_1624_comes_out)
{
	uint32_t difference = checksum_change(0, 0x5555, 0x3285);

	ck_assert_uint_eq(checksum_update(0xdd2f, difference), 0x0000);
}
END_TEST

START_TEST(an_odd_last_byte_is_padded)
{
	const uint8_t data[] = { 0x12, 0x34, 0x56 };

	ck_assert_uint_eq(checksum_finish(checksum_add(0, data, 3)),
			  (uint16_t) ~(0x1234 + 0x5600));
}
END_TEST

START_TEST(an_update_is_what_a_whole_computation_gives)
{
	uint8_t data[64];

	srandom(1624);
	for (int round = 0; round < 100000; round++) {
		uint32_t difference = 0;
		uint16_t before;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = random() % 4 ? (uint8_t)random() : 0xff;
		data[0] = 0x45; /* no header is all zeros */
		before = (uint16_t)~sample_sum(data, sizeof(data), 0);
		for (int i = 0; i < 8; i++) {
			size_t at = 2 + (size_t)(random() % 31) * 2;
			uint16_t old = (uint16_t)(data[at] << 8 | data[at + 1]);
			uint16_t new = random() % 4 ? (uint16_t)random() : 0;

			data[at] = (uint8_t)(new >> 8);
			data[at + 1] = (uint8_t) new;
			difference = checksum_change(difference, old, new);
		}
		ck_assert_uint_eq(checksum_update(before, difference),
				  (uint16_t)~sample_sum(data, sizeof(data), 0));
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		the_example_of_rfc_1071_comes_out,
		the_example_of_rfc_1624_comes_out,
		an_odd_last_byte_is_padded,
		an_update_is_what_a_whole_computation_gives,
	};

	return SUITE_RUN("checksum", tests, NULL, NULL);
}
