/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which realm an address belongs to, as the packet path asks it. Pure. */
#ifndef VIADUCT_TRANSLATOR_REALMS_H
#define VIADUCT_TRANSLATOR_REALMS_H

#include "common/conf.h"

struct realms;

/* Copies what it needs of the configuration. NULL: no memory. */
struct realms *realms_new(const struct conf *conf);
void realms_free(struct realms *realms);
size_t realms_count(const struct realms *realms);

/*
 * The realm in which `addr` is addressed by a party of realm `from`; the same
 * answer as conf_realm_of, by binary search.
 */
realm_id realms_of(const struct realms *realms, realm_id from,
		   const struct ip_addr *addr);
/* Are the addresses of `to` valid in `from`? A realm reaches itself. */
bool realms_reach(const struct realms *realms, realm_id from, realm_id to);
/* Does what this realm sends get a mapping where no rule takes it over? */
bool realms_is_dynamic(const struct realms *realms, realm_id realm);
/* Whom the mappings of its parties let in. */
enum conf_filter realms_filter(const struct realms *realms, realm_id realm);
/* Has it a pool of which mappings are made? */
bool realms_has_dynamic_pool(const struct realms *realms, realm_id realm);
/*
 * Is it an address of a pool of the realm, at whatever port? The address is
 * the edge's then: nothing is forwarded to it that no rule takes.
 */
bool realms_in_pool(const struct realms *realms, realm_id realm,
		    const struct ip_addr *addr);

#endif
