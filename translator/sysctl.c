/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of /proc/sys. */
#include "translator/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int key_open(const char *key, int flags)
{
	char path[sizeof("/proc/sys/") + SYSCTL_KEY_MAX];
	int len = snprintf(path, sizeof(path), "/proc/sys/%s", key);
	int fd;

	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *key, char *buf, size_t size)
{
	int fd = key_open(key, O_RDONLY);
	ssize_t len;
	int err = 0;

	if (fd < 0)
		return fd;
	len = read(fd, buf, size);
	if (len < 0)
		err = -errno;
	else if ((size_t)len >= size)
		err = -E2BIG;
	close(fd);
	if (err != 0)
		return err;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

int sysctl_write(const char *key, const char *value)
{
	int fd = key_open(key, O_WRONLY);
	char line[SYSCTL_VALUE_MAX + 1];
	int err = 0;
	int len;

	if (fd < 0)
		return fd;
	/* An empty write is none at all: the line end makes it one. */
	len = snprintf(line, sizeof(line), "%s\n", value);
	if (len < 0 || (size_t)len >= sizeof(line))
		err = -E2BIG;
	else if (write(fd, line, (size_t)len) < 0)
		err = -errno;
	close(fd);
	return err;
}

const char *sysctl_key_conf(const char *interface, const char *name,
			    char buf[SYSCTL_KEY_MAX])
{
	snprintf(buf, SYSCTL_KEY_MAX, "net/ipv4/conf/%s/%s", interface, name);
	return buf;
}

const char *sysctl_key_conf6(const char *interface, const char *name,
			     char buf[SYSCTL_KEY_MAX])
{
	snprintf(buf, SYSCTL_KEY_MAX, "net/ipv6/conf/%s/%s", interface, name);
	return buf;
}

bool sysctl_has_force(void)
{
	return access("/proc/sys/net/ipv6/conf/all/force_forwarding", F_OK) ==
	       0;
}

bool sysctl_has_ipv6(void)
{
	return access("/proc/sys/net/ipv6/conf/all", F_OK) == 0;
}

int sysctl_read_rp_filter(const char *interface, unsigned *ret)
{
	char key[SYSCTL_KEY_MAX], text[16];
	int err = sysctl_read(sysctl_key_conf(interface, "rp_filter", key),
			      text, sizeof(text));

	if (err == 0)
		*ret = (unsigned)strtoul(text, NULL, 10);
	return err;
}
