/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets: non-blocking, close-on-exec, with keep-alive. */
#ifndef VIADUCT_COMMON_TCP_H
#define VIADUCT_COMMON_TCP_H

#include "common/endpoint.h"

/* A peer that is gone without a word is found after about this. */
#define TCP_DEAD_SECONDS 90

/* `device` ties the socket to it; NULL: none. Descriptor or -Exxx. */
int tcp_listen(const struct endpoint *at, const char *device);
/* A client of a listening socket and its address; -EAGAIN: none. */
int tcp_accept(int fd, struct endpoint *ret_from);
/* Begins to connect. Descriptor or -Exxx. */
int tcp_connect(const struct endpoint *to);

#endif
