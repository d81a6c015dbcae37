/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP URI taken apart, as far as routing and comparing need it. */
#ifndef VIADUCT_PROXY_URI_H
#define VIADUCT_PROXY_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uri_part { /* not ended by NUL */
	const char *text;
	size_t len;
};

enum uri_scheme { URI_SIP, URI_SIPS, URI_TEL, URI_OTHER };

struct uri { /* points into the text it was read from */
	enum uri_scheme scheme;
	struct uri_part user;    /* without ":password"; tel: the number */
	struct uri_part host;    /* with brackets, if IPv6 */
	uint16_t port;           /* 0: none */
	struct uri_part params;  /* behind the first ';' */
	struct uri_part headers; /* behind '?' */
};

/* "sip:user@host:port;params?headers" without <>. 0 or -EINVAL. */
int uri_parse(const char *text, size_t len, struct uri *ret);
/*
 * Same scheme, user (case counts), host (it does not) and port (none is 5060);
 * of the parameters only user, ttl, method, maddr and transport count, if they
 * are in both (RFC 3261 19.1.4 asks for more; phones do not keep to it).
 */
bool uri_equal(const struct uri *a, const struct uri *b);
/* The value of a parameter; false: not there. An empty one has len 0. */
bool uri_param(const struct uri *uri, const char *name, struct uri_part *ret);
/* "%41" as 'A' and so on, ended by NUL. 0, -EINVAL or -ENAMETOOLONG. */
int uri_unescape(struct uri_part part, char *buf, size_t size);

#endif
