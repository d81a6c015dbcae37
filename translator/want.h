/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as entries of the record: what will be changed, and what was before.
 * Reads the host's values, changes nothing. */
#ifndef VIADUCT_TRANSLATOR_WANT_H
#define VIADUCT_TRANSLATOR_WANT_H

#include "translator/plan.h"
#include "translator/record.h"
#include "translator/sysctl.h"

struct want {
	const struct plan *plan;      /* not owned */
	struct record *record;        /* not owned */
	char ports[SYSCTL_VALUE_MAX]; /* ip_local_reserved_ports to be */
};

/* Tables and TUNs, in a record that may have them. 0 or -ENOMEM. */
int want_devices(const struct conf *conf, struct record *record);
/* All of the plan, in the order in which it is made; fills `ports`. */
int want_plan(struct want *want);
/* rp_filter of an interface ("all": of the host) as it was without us. */
int want_rp_filter_before(const struct record *record, const char *interface,
			  unsigned *ret);
/* What an earlier start moved from the host's rp_filter stays moved. */
void want_rp_filter_kept(struct record *record);

#endif
