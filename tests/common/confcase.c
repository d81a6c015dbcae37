/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a configuration from a text, for tests. */
#include "config.h"

#include "tests/common/confcase.h"

#include <check.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
	ck_assert_int_eq(fclose(file), 0);
}

void confcase_add_file(const struct confcase *c, const char *name,
		       const char *text)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", c->folder, name);
	write_file(path, text);
}

/* Takes the folder out of what was told. */
static void shorten(struct confcase *c)
{
	size_t len = strlen(c->folder) + 1;
	char *at;

	while ((at = strstr(c->told, c->folder)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
}

void confcase_again(struct confcase *c)
{
	size_t len = 0;
	FILE *errors;

	conf_free(c->conf);
	free(c->told);
	c->told = NULL;
	errors = open_memstream(&c->told, &len);
	ck_assert_ptr_nonnull(errors);
	c->conf = conf_read(c->path, errors);
	fclose(errors);
	shorten(c);
}

void confcase_read(struct confcase *ret, const char *text)
{
	*ret = (struct confcase){ .folder = "/tmp/viaduct-conf-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(ret->folder));
	snprintf(ret->path, sizeof(ret->path), "%s/f", ret->folder);
	write_file(ret->path, text);
	confcase_again(ret);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void confcase_done(struct confcase *c)
{
	conf_free(c->conf);
	free(c->told);
	nftw(c->folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}
