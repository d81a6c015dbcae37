/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for a fuzzing engine. With files: replays each. Without: a fixed
 * row of inputs, made of sound packets with a few bytes changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/fuzz.h"
#include "tests/translator/sample.h"

#define ROUNDS  60000
#define PACKETS 4 /* of an input */

static const uint32_t addrs[] = {
	0x0a000001, 0x0a000002, 0x0a000003, 0x0a000004, 0x0a000009,
	0x0a000006, 0x14000001, 0x14000002, 0x14000003, 0x14000004,
	0x14000006, 0x01010101, 0x01010102, 0x28000001, 0x28010101,
};
static const uint16_t ports[] = { 1000, 1001, 2000, 2001, 9, 10 };

static struct endpoint any_endpoint(void)
{
	return (struct endpoint){
		ip_addr_v4(addrs[(size_t)random() %
				 (sizeof(addrs) / sizeof(addrs[0]))]),
		ports[(size_t)random() % (sizeof(ports) / sizeof(ports[0]))], 0
	};
}

static struct sample any_sample(void)
{
	static const uint8_t types[] = { 3, 11, 12, 8, 4 };
	struct sample sample = { .src = any_endpoint(),
				 .dst = any_endpoint(),
				 .payload = 17 + (size_t)(random() % 40),
				 .id = (uint16_t)(random() % 2),
				 .no_checksum = random() % 8 == 0,
				 .options = random() % 4 == 0 };

	if (random() % 3 == 0) {
		sample.protocol = 1;
		sample.icmp_type = types[random() % 5];
		sample.quoted_src = random() % 8 ? sample.dst : any_endpoint();
		sample.quoted_src.port = any_endpoint().port;
		sample.quoted_dst = any_endpoint();
		sample.quoted_payload = (size_t)(random() % 50);
	} else if (random() % 4 == 0) {
		sample.part = random() % 2 ? SAMPLE_FIRST : SAMPLE_LATER;
	}
	return sample;
}

static size_t add_packet(uint8_t *at)
{
	struct sample sample = any_sample();
	size_t len = sample_build(&sample, at + 3);

	if (random() % 2)
		for (int i = 0; i < 3; i++)
			at[3 + (size_t)random() % len] ^=
				(uint8_t)(1 << random() % 8);
	if (random() % 8 == 0)
		len -= (size_t)random() % len;
	at[0] = (uint8_t)(random() % 3);
	at[1] = (uint8_t)(len >> 8);
	at[2] = (uint8_t)len;
	return 3 + len;
}

static void run_made(void)
{
	static uint8_t input[PACKETS * (3 + SAMPLE_MAX)];

	srandom(791);
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = 0;

		for (int i = 0; i < PACKETS; i++)
			len += add_packet(input + len);
		LLVMFuzzerTestOneInput(input, len);
	}
}

static int run_file(const char *path)
{
	static uint8_t input[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	len = fread(input, 1, sizeof(input), file);
	fclose(file);
	LLVMFuzzerTestOneInput(input, len);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 1)
		run_made();
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
