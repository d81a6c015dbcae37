/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One side of a call, and the dialogs between the two sides. */
#include "proxy/leg.h"

#include <stdio.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "proxy/call.h"
#include "proxy/headers.h"

struct leg *leg_other(const struct leg *leg)
{
	return &leg->call->legs[!leg->side];
}

struct farnat_party leg_farnat(const struct leg *leg)
{
	return (struct farnat_party){ .realm = leg->flow.listener->realm,
				      .signalling = leg->flow.peer.addr,
				      .is_trunk = leg->trunk != NULL };
}

void leg_expect(struct leg *leg, const char *uri)
{
	struct farnat_party party = leg_farnat(leg);
	su_home_t home[1] = { SU_HOME_INIT(home) };
	struct endpoint contact;
	const url_t *url;

	su_home_init(home);
	url = url_make(home, uri);
	leg->is_far = leg->trunk == NULL && url != NULL &&
		      edge_url_endpoint(url, &contact) == 0 &&
		      farnat_is(leg->call->calls->conf, &party, &contact.addr);
	su_home_deinit(home);
}

const char *leg_user(const struct leg *leg, char buf[CALL_USER_TEXT])
{
	snprintf(buf, CALL_USER_TEXT, "%s%c", leg->call->token,
		 leg->side == CALL_A ? 'a' : 'b');
	return buf;
}

/*
 * A request tells its Record-Route in the order of our Route; a response in
 * the reverse one.
 */
const sip_route_t *leg_routes(su_home_t *home, const sip_t *sip)
{
	sip_route_t *routes = NULL;

	for (const sip_record_route_t *from = sip->sip_record_route;
	     from != NULL; from = from->r_next) {
		sip_route_t *route;
		sip_record_route_t one = *from;

		one.r_next = NULL;
		route = (sip_route_t *)msg_header_dup_as(home, sip_route_class,
							 (msg_header_t *)&one);
		if (route == NULL)
			break;
		if (sip->sip_request != NULL && routes != NULL) {
			sip_route_t *last = routes;

			while (last->r_next != NULL)
				last = last->r_next;
			last->r_next = route;
		} else {
			route->r_next = routes;
			routes = route;
		}
	}
	return routes;
}

void leg_learn(struct leg *leg, struct dialog *dialog, const sip_t *sip)
{
	struct dialog_target *target = &dialog->targets[leg->side];
	su_home_t *home = leg->call->home;

	if (sip->sip_contact != NULL) {
		char *uri = headers_url(home, sip->sip_contact->m_url);

		/* Contacts of a re-INVITE are the same again, as a rule. */
		if (uri != NULL && target->uri != NULL &&
		    strcmp(uri, target->uri) == 0)
			su_free(home, uri);
		else if (uri != NULL)
			target->uri = uri;
	}
	if (!target->is_routed) {
		target->is_routed = true;
		target->routes = leg_routes(home, sip);
	}
}

bool leg_is_flow(const struct leg *leg, const struct flow *from)
{
	if (leg->flow.listener->realm != from->listener->realm)
		return false;
	if (ip_addr_equal(&leg->flow.peer.addr, &from->peer.addr))
		return true;
	if (leg->trunk == NULL)
		return false;
	for (size_t i = 0; i < leg->trunk->count; i++)
		if (ip_addr_equal(&leg->trunk->addresses[i], &from->peer.addr))
			return true;
	return false;
}

void leg_follow(struct leg *leg, const struct flow *from)
{
	if (leg->flow.connection != STREAM_NONE &&
	    from->connection != STREAM_NONE && leg->trunk == NULL)
		leg->flow = *from;
}

/* A trunk is reached by the transport that it names. */
static void use_transport(const struct leg *leg, const url_t *url,
			  struct flow *hop)
{
	enum conf_transport transport =
		edge_url_transport(url, hop->listener->transport);
	struct listener *listener = edge_listener_for(hop->listener->edge,
						      hop->listener->realm,
						      transport,
						      hop->peer.addr.family);

	if (leg->trunk != NULL && listener != NULL)
		hop->listener = listener;
}

/*
 * The connection by which its messages come, if there is one. Else what its own
 * route set or Contact names, if that is where its messages come from; else
 * where they come from (it is behind a NAT, or names a host).
 */
void leg_next_hop(const struct leg *leg, const struct dialog *dialog,
		  struct flow *ret)
{
	const struct dialog_target *target = &dialog->targets[leg->side];
	struct endpoint endpoint;
	su_home_t home[1] = { SU_HOME_INIT(home) };
	const url_t *url = NULL;

	*ret = leg->flow;
	ret->trunk = leg->trunk != NULL ? leg->trunk->conf : NULL;
	if (ret->connection != STREAM_NONE &&
	    (leg->trunk == NULL || flow_is_alive(ret)))
		return;
	ret->connection = STREAM_NONE;
	su_home_init(home);
	if (target->routes != NULL)
		url = target->routes->r_url;
	else if (target->uri != NULL)
		url = url_make(home, target->uri);
	if (url != NULL && edge_url_endpoint(url, &endpoint) == 0 &&
	    ip_addr_equal(&endpoint.addr, &leg->flow.peer.addr)) {
		ret->peer.port = endpoint.port;
		use_transport(leg, url, ret);
	}
	su_home_deinit(home);
}
