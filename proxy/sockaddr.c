/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints as the kernel has them, and back. */
#include "config.h"

#include "proxy/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

bool sockaddr_parse(const struct sockaddr *from, realm_id realm,
		    struct endpoint *ret)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	memset(ret, 0, sizeof(*ret));
	ret->realm = realm;
	if (from->sa_family == AF_INET) {
		ret->addr.family = IP_V4;
		memcpy(ret->addr.bytes, &v4->sin_addr, 4);
		ret->port = ntohs(v4->sin_port);
		return true;
	}
	if (from->sa_family != AF_INET6)
		return false;
	ret->addr.family = IP_V6;
	memcpy(ret->addr.bytes, &v6->sin6_addr, 16);
	ret->port = ntohs(v6->sin6_port);
	return true;
}

socklen_t sockaddr_format(const struct endpoint *from,
			  struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (from->addr.family == IP_V4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(from->port);
		memcpy(&v4->sin_addr, from->addr.bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(from->port);
	memcpy(&v6->sin6_addr, from->addr.bytes, 16);
	return sizeof(*v6);
}
