/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that the edge makes itself to end a dialog: ACK and BYE. */
#include "proxy/own.h"

#include <stdlib.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>

#include "proxy/headers.h"
#include "proxy/sofia_guard.h"
#include "proxy/transaction.h"

#define MAX_FORWARDS_OWN 70

msg_t *own_request(struct call *call, struct dialog *dialog, enum call_side to,
		   sip_method_t method, const char *name, uint32_t cseq)
{
	const struct leg *leg = &call->legs[to];
	const struct dialog_target *target = &dialog->targets[to];
	sip_max_forwards_t max_forwards[1];
	msg_t *msg;
	su_home_t *home;
	sip_t *sip;

	if (target->uri == NULL || dialog->local[to] == NULL ||
	    dialog->remote[to] == NULL || leg->call_id == NULL)
		return NULL;
	msg = edge_message_new(leg->flow.listener);
	if (msg == NULL)
		return NULL;
	home = msg_home(msg);
	sip = sip_object(msg);
	sip_max_forwards_init(max_forwards)->mf_count = MAX_FORWARDS_OWN;
	if (sip_add_tl(msg, sip,
		       SIPTAG_REQUEST(sip_request_create(
			       home, method, name,
			       (const url_string_t *)target->uri, NULL)),
		       SIPTAG_FROM(dialog->local[to]),
		       SIPTAG_TO(dialog->remote[to]),
		       SIPTAG_CALL_ID_STR(leg->call_id),
		       SIPTAG_CSEQ(sip_cseq_create(home, cseq, (unsigned)method,
						   name)),
		       SIPTAG_MAX_FORWARDS(max_forwards),
		       TAG_IF(target->routes != NULL,
			      SIPTAG_ROUTE(target->routes)),
		       TAG_IF(method == sip_method_bye && call->reason != NULL,
			      SIPTAG_REASON_STR(call->reason)),
		       TAG_END()) < 0) {
		msg_destroy(msg);
		return NULL;
	}
	return msg;
}

void own_ack(struct call *call, struct dialog *dialog, enum call_side to,
	     uint32_t cseq)
{
	msg_t *msg = own_request(call, dialog, to, SIP_METHOD_ACK, cseq);
	char branch[GUARD_BRANCH_TEXT];
	struct flow hop;

	if (msg == NULL)
		return;
	leg_next_hop(&call->legs[to], dialog, &hop);
	sofia_guard_branch(0, branch);
	edge_send_request(&hop, msg, branch);
}

static msg_t *refusal(const struct flow *to, const sip_t *response,
		      sip_method_t method, const char *name, uint32_t cseq)
{
	msg_t *msg = edge_message_new(to->listener);
	const url_t *url = response->sip_contact != NULL ?
				   response->sip_contact->m_url :
				   response->sip_to->a_url;
	sip_max_forwards_t max_forwards[1];
	const sip_route_t *routes;
	su_home_t *home;

	if (msg == NULL)
		return NULL;
	home = msg_home(msg);
	routes = leg_routes(home, response);
	sip_max_forwards_init(max_forwards)->mf_count = MAX_FORWARDS_OWN;
	if (sip_add_tl(msg, sip_object(msg),
		       SIPTAG_REQUEST(sip_request_create(
			       home, method, name,
			       (const url_string_t *)headers_url(home, url),
			       NULL)),
		       SIPTAG_FROM(response->sip_from),
		       SIPTAG_TO(response->sip_to),
		       SIPTAG_CALL_ID(response->sip_call_id),
		       SIPTAG_CSEQ(sip_cseq_create(home, cseq, (unsigned)method,
						   name)),
		       SIPTAG_MAX_FORWARDS(max_forwards),
		       TAG_IF(routes != NULL, SIPTAG_ROUTE(routes)),
		       TAG_END()) < 0) {
		msg_destroy(msg);
		return NULL;
	}
	return msg;
}

/* A BYE of no call. */
struct farewell {
	struct client *client;
};

static void on_farewell(int status, msg_t *msg, void *arg)
{
	struct farewell *farewell = arg;

	if (msg != NULL)
		msg_destroy(msg);
	if (status < 200)
		return;
	client_free(farewell->client);
	free(farewell);
}

void own_refuse(const struct flow *to, const sip_t *response)
{
	uint32_t cseq = response->sip_cseq->cs_seq;
	char branch[GUARD_BRANCH_TEXT];
	struct farewell *farewell;
	msg_t *msg = refusal(to, response, SIP_METHOD_ACK, cseq);

	sofia_guard_branch(0, branch);
	if (msg != NULL)
		edge_send_request(to, msg, branch);
	msg = refusal(to, response, SIP_METHOD_BYE, cseq + 1);
	farewell = calloc(1, sizeof(*farewell));
	sofia_guard_branch(0, branch);
	if (msg == NULL || farewell == NULL) {
		if (msg != NULL)
			msg_destroy(msg);
		free(farewell);
	} else if (client_new(to, msg, branch, on_farewell, farewell,
			      &farewell->client) < 0) {
		free(farewell);
	}
}
