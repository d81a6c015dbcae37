/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for libFuzzer in a build without it: runs the target once on each
 * file named, or on those of tests/fuzz/corpus/TARGET, and on each of them cut
 * short and with a byte changed.
 */
#include "config.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define FILE_BYTES_MAX (256 * 1024)

static void run_variants(uint8_t *data, size_t size)
{
	size_t step = size / 64 + 1;

	LLVMFuzzerTestOneInput(data, size);
	for (size_t len = 0; len < size; len += step) {
		/* Exactly that long: reading behind it is found out. */
		uint8_t *part = malloc(len + 1);

		fuzz_require(part != NULL, "there is memory");
		memcpy(part, data, len);
		LLVMFuzzerTestOneInput(part, len);
		free(part);
	}
	for (size_t i = 0; i < size; i += step) {
		data[i] ^= 0x81;
		LLVMFuzzerTestOneInput(data, size);
		data[i] ^= 0x81;
	}
}

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(FILE_BYTES_MAX);
	size_t size;

	fuzz_require(file && data, path);
	size = fread(data, 1, FILE_BYTES_MAX, file);
	fclose(file);
	run_variants(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
	char pattern[4096];
	glob_t files;

	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	if (argc > 1)
		return 0;
	snprintf(pattern, sizeof(pattern), "%s/tests/fuzz/corpus/%s/*",
		 srcdir ? srcdir : ".", name ? name + 1 : argv[0]);
	if (glob(pattern, 0, NULL, &files) != 0 || files.gl_pathc == 0) {
		fprintf(stderr, "%s: no files\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < files.gl_pathc; i++)
		run_file(files.gl_pathv[i]);
	printf("%zu files\n", files.gl_pathc);
	globfree(&files);
	return 0;
}
