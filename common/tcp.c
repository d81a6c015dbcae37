/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets: non-blocking, close-on-exec, with keep-alive. */
#include "config.h"

#include "common/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct endpoint *endpoint, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (endpoint->addr.family == IP_V4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(endpoint->port);
		memcpy(&ret->v4.sin_addr, endpoint->addr.bytes, 4);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(endpoint->port);
	memcpy(&ret->v6.sin6_addr, endpoint->addr.bytes, 16);
	return sizeof(ret->v6);
}

static void endpoint_of(const union address *address, struct endpoint *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->realm = REALM_NONE;
	if (address->any.sa_family == AF_INET) {
		ret->addr.family = IP_V4;
		ret->port = ntohs(address->v4.sin_port);
		memcpy(ret->addr.bytes, &address->v4.sin_addr, 4);
		return;
	}
	ret->addr.family = IP_V6;
	ret->port = ntohs(address->v6.sin6_port);
	memcpy(ret->addr.bytes, &address->v6.sin6_addr, 16);
}

static int socket_new(const struct endpoint *endpoint)
{
	int fd = socket(endpoint->addr.family == IP_V4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Not to be refused by a kernel that has them all. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, TCP_DEAD_SECONDS / 2 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, TCP_DEAD_SECONDS / 6 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_DEAD_SECONDS * 1000 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
				 &options[i].value, sizeof(options[i].value));
}

int tcp_listen(const struct endpoint *at, const char *device)
{
	static const int yes = 1;
	union address address;
	socklen_t len = address_of(at, &address);
	int fd = socket_new(at);
	int err;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    (device == NULL ||
	     setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			(socklen_t)strlen(device)) == 0) &&
	    bind(fd, &address.any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tcp_accept(int fd, struct endpoint *ret_from)
{
	union address address;
	socklen_t len = sizeof(address);
	int client;

	memset(&address, 0, sizeof(address));
	do {
		client = accept4(fd, &address.any, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (client < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (client < 0)
		return -errno;
	set_options(client);
	endpoint_of(&address, ret_from);
	return client;
}

int tcp_connect(const struct endpoint *to)
{
	union address address;
	socklen_t len = address_of(to, &address);
	int fd = socket_new(to);
	int err;

	if (fd < 0)
		return fd;
	set_options(fd);
	if (connect(fd, &address.any, len) == 0 || errno == EINPROGRESS)
		return fd;
	err = -errno;
	close(fd);
	return err;
}
