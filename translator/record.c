/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netsetup changed on the host, in a file. */
#include "translator/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "translator/sysctl.h"

#define FILE_HEAD "viaduct-netsetup 1"
#define FIELDS    4 /* kind, object, detail, after */
#define SCOPE_MAX 128

static const char *const kind_names[] = {
	[RECORD_TABLE] = "table",   [RECORD_TUN] = "tun",
	[RECORD_ROUTE] = "route",   [RECORD_PROXY] = "proxy",
	[RECORD_SYSCTL] = "sysctl", [RECORD_PORTS] = "ports",
	[RECORD_ROUTES] = "routes", [RECORD_RULE] = "rule",
};

#define KINDS (sizeof(kind_names) / sizeof(*kind_names))

/* Boot and network namespace, each by the kernel's unique name for it. */
static int scope_read(char scope[SCOPE_MAX])
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	char boot[64];
	int err = sysctl_read("kernel/random/boot_id", boot, sizeof(boot));
	int fd;

	if (err != 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		err = -errno;
	close(fd);
	if (err == 0)
		snprintf(scope, SCOPE_MAX, FILE_HEAD " %s %llu", boot,
			 (unsigned long long)cookie);
	return err;
}

static void item_done(struct record_item *item)
{
	free(item->object);
	free(item->detail);
	free(item->after);
}

static int item_add(struct record *record, enum record_kind kind,
		    const char *object, const char *detail, const char *after,
		    bool earlier)
{
	struct record_item item = { .kind = kind, .earlier = earlier };
	struct record_item *more =
		reallocarray(record->items, record->count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	record->items = more;
	item.object = strdup(object);
	item.detail = strdup(detail);
	item.after = strdup(after);
	if (item.object == NULL || item.detail == NULL || item.after == NULL) {
		item_done(&item);
		return -ENOMEM;
	}
	more[record->count++] = item;
	return 0;
}

static int line_parse(struct record *record, char *line)
{
	char *fields[FIELDS];

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strsep(&line, "\t");
		if (fields[i] == NULL)
			return -EBADMSG;
	}
	for (size_t kind = 0; kind < KINDS && line == NULL; kind++)
		if (strcmp(kind_names[kind], fields[0]) == 0)
			return item_add(record, (enum record_kind)kind,
					fields[1], fields[2], fields[3], true);
	return -EBADMSG;
}

static int file_parse(FILE *file, struct record *record)
{
	char scope[SCOPE_MAX];
	char *line = NULL;
	size_t size = 0;
	bool first = true;
	int err = scope_read(scope);
	ssize_t len;

	while (err == 0 && (len = getline(&line, &size, file)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (!first)
			err = line_parse(record, line);
		else if (strncmp(line, FILE_HEAD, strlen(FILE_HEAD)) != 0)
			err = -EBADMSG;
		else if (strcmp(line, scope) != 0)
			break;
		first = false;
	}
	free(line);
	return err;
}

int record_load(const char *path, struct record *ret)
{
	struct record record = { 0 };
	FILE *file = fopen(path, "re");
	int err;

	if (file == NULL && errno != ENOENT)
		return -errno;
	if (file != NULL) {
		err = file_parse(file, &record);
		fclose(file);
		if (err != 0) {
			record_done(&record);
			return err;
		}
	}
	*ret = record;
	return 0;
}

static int file_format(const struct record *record, FILE *file)
{
	char scope[SCOPE_MAX];
	int err = scope_read(scope);

	if (err != 0)
		return err;
	fprintf(file, "%s\n", scope);
	for (size_t i = 0; i < record->count; i++) {
		const struct record_item *item = &record->items[i];

		fprintf(file, "%s\t%s\t%s\t%s\n", kind_names[item->kind],
			item->object, item->detail, item->after);
	}
	return fflush(file) != 0 || ferror(file) ? -EIO : 0;
}

int record_save(const struct record *record, const char *path)
{
	char temporary[PATH_MAX];
	FILE *file;
	int err;
	int len = snprintf(temporary, sizeof(temporary), "%s.new", path);

	if (len < 0 || (size_t)len >= sizeof(temporary))
		return -ENAMETOOLONG;
	file = fopen(temporary, "we");
	if (file == NULL)
		return -errno;
	err = file_format(record, file);
	fclose(file);
	if (err == 0 && rename(temporary, path) < 0)
		err = -errno;
	if (err != 0)
		unlink(temporary);
	return err;
}

void record_done(struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		item_done(&record->items[i]);
	free(record->items);
	*record = (struct record){ 0 };
}

struct record_item *record_find(const struct record *record,
				enum record_kind kind, const char *object,
				const char *detail)
{
	for (size_t i = 0; i < record->count; i++) {
		struct record_item *item = &record->items[i];

		if (item->kind == kind && strcmp(item->object, object) == 0 &&
		    (detail == NULL || strcmp(item->detail, detail) == 0))
			return item;
	}
	return NULL;
}

int record_want(struct record *record, enum record_kind kind,
		const char *object, const char *detail, const char *after)
{
	struct record_item *item = record_find(record, kind, object,
					       kind == RECORD_SYSCTL ? NULL :
								       detail);
	char *copy;
	int err;

	if (item == NULL) {
		err = item_add(record, kind, object, detail, after, false);
		if (err != 0)
			return err;
		item = &record->items[record->count - 1];
	}
	copy = strdup(after);
	if (copy == NULL)
		return -ENOMEM;
	free(item->after);
	item->after = copy;
	item->wanted = true;
	return 0;
}

void record_remove(struct record *record, size_t i)
{
	item_done(&record->items[i]);
	record->count--;
	memmove(&record->items[i], &record->items[i + 1],
		(record->count - i) * sizeof(*record->items));
}
