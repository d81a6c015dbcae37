/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TUN devices: one a realm, persistent. The only place that opens one. */
#include "translator/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Opens the device as one of several; or, to be rid of it, as the only one. */
static int attach(const char *name, short flags, int persist)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | flags };
	int fd, err;

	strcpy(request.ifr_name, name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) == 0 &&
	    ioctl(fd, TUNSETPERSIST, persist) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tun_open(const char *name)
{
	int fd;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	fd = attach(name, IFF_MULTI_QUEUE, 1);
	if (fd != -EINVAL)
		return fd;
	/* Made by an earlier version, with one queue: made anew. */
	fd = attach(name, 0, 0);
	if (fd < 0)
		return fd;
	close(fd);
	return attach(name, IFF_MULTI_QUEUE, 1);
}

ssize_t tun_read(int fd, uint8_t *packet, size_t size)
{
	ssize_t len;

	do
		len = read(fd, packet, size);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : len;
}

int tun_write(int fd, const uint8_t *packet, size_t len)
{
	ssize_t done;

	do
		done = write(fd, packet, len);
	while (done < 0 && errno == EINTR);
	return done < 0 ? -errno : 0;
}
