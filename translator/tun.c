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

int tun_open(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd, err;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	strcpy(request.ifr_name, name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) == 0 &&
	    ioctl(fd, TUNSETPERSIST, 1) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
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
