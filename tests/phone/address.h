/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A numeric address and port, and the datagram socket bound to one. */
#ifndef PHONE_ADDRESS_H
#define PHONE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* "[2001:db8::1]:65535" and the like, with its NUL. */
#define ADDRESS_TEXT 64

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length; /* 0: none */
};

/* Parses "1.2.3.4:5" or "[::1]:5"; -EINVAL for anything else. */
int address_parse(const char *text, struct address *ret_address);
/* Host without port or brackets (brackets are taken off); names are never
 * resolved: -EINVAL. */
int address_from_host(const char *host, unsigned port,
		      struct address *ret_address);
/* "1.2.3.4:5" or "[::1]:5"; "" for none. The buffer is ADDRESS_TEXT long. */
const char *address_format(const struct address *address, char *buffer);
/* The host alone, without brackets. */
const char *address_host(const struct address *address, char *buffer);
unsigned address_port(const struct address *address);
void address_set_port(struct address *address, unsigned port);
bool address_is_equal(const struct address *a, const struct address *b);
bool address_is_v6(const struct address *address);
/* True for 0.0.0.0, ::, port 0 and none: nothing can be sent there. */
bool address_is_void(const struct address *address);
/* A non-blocking UDP socket bound to the address: descriptor or -errno. */
int address_bind(const struct address *address);

#endif
