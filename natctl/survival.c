/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager's journal in RUNDIR: found at the start, kept from then on. */
#include "natctl/survival.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natctl/journal.h"

#define BOOT_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_SIZE 64

/* What names this boot; "-" where the kernel does not say. */
static void read_boot(char boot[BOOT_SIZE])
{
	ssize_t len = -1;
	int fd = open(BOOT_FILE, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		len = read(fd, boot, BOOT_SIZE - 1);
		close(fd);
	}
	boot[len > 0 ? len : 0] = '\0';
	boot[strcspn(boot, " \n")] = '\0';
	if (*boot == '\0')
		strcpy(boot, "-");
}

static int make_path(const struct conf *conf, uid_t uid, gid_t gid,
		     char path[PATH_MAX])
{
	int len = snprintf(path, PATH_MAX, "%s/natctl", conf->rundir);

	if (len < 0 || len >= PATH_MAX - (int)sizeof("/journal.new"))
		return -ENAMETOOLONG;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	if (chown(path, uid, gid) != 0)
		return -errno;
	strcat(path, "/journal");
	if (lchown(path, uid, gid) != 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void tell_all(const struct keeper *keeper, void *arg)
{
	manager_tell_all(arg, keeper);
}

static void on_entry(const struct kept_entry *entry, void *arg)
{
	manager_restore(arg, entry);
}

int survival_begin(const struct conf *conf, struct manager *manager, uid_t uid,
		   gid_t gid, bool *ret_found, struct journal **ret_journal)
{
	char path[PATH_MAX];
	char boot[BOOT_SIZE];
	struct journal_options options = { .path = path,
					   .boot = boot,
					   .names = &conf->names,
					   .tell_all = tell_all,
					   .on_entry = on_entry,
					   .arg = manager };
	struct keeper keeper = { .ops = &journal_ops };
	uint64_t epoch = manager_epoch(manager);
	struct journal *journal;
	int rc = make_path(conf, uid, gid, path);

	if (rc != 0)
		return rc;
	read_boot(boot);
	rc = journal_open(&options, &epoch, ret_found, &journal);
	if (rc == 0 && lchown(path, uid, gid) != 0) {
		rc = -errno;
		journal_close(journal);
	}
	if (rc != 0)
		return rc;
	keeper.keeper = journal;
	manager_set_epoch(manager, epoch);
	manager_keep(manager, &keeper);
	*ret_journal = journal;
	return 0;
}
