/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a REGISTER asks for beyond RFC 3261: flows (RFC 5626), GRUU (5627). */
#ifndef VIADUCT_PROXY_OUTBOUND_H
#define VIADUCT_PROXY_OUTBOUND_H

#include <sofia-sip/sip.h>

#include "proxy/edge.h"
#include "proxy/location.h"
#include "proxy/uri.h"

/* The first extension in Require that is not there, or NULL. */
const char *outbound_unknown(const struct flow *from, const sip_t *sip);
/* Header lines of the 200 that say that the flows are kept; "": they are not */
const char *outbound_headers(const struct flow *from, const sip_t *sip,
			     unsigned seconds, su_home_t *home);
/*
 * ";pub-gruu=..." of a contact of this user, "": it has none (or did not ask
 * for it). NULL: no memory.
 */
const char *outbound_gruu(const sip_t *sip, const char *domain,
			  const char *instance, su_home_t *home);
/* Is it the phone that a GRUU's gr names? */
bool outbound_is_gruu(const struct location_binding *binding,
		      struct uri_part gruu);

#endif
