/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown and believed on TLS connections: TLS 1.2 and 1.3 only. */
#ifndef VIADUCT_PROXY_CERTS_H
#define VIADUCT_PROXY_CERTS_H

#include <openssl/ssl.h>

#include "common/conf.h"

struct certs;

/*
 * Reads the files of all listeners, domains and trunks. What cannot be used is
 * told as one line each to `errors`: -EINVAL. 0 or -ENOMEM else.
 */
int certs_new(const struct conf *conf, FILE *errors, struct certs **ret_certs);
/* Connections keep what they were made with. NULL is fine. */
void certs_free(struct certs *certs);
/*
 * Reads the files anew; connections that are made from now on use them. A
 * mistake in any: -EINVAL, and all stays as it was.
 */
int certs_reload(struct certs *certs, FILE *errors);

/* For a connection that conf->listens[listen] has accepted; NULL: no memory. */
SSL *certs_accept(struct certs *certs, size_t listen, int fd);
/*
 * For a connection to conf->trunks[trunk]: names its host (SNI), believes
 * only its certificate unless told otherwise. NULL: no memory.
 */
SSL *certs_connect(struct certs *certs, size_t trunk, int fd);
/*
 * The trunk whose host is in the verified certificate of the client, or
 * SIZE_MAX.
 */
size_t certs_trunk_of(const struct certs *certs, const SSL *ssl,
		      realm_id realm);

#endif
