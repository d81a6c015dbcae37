/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TUN devices: one a realm, persistent. The only place that opens one. */
#ifndef VIADUCT_TRANSLATOR_TUN_H
#define VIADUCT_TRANSLATOR_TUN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Opens a queue of the device, makes it where it is missing; it stays when the
 * descriptor is closed. Each further one that is opened gets its share of the
 * packets, by flow. Non-blocking descriptor, or -Exxx: -ENOENT and -ENODEV (no
 * TUN in this kernel), -EPERM (no right).
 */
int tun_open(const char *name);

/* Length of one packet, -EAGAIN: none left, or -Exxx: the device is lost. */
ssize_t tun_read(int fd, uint8_t *packet, size_t size);
/* 0, -EAGAIN: the kernel takes no more, or -Exxx. */
int tun_write(int fd, const uint8_t *packet, size_t len);

#endif
