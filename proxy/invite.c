/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that starts something: to whom it goes, and its new call. */
#include "proxy/invite.h"

#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/carrier.h"
#include "proxy/fork.h"
#include "proxy/headers.h"
#include "proxy/hunt.h"
#include "proxy/job.h"
#include "proxy/relay.h"
#include "proxy/route.h"
#include "proxy/uri.h"

/* Where it goes. */
struct target {
	struct flow flow;
	const char *uri; /* in the message's home, or its owner's */
	const struct trunk *trunk;
	struct hunt *hunt; /* owned: where else; or NULL */
	struct fork *fork; /* owned: where all at once; or NULL */
	struct admission admission;
	enum limit_how how;
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

static struct flow flow_to(const struct dispatch *dispatch,
			   const struct location_binding *binding)
{
	return (struct flow){
		.listener = edge_listener_at(dispatch->calls->edge,
					     binding->listen),
		.peer = binding->received,
		.connection = binding->connection,
	};
}

static bool find_user(struct dispatch *dispatch, const char *user,
		      const char *domain, const struct uri_part *gruu,
		      struct target *target)
{
	const struct location_binding *bindings[LOCATION_CONTACTS_MAX];

	if (registrar_find(dispatch->registrar, dispatch->calls->edge, user,
			   domain, gruu, bindings) == 0)
		return false;
	target->flow = flow_to(dispatch, bindings[0]);
	target->uri = bindings[0]->uri;
	return true;
}

/* A host that the trunk may not see becomes the trunk's. */
static const char *hide_host(const struct dispatch *dispatch,
			     const struct conf_trunk *trunk, realm_id from,
			     msg_t *msg, const char *uri)
{
	struct hide_view view = { .conf = dispatch->conf,
				  .from = from,
				  .to = trunk->realm };
	struct hide hide = {
		.shown = hide_shown_in_view,
		.arg = &view,
		.host = trunk->host,
		.port = trunk->port,
		.key = dispatch->calls->hide_key,
	};
	char *shown = NULL;

	if (hide_value(&hide, HIDE_ADDRESS, uri, &shown) == HIDE_CHANGED) {
		uri = su_strdup(msg_home(msg), shown);
		free(shown);
	}
	return uri;
}

/* Our own name in it becomes the trunk's as well: the number is its. */
static const char *uri_for_trunk(const struct dispatch *dispatch,
				 const struct conf_trunk *trunk,
				 const struct flow *from, msg_t *msg,
				 const char *uri)
{
	su_home_t *home = msg_home(msg);
	struct uri parts;
	const char *rest;

	if (uri_parse(uri, strlen(uri), &parts) < 0)
		return NULL;
	if (parts.scheme != URI_SIP ||
	    route_domain(dispatch->conf, from->listener->index, parts.host.text,
			 parts.host.len, parts.port) == NULL)
		return hide_host(dispatch, trunk, from->peer.realm, msg, uri);
	rest = parts.params.text != NULL ? parts.params.text - 1 : "";
	return trunk->port == 5060 ?
		       su_sprintf(home, "%.*s%s%s",
				  (int)(parts.host.text - uri), uri,
				  trunk->host, rest) :
		       su_sprintf(home, "%.*s%s:%u%s",
				  (int)(parts.host.text - uri), uri,
				  trunk->host, trunk->port, rest);
}

/*
 * RFC 3261 18.1.1: what may not fit into one datagram tries a connection first.
 * If nobody listens the next target is the address by UDP.
 */
static void add_for_big(struct hunt *hunt, const struct flow *udp,
			const struct trunk *trunk, const msg_t *msg,
			const char *uri)
{
	struct flow flow = *udp;

	if (udp->listener->transport != CONF_UDP ||
	    trunk->conf->transport != CONF_TRANSPORT_AUTO ||
	    msg_size(msg) <= EDGE_BIG)
		return;
	flow.listener = edge_listener_for(udp->listener->edge,
					  udp->listener->realm, CONF_TCP,
					  udp->peer.addr.family);
	flow.dial_ms = EDGE_PROBE_MS;
	if (flow.listener != NULL)
		hunt_add(hunt, &flow, trunk, uri);
}

/* All addresses of the trunk. */
static void add_trunk(struct dispatch *dispatch, struct hunt *hunt,
		      const struct trunk *trunk, const struct flow *from,
		      msg_t *msg, const char *uri)
{
	struct trunk_hop hops[TRUNK_HOPS_MAX];
	uint64_t random;
	size_t count;

	random_bytes(&random, sizeof(random));
	count = trunk_order(trunk, random, hops);
	uri = uri_for_trunk(dispatch, trunk->conf, from, msg, uri);
	if (uri == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		struct flow flow = {
			.listener = edge_listener_for(dispatch->calls->edge,
						      hops[i].at.realm,
						      hops[i].transport,
						      hops[i].at.addr.family),
			.peer = hops[i].at,
			.trunk = trunk->conf,
		};

		if (flow.listener == NULL)
			continue;
		add_for_big(hunt, &flow, trunk, msg, uri);
		hunt_add(hunt, &flow, trunk, uri);
	}
}

/* A number of the domain becomes a user's, who may not be there. */
static void add_domain(struct dispatch *dispatch, struct hunt *hunt,
		       const struct conf_domain *domain, const char *uri)
{
	struct target target = { .uri = NULL };
	char user[USERS_NAME_MAX];
	struct uri parts;

	if (uri_parse(uri, strlen(uri), &parts) == 0 &&
	    uri_unescape(parts.user, user, sizeof(user)) == 0 &&
	    find_user(dispatch, user, domain->name, NULL, &target))
		hunt_add(hunt, &target.flow, NULL, target.uri);
}

/* Trunks that are known to be down come last. */
static void add_target(struct dispatch *dispatch, struct hunt *hunt,
		       const struct invite_speaker *speaker,
		       const struct conf_target *target, bool down,
		       const struct flow *from, msg_t *msg, const char *uri)
{
	const struct trunk *trunk;

	if (target->trunk == TRUNK_NONE) {
		if (!down)
			add_domain(dispatch, hunt,
				   &dispatch->conf->domains[target->domain],
				   uri);
		return;
	}
	trunk = &dispatch->trunks.trunks[target->trunk];
	if (target->trunk != speaker->trunk && trunk->carrier->is_down == down)
		add_trunk(dispatch, hunt, trunk, from, msg, uri);
}

static void add_targets(struct dispatch *dispatch, struct hunt *hunt,
			const struct invite_speaker *speaker,
			const struct flow *from, msg_t *msg, const char *uri)
{
	const struct conf_route *route = hunt->route;
	size_t order[CONF_TARGETS_MAX], count;
	uint64_t random;
	char text[HEADERS_VALUE_MAX];

	if (route_rewrite(route, uri, text, sizeof(text)) < 0)
		return;
	random_bytes(&random, sizeof(random));
	count = route_order(route, random, order);
	for (int down = 0; down < 2; down++)
		for (size_t i = 0; i < count; i++)
			add_target(dispatch, hunt, speaker,
				   &route->targets[order[i]], down != 0, from,
				   msg, text);
}

static void to_hunt(struct dispatch *dispatch,
		    const struct invite_speaker *speaker,
		    const struct route_result *route, const struct flow *from,
		    msg_t *msg, const char *uri, struct target *target)
{
	const struct hunt_target *first;

	target->status = 503;
	target->hunt = hunt_new(route->route);
	if (target->hunt == NULL)
		return;
	if (route->kind == ROUTE_TABLE)
		add_targets(dispatch, target->hunt, speaker, from, msg, uri);
	else
		add_trunk(dispatch, target->hunt,
			  &dispatch->trunks.trunks[route->trunk], from, msg,
			  uri);
	target->hunt->how = target->how;
	first = hunt_take(target->hunt, &target->admission.out);
	if (first == NULL) {
		if (target->hunt->count > 0)
			target->reason = "Retry-After: 5\r\n";
		else if (route->kind == ROUTE_TABLE &&
			 route->route->targets[0].trunk == TRUNK_NONE)
			target->status = 480;
		else
			target->reason = "Reason: SIP;cause=503;"
					 "text=\"trunk is not reachable\"\r\n";
		return;
	}
	target->status = 0;
	target->flow = first->flow;
	target->trunk = first->trunk;
	target->uri = su_strdup(msg_home(msg), first->uri);
	if (target->hunt->count > 1)
		return;
	hunt_free(target->hunt);
	target->hunt = NULL;
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

static struct limit *limit_of_user(struct dispatch *dispatch,
				   const struct flow *from, const char *user,
				   const char *domain)
{
	const struct conf_domain *found = route_domain(dispatch->conf,
						       from->listener->index,
						       domain, strlen(domain),
						       0);

	return found != NULL && (found->limit.max_calls > 0 ||
				 found->limit.calls_per_second > 0) ?
		       limits_user(&dispatch->limits, user, found) :
		       NULL;
}

/* Who is speaking, and in which realm. */
static bool admit_speaker(struct dispatch *dispatch,
			  const struct invite_speaker *speaker,
			  const struct flow *from, const sip_t *sip,
			  struct target *target)
{
	const url_t *url = sip->sip_from->a_url;
	char user[USERS_NAME_MAX];
	struct uri_part part = { url->url_user,
				 url->url_user ? strlen(url->url_user) : 0 };
	struct limit *limit = NULL;
	uint64_t now = mono_ms();

	if (speaker->trunk != TRUNK_NONE)
		limit = &dispatch->trunks.trunks[speaker->trunk].carrier->limit;
	else if (part.len > 0 && url->url_host != NULL &&
		 uri_unescape(part, user, sizeof(user)) == 0)
		limit = limit_of_user(dispatch, from, user, url->url_host);
	return admission_take(&target->admission, limit, target->how, now) &&
	       admission_take(&target->admission,
			      &dispatch->limits.realms[from->peer.realm],
			      target->how, now);
}

/* An INVITE rings at all of the user's contacts. */
static void to_user(struct dispatch *dispatch,
		    const struct invite_speaker *speaker,
		    const struct route_result *route, const struct flow *from,
		    msg_t *msg, struct target *target)
{
	const sip_t *sip = sip_object(msg);
	const struct location_binding *bindings[LOCATION_CONTACTS_MAX];
	size_t count;

	const char *text = headers_url(msg_home(msg), sip->sip_request->rq_url);
	struct uri_part gruu;
	struct uri uri;
	bool is_gruu = text != NULL &&
		       uri_parse(text, strlen(text), &uri) == 0 &&
		       uri_param(&uri, "gr", &gruu);

	if (!find_user(dispatch, route->user, route->domain,
		       is_gruu ? &gruu : NULL, target)) {
		target->status = 480;
		return;
	}
	if (!admission_take(&target->admission,
			    limit_of_user(dispatch, from, route->user,
					  route->domain),
			    target->how, mono_ms())) {
		target->status = 486;
		return;
	}
	if (sip->sip_request->rq_method != sip_method_invite)
		return;
	count = registrar_find(dispatch->registrar, dispatch->calls->edge,
			       route->user, route->domain,
			       is_gruu ? &gruu : NULL, bindings);
	if (count < 2)
		return;
	target->fork =
		fork_new(dispatch->calls,
			 speaker->trunk != TRUNK_NONE ?
				 &dispatch->trunks.trunks[speaker->trunk] :
				 NULL,
			 loop_hash(dispatch, sip));
	for (size_t i = 0; i < count && target->fork != NULL; i++) {
		struct flow flow = flow_to(dispatch, bindings[i]);

		fork_add(target->fork, &flow, bindings[i]->uri, bindings[i]->q);
	}
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
		.method = sip->sip_request->rq_method_name,
		.trunk = speaker->trunk,
		.listen = from->listener->index,
	};
	struct route_result route;

	memset(target, 0, sizeof(*target));
	if (sip->sip_request->rq_method == sip_method_invite)
		target->how = LIMIT_CHECK;
	if (leg != NULL) {
		to_party(leg, target);
		return;
	}
	if (uri == NULL) {
		target->status = 500;
		return;
	}
	route_find(&query, &route);
	if (route.is_emergency && target->how == LIMIT_CHECK)
		target->how = LIMIT_FORCE;
	switch (route.kind) {
	case ROUTE_USER:
		to_user(dispatch, speaker, &route, from, msg, target);
		break;
	case ROUTE_TRUNK:
	case ROUTE_TABLE:
		to_hunt(dispatch, speaker, &route, from, msg, uri, target);
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
	struct relay_origin origin = { .from = from };
	struct call *call;

	find_target(dispatch, speaker, leg, from, msg, sip, &target);
	if (target.status == 0 &&
	    !admit_speaker(dispatch, speaker, from, sip, &target)) {
		target.status = 503;
		target.reason = "Retry-After: 5\r\n";
	}
	if (target.status != 0) {
		admission_give(&target.admission);
		hunt_free(target.hunt);
		fork_free(target.fork);
		edge_reply(from, msg, target.status, NULL, target.reason);
		return;
	}
	if (target.fork != NULL) {
		fork_start(target.fork, &target.admission, from, msg, sip);
		return;
	}
	call = call_new(dispatch->calls, from, &target.flow, sip);
	if (call == NULL) {
		admission_give(&target.admission);
		hunt_free(target.hunt);
		edge_reply(from, msg, 503, NULL, "Retry-After: 5\r\n");
		return;
	}
	if (speaker->trunk != TRUNK_NONE)
		call->legs[CALL_A].trunk =
			&dispatch->trunks.trunks[speaker->trunk];
	call->legs[CALL_B].trunk = target.trunk;
	call->hunt = target.hunt;
	call->admission = target.admission;
	leg_expect(&call->legs[CALL_B], target.uri);
	log_debug("call %s: %s from %s", call->token,
		  sip->sip_request->rq_method_name, from->listener->host_port);
	origin.uri = target.uri;
	origin.loop = loop_hash(dispatch, sip);
	relay_request(&call->legs[CALL_A], dialog_find(call, NULL), &origin,
		      msg, sip);
	if (list_is_empty(&call->relays))
		call_end(call);
	job_pump(call);
}
