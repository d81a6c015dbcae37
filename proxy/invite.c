/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that starts something: to whom it goes, and its new call. */
#include "proxy/invite.h"

#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/log.h"
#include "proxy/headers.h"
#include "proxy/job.h"
#include "proxy/relay.h"
#include "proxy/route.h"

/* Where it goes. */
struct target {
	struct flow flow;
	const char *uri; /* in the message's home, or its owner's */
	const struct trunk *trunk;
	int status; /* why it goes nowhere; 0: it goes */
	const char *reason;
};

/* What makes two requests the same to us. */
static uint64_t loop_hash(const struct dispatch *dispatch, const sip_t *sip)
{
	const url_t *url = sip->sip_request->rq_url;
	char text[1024];
	int len = snprintf(text, sizeof(text), "%s|%s|%u|%s|%s",
			   sip->sip_call_id->i_id,
			   sip->sip_from->a_tag != NULL ? sip->sip_from->a_tag :
							  "",
			   sip->sip_cseq->cs_seq,
			   url->url_user != NULL ? url->url_user : "",
			   url->url_host != NULL ? url->url_host : "");

	if (len < 0 || (size_t)len >= sizeof(text))
		len = (int)sizeof(text) - 1;
	return hash_bytes(text, (size_t)len, dispatch->calls->seed);
}

int invite_check_loop(const struct dispatch *dispatch, const sip_t *sip)
{
	uint64_t own = loop_hash(dispatch, sip), other;

	if (sip->sip_max_forwards != NULL &&
	    sip->sip_max_forwards->mf_count == 0)
		return 483;
	for (const sip_via_t *via = sip->sip_via; via != NULL;
	     via = via->v_next)
		if (sofia_guard_branch_loop(via->v_branch, &other) &&
		    other == own)
			return 482;
	return 0;
}

static void to_user(struct dispatch *dispatch, const struct route_result *route,
		    struct target *target)
{
	const struct location_binding *binding =
		registrar_find(dispatch->registrar, route->user, route->domain);

	if (binding == NULL) {
		target->status = 480;
		return;
	}
	target->flow.listener = edge_listener_at(dispatch->calls->edge,
						 binding->listen);
	target->flow.peer = binding->received;
	target->uri = binding->uri;
}

/* A host that the trunk may not see becomes the trunk's. */
static const char *uri_for_trunk(const struct dispatch *dispatch,
				 const struct trunk *trunk, realm_id from,
				 msg_t *msg, const char *uri)
{
	struct hide_view view = { .conf = dispatch->conf,
				  .from = from,
				  .to = trunk->conf->realm };
	struct hide hide = {
		.shown = hide_shown_in_view,
		.arg = &view,
		.host = trunk->conf->host,
		.port = trunk->conf->port,
		.key = dispatch->calls->hide_key,
	};
	char *shown = NULL;

	if (hide_value(&hide, HIDE_ADDRESS, uri, &shown) == HIDE_CHANGED) {
		uri = su_strdup(msg_home(msg), shown);
		free(shown);
	}
	return uri;
}

static void to_trunk(struct dispatch *dispatch, size_t index,
		     const struct flow *from, msg_t *msg, const char *uri,
		     struct target *target)
{
	target->trunk = &dispatch->trunks.trunks[index];
	target->flow.listener = edge_listener_of(dispatch->calls->edge,
						 target->trunk->conf->realm);
	target->uri = uri_for_trunk(dispatch, target->trunk, from->peer.realm,
				    msg, uri);
	if (!trunk_next_hop(target->trunk, 0, &target->flow.peer) ||
	    target->flow.listener == NULL || target->uri == NULL) {
		target->status = 503;
		target->reason = "Reason: SIP;cause=503;"
				 "text=\"trunk is not reachable\"\r\n";
	}
}

/* The other party of the call whose Contact is named. */
static void to_party(const struct leg *leg, struct target *target)
{
	const struct leg *other = leg_other(leg);
	struct list *pos;

	list_for_each(pos, &leg->call->dialogs) {
		const struct dialog *dialog = container_of(pos, struct dialog,
							   node);

		if (!dialog->is_confirmed)
			continue;
		target->uri = dialog->targets[other->side].uri;
		leg_next_hop(other, dialog, &target->flow);
	}
	target->trunk = other->trunk;
	if (target->uri == NULL)
		target->status = 480;
}

static void find_target(struct dispatch *dispatch,
			const struct invite_speaker *speaker,
			const struct leg *leg, const struct flow *from,
			msg_t *msg, const sip_t *sip, struct target *target)
{
	const char *uri = headers_url(msg_home(msg), sip->sip_request->rq_url);
	struct route_query query = {
		.conf = dispatch->conf,
		.trunks = &dispatch->trunks,
		.users = &dispatch->registrar->users,
		.request_uri = uri,
		.speaker = speaker->trunk != TRUNK_NONE ? ROUTE_FROM_TRUNK :
							  ROUTE_FROM_USER,
		.trunk = speaker->trunk,
		.listen = from->listener->index,
	};
	struct route_result route;

	memset(target, 0, sizeof(*target));
	if (leg != NULL) {
		to_party(leg, target);
		return;
	}
	if (uri == NULL) {
		target->status = 500;
		return;
	}
	route_find(&query, &route);
	switch (route.kind) {
	case ROUTE_USER:
		to_user(dispatch, &route, target);
		break;
	case ROUTE_TRUNK:
		to_trunk(dispatch, route.trunk, from, msg, uri, target);
		break;
	case ROUTE_REFUSE:
		target->status = route.status;
		break;
	}
}

void invite_start(struct dispatch *dispatch,
		  const struct invite_speaker *speaker, const struct leg *leg,
		  const struct flow *from, msg_t *msg, sip_t *sip)
{
	struct target target;
	struct call *call;

	find_target(dispatch, speaker, leg, from, msg, sip, &target);
	if (target.status != 0) {
		edge_reply(from, msg, target.status, NULL, target.reason);
		return;
	}
	call = call_new(dispatch->calls, from, &target.flow, sip);
	if (call == NULL) {
		edge_reply(from, msg, 503, NULL, "Retry-After: 5\r\n");
		return;
	}
	if (speaker->trunk != TRUNK_NONE)
		call->legs[CALL_A].trunk =
			&dispatch->trunks.trunks[speaker->trunk];
	call->legs[CALL_B].trunk = target.trunk;
	log_debug("call %s: %s from %s", call->token,
		  sip->sip_request->rq_method_name, from->listener->host_port);
	relay_request(&call->legs[CALL_A], dialog_find(call, NULL), from, msg,
		      sip, target.uri, loop_hash(dispatch, sip));
	if (list_is_empty(&call->relays))
		call_end(call);
	job_pump(call);
}
