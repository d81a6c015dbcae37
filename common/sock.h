/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UNIX sockets: umask, mode, peer credentials; non-blocking, close-on-exec. */
#ifndef VIADUCT_COMMON_SOCK_H
#define VIADUCT_COMMON_SOCK_H

#include <stdint.h>
#include <sys/types.h>

/* Who is at the other end of a UNIX socket. */
struct sock_peer {
	uint32_t uid;
	uint32_t gid;
	pid_t pid;
};

/*
 * A listening socket at `path` with `mode`; `type` is SOCK_STREAM or
 * SOCK_SEQPACKET. A path that a dead server left is taken over; one that a
 * living server answers on is -EADDRINUSE. Descriptor, or -Exxx.
 */
int sock_listen(const char *path, int type, mode_t mode);
/* A connected socket, or -Exxx. Never blocks. */
int sock_connect(const char *path, int type);
/* A client of a listening socket, non-blocking; -EAGAIN: none. */
int sock_accept(int fd);
int sock_peer(int fd, struct sock_peer *ret);
/* Makes the directory (0755) where it is missing. */
int sock_make_dir(const char *path);

#endif
