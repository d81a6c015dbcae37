/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of an IPv6 packet, up to the transport's. Pure. */
#ifndef VIADUCT_TRANSLATOR_PACKET6_H
#define VIADUCT_TRANSLATOR_PACKET6_H

#include "translator/packet.h"

#define PACKET6_EXTENSIONS_MAX \
	8 /* headers between IPv6's and the transport's */

/*
 * `len` bytes that begin with version 6. Passes over hop-by-hop, destination
 * options, routing and Fragment headers; of a later fragment it stops behind
 * the latter. 0; -EBADMSG: a header that is not there in whole, in the wrong
 * place, or one too many. ret->len: what is there of the packet.
 */
int packet6_open(uint8_t *data, size_t len, struct packet *ret);

#endif
