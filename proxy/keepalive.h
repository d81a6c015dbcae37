/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Phones behind NATs of their own are asked by OPTIONS, so that the way to them
 * stays open; the contact of one that does not answer is removed.
 */
#ifndef VIADUCT_PROXY_KEEPALIVE_H
#define VIADUCT_PROXY_KEEPALIVE_H

#include "proxy/edge.h"
#include "proxy/location.h"

#define KEEPALIVE_WAIT_MS 8000 /* for an answer */

struct keepalive;

/* NULL in `ret_keepalive` when no listener wants it. 0 or -ENOMEM. */
int keepalive_new(su_root_t *root, const struct conf *conf, struct edge *edge,
		  struct location *location, struct keepalive **ret_keepalive);
void keepalive_free(struct keepalive *keepalive);

#endif
