/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration from a text of the test. */
#include "tests/translator/conftext.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct conf *conftext_read(const char *text)
{
	char path[] = "/tmp/viaduct-conf-XXXXXX";
	int fd = mkstemp(path);
	struct conf *conf;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	conf = conf_read(path, stderr);
	unlink(path);
	ck_assert_ptr_nonnull(conf);
	free(conf->path);
	conf->path = strdup("test.conf");
	ck_assert_ptr_nonnull(conf->path);
	return conf;
}
