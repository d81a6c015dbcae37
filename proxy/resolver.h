/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the trunks that have names are (RFC 3263): NAPTR, SRV, A and AAAA, by
 * c-ares on the proxy's loop. Each is asked for again when its records expire;
 * what was found stays until something else is.
 */
#ifndef VIADUCT_PROXY_RESOLVER_H
#define VIADUCT_PROXY_RESOLVER_H

#include <sofia-sip/su_wait.h>

#include "proxy/trunk.h"

struct resolver;

/* Asks for all names at once; the answers go into `trunks`. 0 or -Exxx. */
int resolver_new(su_root_t *root, const struct conf *conf,
		 struct trunk_list *trunks, struct resolver **ret_resolver);
void resolver_free(struct resolver *resolver);

#endif
