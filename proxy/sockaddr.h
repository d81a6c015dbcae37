/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints as the kernel has them, and back. */
#ifndef VIADUCT_PROXY_SOCKADDR_H
#define VIADUCT_PROXY_SOCKADDR_H

#include <sys/socket.h>

#include "common/endpoint.h"

/* False: of a family that is not served. */
bool sockaddr_parse(const struct sockaddr *from, realm_id realm,
		    struct endpoint *ret);
/* Its length. */
socklen_t sockaddr_format(const struct endpoint *from,
			  struct sockaddr_storage *ret);

#endif
