/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases of the configuration (sections static): there from the start on. */
#ifndef VIADUCT_NATCTL_FIXED_H
#define VIADUCT_NATCTL_FIXED_H

#include "natctl/grant.h"

#define FIXED_GROUP "config"

/*
 * Before any other lease. They are LEASE_ACTIVE, of LEASE_OWNER_CONFIG, and
 * never expire; the first synchronisation brings them to the translator.
 * 0 or -ENOMEM.
 */
int fixed_add(const struct grant_scope *scope);

#endif
