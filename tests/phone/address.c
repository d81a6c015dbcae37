/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A numeric address and port, and the datagram socket bound to one. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool address_is_v6(const struct address *address)
{
	return address->sa.sa_family == AF_INET6;
}

int address_from_host(const char *host, unsigned port,
		      struct address *ret_address)
{
	struct address address = { .length = 0 };
	char bare[INET6_ADDRSTRLEN];
	size_t length = strlen(host);

	if (port > 65535)
		return -EINVAL;
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	}
	if (length >= sizeof(bare))
		return -EINVAL;
	memcpy(bare, host, length);
	bare[length] = '\0';

	if (inet_pton(AF_INET, bare, &address.v4.sin_addr) == 1) {
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons((uint16_t)port);
		address.length = sizeof(struct sockaddr_in);
	} else if (inet_pton(AF_INET6, bare, &address.v6.sin6_addr) == 1) {
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_port = htons((uint16_t)port);
		address.length = sizeof(struct sockaddr_in6);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

int address_parse(const char *text, struct address *ret_address)
{
	const char *colon = strrchr(text, ':');
	char host[ADDRESS_TEXT];
	unsigned long port;
	char *end;

	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	if (colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535)
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (strchr(host, ':') && host[0] != '[')
		return -EINVAL;
	return address_from_host(host, (unsigned)port, ret_address);
}

const char *address_host(const struct address *address, char *buffer)
{
	const void *raw = address_is_v6(address) ?
				  (const void *)&address->v6.sin6_addr :
				  (const void *)&address->v4.sin_addr;

	buffer[0] = '\0';
	if (address->length)
		inet_ntop(address->sa.sa_family, raw, buffer, ADDRESS_TEXT);
	return buffer;
}

const char *address_format(const struct address *address, char *buffer)
{
	char host[ADDRESS_TEXT];

	buffer[0] = '\0';
	if (!address->length)
		return buffer;
	address_host(address, host);
	snprintf(buffer, ADDRESS_TEXT,
		 address_is_v6(address) ? "[%.45s]:%u" : "%.45s:%u", host,
		 address_port(address));
	return buffer;
}

unsigned address_port(const struct address *address)
{
	if (address_is_v6(address))
		return ntohs(address->v6.sin6_port);
	return ntohs(address->v4.sin_port);
}

void address_set_port(struct address *address, unsigned port)
{
	if (address_is_v6(address))
		address->v6.sin6_port = htons((uint16_t)port);
	else
		address->v4.sin_port = htons((uint16_t)port);
}

bool address_is_equal(const struct address *a, const struct address *b)
{
	char left[ADDRESS_TEXT], right[ADDRESS_TEXT];

	return a->length == b->length &&
	       !strcmp(address_format(a, left), address_format(b, right));
}

bool address_is_void(const struct address *address)
{
	if (!address->length || !address_port(address))
		return true;
	if (address_is_v6(address))
		return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
	return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

int address_bind(const struct address *address)
{
	int fd = socket(address->sa.sa_family,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (bind(fd, &address->sa, address->length)) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}
