/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens, told to those who subscribed to it. */
#ifndef VIADUCT_NATCTL_EVENT_H
#define VIADUCT_NATCTL_EVENT_H

#include "natctl/activity.h"
#include "natctl/translator.h"

/* The lease has expired, or was released: `by` the word for whom, or NULL. */
void event_ended(struct manager *manager, enum event_type type,
		 const struct lease *lease, const char *by);
void event_activity(struct manager *manager, struct subscription *subscription,
		    const struct lease *lease,
		    const struct wire_activity *activity);
/* Port outer.port + offset has taken `remote` for its far end. */
void event_latched(struct manager *manager, const struct lease *lease,
		   uint16_t offset, const struct endpoint *remote);
void event_translator(struct manager *manager, bool up);
/* Looks at the pools, once a second at most. */
void event_tick(struct manager *manager, uint64_t now_ms);

#endif
