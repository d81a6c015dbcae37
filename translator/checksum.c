/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Internet checksum (RFC 1071), whole and incremental (RFC 1624). Pure. */
#include "translator/checksum.h"

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (i < len)
		sum += (uint32_t)(data[i] << 8);
	return sum;
}

uint16_t checksum_finish(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

uint32_t checksum_change(uint32_t difference, uint16_t before, uint16_t after)
{
	return difference + (uint16_t)~before + after;
}

uint16_t checksum_update(uint16_t checksum, uint32_t difference)
{
	return (uint16_t)~fold((uint16_t)~checksum + fold(difference));
}
