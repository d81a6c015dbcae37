/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of /proc/sys. */
#ifndef VIADUCT_TRANSLATOR_SYSCTL_H
#define VIADUCT_TRANSLATOR_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

/* With the final NUL; ip_local_reserved_ports is the long one. */
#define SYSCTL_VALUE_MAX 4096
#define SYSCTL_KEY_MAX   128
#define SYSCTL_PORTS     "net/ipv4/ip_local_reserved_ports"

/*
 * `key` is the path below /proc/sys: an interface's name may hold a dot. The
 * value's line end is left away. 0 or -Exxx (-ENOENT: no such key, -E2BIG).
 */
int sysctl_read(const char *key, char *buf, size_t size);
int sysctl_write(const char *key, const char *value);
/* "net/ipv4/conf/INTERFACE/NAME" into buf; returns it. */
const char *sysctl_key_conf(const char *interface, const char *name,
			    char buf[SYSCTL_KEY_MAX]);

/* The same of "net/ipv6". */
const char *sysctl_key_conf6(const char *interface, const char *name,
			     char buf[SYSCTL_KEY_MAX]);

/* Can one interface forward IPv6 while the host does not (Linux 6.17)? */
bool sysctl_has_force(void);
/* Does this kernel speak IPv6? */
bool sysctl_has_ipv6(void);
/* An interface's net.ipv4.conf.*.rp_filter; "all": the host's. */
int sysctl_read_rp_filter(const char *interface, unsigned *ret);

#endif
