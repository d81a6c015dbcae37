/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SDPs of tests/data, one after the other. */
#include "config.h"

#include "tests/proxy/corpus.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *source_dir(void)
{
	const char *dir = getenv("srcdir");

	return dir ? dir : ".";
}

static char *read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	char *data = malloc(1 << 20);
	size_t len;

	ck_assert_msg(file != NULL, "%s cannot be opened", path);
	ck_assert_ptr_nonnull(data);
	len = fread(data, 1, (1 << 20) - 1, file);
	fclose(file);
	data[len] = '\0';
	*ret_len = len;
	return data;
}

char *corpus_read(const char *path, size_t *ret_len)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s/%s", source_dir(), path);
	return read_file(whole, ret_len);
}

static char *header_value(const char *message, const char *name)
{
	const char *at = strcasestr(message, name), *end;

	if (!at)
		return strdup("");
	at += strlen(name);
	at += strspn(at, " ");
	end = at + strcspn(at, "\r\n");
	while (strncmp(end, "\r\n ", 3) == 0 || strncmp(end, "\r\n\t", 3) == 0)
		end += 2 + strcspn(end + 2, "\r\n");
	return strndup(at, (size_t)(end - at));
}

static size_t visit(const char *path, corpus_fn fn, void *arg)
{
	struct corpus_file file = { .name = strstr(path, "tests/data/") + 11 };
	size_t len;
	char *data = read_file(path, &len), *body = data;

	if (strstr(path, ".sip")) {
		body = strstr(data, "\r\n\r\n");
		if (!body || body + 4 == data + len) {
			free(data);
			return 0;
		}
		*body = '\0';
		body += 4;
		file.type = header_value(data, "\nContent-Type:");
	} else {
		file.type = strdup("application/sdp");
	}
	/* At the very end of a block of its own: reads beyond it are seen. */
	file.len = len - (size_t)(body - data);
	file.body = malloc(file.len);
	memcpy(file.body, body, file.len);
	fn(&file, arg);
	free(file.body);
	free(file.type);
	free(data);
	return 1;
}

size_t corpus_each(corpus_fn fn, void *arg)
{
	static const char *const patterns[] = {
		"tests/data/sdp-transform/*.sdp",
		"tests/data/phone-messages/*/*.sdp",
		"tests/data/phone-messages/*/*.sip",
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char pattern[512];
		glob_t found = { 0 };

		snprintf(pattern, sizeof(pattern), "%s/%s", source_dir(),
			 patterns[i]);
		ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
		for (size_t n = 0; n < found.gl_pathc; n++)
			count += visit(found.gl_pathv[n], fn, arg);
		globfree(&found);
	}
	return count;
}
