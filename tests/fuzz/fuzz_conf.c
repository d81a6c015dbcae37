/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: configurations. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/conf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], *told = NULL;
	struct conf *conf;
	FILE *errors;
	size_t len;
	int fd;

	/* It is to open no other file of this machine. */
	if (memmem(data, size, "include", 7))
		return 0;
	fd = memfd_create("conf", MFD_CLOEXEC);
	errors = open_memstream(&told, &len);
	fuzz_require(fd >= 0 && errors, "there is memory");
	fuzz_require(write(fd, data, size) == (ssize_t)size,
		     "there is memory for the text");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = conf_read(path, errors);
	fclose(errors);
	fuzz_require(conf || len > 0, "a mistake is told");
	if (conf)
		fuzz_require(conf->realm_count > 0 && conf->rundir &&
				     conf->tun && conf->table,
			     "a configuration has all that it must have");
	conf_free(conf);
	free(told);
	close(fd);
	return 0;
}
