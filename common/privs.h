/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Staged loss of rights after start-up. */
#ifndef VIADUCT_COMMON_PRIVS_H
#define VIADUCT_COMMON_PRIVS_H

#include <stdbool.h>

/*
 * Becomes `user` (NULL: stays who it is) and keeps no capability, or only
 * CAP_NET_ADMIN when `keep_net_admin`. Sets no_new_privs. 0 or -Exxx; after a
 * failure the process must end.
 */
int privs_drop(const char *user, bool keep_net_admin);
/* Random bytes of the kernel; ends the process if there are none. */
void random_bytes(void *buf, unsigned long len);

#endif
