/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in which nobody sends media any more end. */
#include "proxy/silence.h"

#include <string.h>

#include "common/mono.h"
#include "proxy/relay.h"

#define GROUP_PREFIX "call-"

enum { SILENT_IN = 1, SILENT_OUT = 2, SILENT_BOTH = 3 };

static bool is_silent(const struct call *call)
{
	const struct list *pos;

	list_for_each(pos, &call->grants.list)
		if (container_of_const(pos, struct grant, node)->silent !=
		    SILENT_BOTH)
			return false;
	return call->grants.count > 0;
}

static bool check(struct call *call, uint64_t now_ms)
{
	if (call->state != CALL_ESTABLISHED || now_ms < call->silence_ms ||
	    !is_silent(call))
		return false;
	call->reason = "SIP;cause=408;text=\"media timeout\"";
	relay_fail_call(call, 408, "media timeout");
	(void)call_settle(call);
	return true;
}

static struct grant *grant_of(const struct call *call, uint64_t lease)
{
	struct list *pos;

	list_for_each(pos, &call->grants.list) {
		struct grant *grant = container_of(pos, struct grant, node);

		if (grant->lease == lease)
			return grant;
	}
	return NULL;
}

void silence_event(struct calls *calls, const struct natctl_event *event)
{
	unsigned bit = event->inwards ? SILENT_IN : SILENT_OUT;
	struct call *call;
	struct grant *grant;

	if (strncmp(event->group, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0)
		return;
	call = call_of_token(calls, event->group + strlen(GROUP_PREFIX));
	grant = call == NULL ? NULL : grant_of(call, event->lease);
	if (grant == NULL)
		return;
	if (event->type == NATCTL_EVENT_HEARD) {
		grant->silent &= ~bit;
	} else if (event->type == NATCTL_EVENT_SILENT) {
		grant->silent |= bit;
		(void)check(call, mono_ms());
	}
}

void silence_forget(struct calls *calls)
{
	struct table_node *node;
	struct list *pos;

	table_for_each(node, &calls->by_token) {
		struct call *call = container_of(node, struct call, by_token);

		list_for_each(pos, &call->grants.list)
			container_of(pos, struct grant, node)->silent = 0;
	}
}

void silence_begin(struct call *call)
{
	unsigned seconds = call->calls->conf->media_timeout;

	if (seconds > 0 && call->silence_ms == UINT64_MAX) {
		call->silence_ms = mono_ms() + seconds * UINT64_C(1000);
		call->silence_due_ms = call->silence_ms;
	}
}

bool silence_tick(struct call *call, uint64_t now_ms)
{
	if (now_ms < call->silence_due_ms)
		return false;
	/* What happens later is told. */
	call->silence_due_ms = UINT64_MAX;
	return check(call, now_ms);
}
