/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator's word that a port of a lease has latched. */
#include <string.h>

#include "common/log.h"
#include "natctl/event.h"
#include "natctl/restore.h"
#include "natctl/task.h"

static void tell(const struct manager *manager, const struct lease *lease,
		 const struct wire_latched *latched)
{
	char outer[ENDPOINT_TEXT];
	char remote[ENDPOINT_TEXT];
	struct endpoint port = lease->rule.outer;

	port.port = (uint16_t)(port.port + latched->offset);
	log_debug("lease %llu: %s has latched on to %s",
		  (unsigned long long)latched->id,
		  endpoint_format(&port, &manager->conf->names, outer),
		  endpoint_format(&latched->remote, NULL, remote));
}

bool manager_latched(struct manager *manager,
		     const struct wire_latched *latched, uint64_t now_ms)
{
	struct lease *lease = lease_find(&manager->leases, latched->id);
	struct endpoint *known;

	if (lease == NULL || lease->state != LEASE_ACTIVE ||
	    lease->rule.latch.prefix.addr.family == IP_NONE ||
	    lease->rule.latch.round != latched->round ||
	    latched->offset >= lease->rule.ports ||
	    latched->remote.realm != lease->rule.outer.realm ||
	    latched->remote.addr.family != lease->rule.outer.addr.family)
		return false;
	known = &lease->rule.latch.remotes[latched->offset];
	if (endpoint_equal(known, &latched->remote))
		return false;
	*known = latched->remote;
	tell(manager, lease, latched);
	event_latched(manager, lease, latched->offset, &latched->remote);
	restore_tell_lease(&manager->keeper, lease, now_ms);
	keeper_commit(&manager->keeper);
	return true;
}
