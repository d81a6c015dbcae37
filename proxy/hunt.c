/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places that a request may go to, tried one after the other. */
#include "proxy/hunt.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"
#include "proxy/carrier.h"
#include "proxy/job.h"

struct hunt *hunt_new(const struct conf_route *route)
{
	struct hunt *hunt = calloc(1, sizeof(*hunt));

	if (hunt == NULL)
		return NULL;
	hunt->home = su_home_new(sizeof(*hunt->home));
	if (hunt->home == NULL) {
		free(hunt);
		return NULL;
	}
	hunt->route = route;
	hunt->due_ms = UINT64_MAX;
	return hunt;
}

void hunt_free(struct hunt *hunt)
{
	if (hunt == NULL)
		return;
	su_home_unref(hunt->home);
	free(hunt);
}

bool hunt_add(struct hunt *hunt, const struct flow *flow,
	      const struct trunk *trunk, const char *uri)
{
	struct hunt_target *target = &hunt->targets[hunt->count];

	if (hunt->count == HUNT_TARGETS_MAX)
		return false;
	target->flow = *flow;
	target->trunk = trunk;
	target->uri = su_strdup(hunt->home, uri);
	if (target->uri == NULL)
		return false;
	hunt->count++;
	return true;
}

const struct hunt_target *hunt_take(struct hunt *hunt, struct limit **out)
{
	uint64_t now = mono_ms();

	limit_give(*out);
	*out = NULL;
	while (hunt->next < hunt->count) {
		const struct hunt_target *target = &hunt->targets[hunt->next++];
		struct limit *limit = target->trunk != NULL ?
					      &target->trunk->carrier->limit :
					      NULL;

		if (limit != NULL && !limit_take(limit, hunt->how, now))
			continue;
		if (hunt->how != LIMIT_NOT)
			*out = limit;
		return target;
	}
	return NULL;
}

void hunt_sent(struct call *call)
{
	struct hunt *hunt = call->hunt;

	if (hunt == NULL || hunt->next == hunt->count || hunt->route == NULL ||
	    hunt->route->timeout == 0)
		return;
	hunt->due_ms = mono_ms() + 1000u * (uint64_t)hunt->route->timeout;
}

void hunt_sign(struct call *call)
{
	if (call->hunt != NULL)
		call->hunt->due_ms = UINT64_MAX;
}

static bool is_reason_to_go_on(const struct hunt *hunt,
			       const struct relay *relay, int status)
{
	const struct conf_route *route = hunt->route;

	/* Who has rung for minutes is not tried elsewhere. */
	if (status == 408 && relay->has_sign)
		return false;
	if (route == NULL)
		return status == 408 || status == 503;
	for (size_t i = 0; i < route->failover_count; i++)
		if (port_range_contains(route->failover[i], (uint16_t)status))
			return true;
	return false;
}

/* Leases that only the party before may send into serve nobody else. */
static void drop_limited(struct call *call)
{
	uint64_t leases[GRANTS_MAX];
	struct list *pos;

	list_for_each(pos, &call->grants.list) {
		struct grant *grant = container_of(pos, struct grant, node);

		grant->marked = grant_limits_open(&grant->limits);
	}
	natlink_release_leases(call->calls->natlink, leases,
			       grants_sweep(&call->grants, leases));
}

/* What the target before has told is void. */
static struct dialog *start_over(struct call *call)
{
	struct dialog *root = dialog_find(call, NULL);
	struct list *pos;

	if (root == NULL)
		return NULL;
	list_for_each(pos, &call->dialogs) {
		struct dialog *dialog = container_of(pos, struct dialog, node);

		if (dialog != root)
			dialog_end(dialog);
	}
	memset(&root->session, 0, sizeof(root->session));
	memset(&root->targets[CALL_B], 0, sizeof(root->targets[CALL_B]));
	drop_limited(call);
	return root;
}

bool hunt_failed(struct relay *relay, int status)
{
	struct call *call = relay->call;
	struct hunt *hunt = call->hunt;
	const struct hunt_target *target;

	if (hunt == NULL || !relay->is_first || relay->is_cancelled ||
	    relay->server == NULL || call->state != CALL_SETUP ||
	    !is_reason_to_go_on(hunt, relay, status))
		return false;
	target = hunt_take(hunt, &call->admission.out);
	if (target == NULL || start_over(call) == NULL)
		return false;
	log_info("call %s: %d, tried at the next place", call->token, status);
	call->calls->counters.failovers++;
	hunt->due_ms = UINT64_MAX;
	call->legs[CALL_B].flow = target->flow;
	call->legs[CALL_B].trunk = target->trunk;
	leg_expect(&call->legs[CALL_B], target->uri);
	relay->credentials = NULL; /* they are the carrier's before */
	if (relay_again(relay, target->uri))
		job_pump(call);
	return true;
}

bool hunt_tick(struct call *call, uint64_t now_ms)
{
	struct calls *calls = call->calls;
	char user[CALL_USER_TEXT];
	struct list *pos;

	if (call->hunt == NULL || now_ms < call->hunt->due_ms)
		return false;
	call->hunt->due_ms = UINT64_MAX;
	leg_user(&call->legs[CALL_A], user);
	list_for_each(pos, &call->relays) {
		struct relay *relay = container_of(pos, struct relay, node);

		if (relay->is_first && relay->state == RELAY_SENT) {
			hunt_failed(relay, 408);
			break;
		}
	}
	return call_find(calls, user) == NULL;
}
