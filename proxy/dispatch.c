/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a message that was received belongs. A request within a dialog is
 * known by the token in its Request-URI; one that starts something is judged
 * by who speaks: a trunk (by its address), else a user (by digest).
 */
#include "proxy/dispatch.h"

#include <string.h>

#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>

#include "common/log.h"
#include "proxy/headers.h"
#include "proxy/invite.h"
#include "proxy/job.h"
#include "proxy/relay.h"

#define ALLOW                                                             \
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, " \
	"MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH, REFER, REGISTER\r\n"

static const char *tag_of(const sip_addr_t *addr)
{
	return addr != NULL ? addr->a_tag : NULL;
}

static bool tag_equal(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

/* The dialog between the tags of a request of that leg's party, or NULL. */
static struct dialog *find_dialog(const struct leg *leg, const sip_t *sip)
{
	const char *mine = leg->side == CALL_A ? sip->sip_to->a_tag :
						 sip->sip_from->a_tag;
	const char *other = leg->side == CALL_A ? sip->sip_from->a_tag :
						  sip->sip_to->a_tag;
	struct dialog *dialog;

	if (mine == NULL || leg->call_id == NULL ||
	    strcmp(leg->call_id, sip->sip_call_id->i_id) != 0)
		return NULL;
	dialog = dialog_find(leg->call, mine);
	/* A NOTIFY may be faster than the answer to its SUBSCRIBE. */
	if (dialog == NULL && leg->side == CALL_B && !leg->call->is_invite &&
	    sip->sip_request->rq_method == sip_method_notify)
		dialog = dialog_find(leg->call, NULL);
	if (dialog == NULL || !tag_equal(other, tag_of(dialog->remote[CALL_A])))
		return NULL;
	return dialog->tag != NULL ? dialog : dialog_for_tag(leg->call, mine);
}

/* Does the call end with this dialog? */
static bool is_last_dialog(const struct dialog *dialog)
{
	const struct call *call = dialog->call;
	struct list *pos;

	list_for_each(pos, &call->dialogs) {
		const struct dialog *other = container_of(pos, struct dialog,
							  node);

		if (other != dialog && other->is_confirmed)
			return false;
	}
	return true;
}

static void before_bye(struct dialog *dialog)
{
	if (!dialog->is_confirmed || !dialog->call->is_invite)
		return;
	if (is_last_dialog(dialog))
		call_hang_up(dialog->call);
	else
		dialog_end(dialog);
}

/* "example.com", or a host in it: that is how an outbound proxy is named. */
static bool is_in_domains(const struct conf *conf, const char *host)
{
	size_t len = strlen(host);

	for (size_t i = 0; i < conf->domain_count; i++) {
		const char *name = conf->domains[i].name;
		size_t name_len = strlen(name);

		if (len >= name_len &&
		    strcasecmp(host + len - name_len, name) == 0 &&
		    (len == name_len || host[len - name_len - 1] == '.'))
			return true;
	}
	return false;
}

/* We give nobody a route through us to anywhere else. */
static bool has_foreign_route(const struct dispatch *dispatch,
			      const struct flow *from, const sip_t *sip)
{
	for (const sip_route_t *route = sip->sip_route; route != NULL;
	     route = route->r_next)
		if (!edge_url_is_self(dispatch->calls->edge, from->peer.realm,
				      route->r_url) &&
		    (route->r_url->url_host == NULL ||
		     !is_in_domains(dispatch->conf, route->r_url->url_host)))
			return true;
	return false;
}

static void within_dialog(struct dispatch *dispatch, struct leg *leg,
			  const struct flow *from, msg_t *msg, sip_t *sip)
{
	struct calls_counters *counters = &dispatch->calls->counters;
	sip_method_t method = sip->sip_request->rq_method;
	struct relay_origin origin = { .from = from };
	struct dialog *dialog = NULL;
	struct call *call;

	if (leg != NULL && !leg_is_flow(leg, from)) {
		counters->strangers++;
		edge_reply(from, msg, 403, NULL, NULL);
		return;
	}
	if (leg != NULL)
		dialog = find_dialog(leg, sip);
	if (dialog == NULL ||
	    (leg->call->state >= CALL_ENDING && method != sip_method_bye)) {
		counters->unknown += method != sip_method_ack;
		edge_reply(from, msg, 481, NULL, NULL);
		return;
	}
	if (has_foreign_route(dispatch, from, sip)) {
		edge_reply(from, msg, 403, NULL, NULL);
		return;
	}
	call = leg->call;
	leg_follow(leg, from);
	if (method == sip_method_ack) {
		relay_ack(leg, dialog, msg);
		return;
	}
	if (method == sip_method_bye)
		before_bye(dialog);
	relay_request(leg, dialog, &origin, msg, sip);
	job_pump(call);
}

static void answer_options(const struct flow *from, msg_t *msg)
{
	edge_reply(from, msg, 200, NULL, ALLOW "Accept: application/sdp\r\n");
}

/* What an edge refuses before it looks at who is speaking. */
static int check(const sip_t *sip)
{
	switch (sip->sip_request->rq_method) {
	case sip_method_bye:
	case sip_method_prack:
	case sip_method_update:
		return 481;
	default:
		break;
	}
	if (sip->sip_proxy_require != NULL)
		return 420;
	return 0;
}

static void refuse(const struct flow *from, msg_t *msg, const sip_t *sip,
		   int status)
{
	char value[512], header[560];

	if (status == 420 && headers_value(sip->sip_proxy_require, value,
					   sizeof(value)) != NULL) {
		snprintf(header, sizeof(header), "Unsupported: %s\r\n", value);
		edge_reply(from, msg, status, NULL, header);
	} else {
		edge_reply(from, msg, status, NULL, NULL);
	}
}

static void outside_dialog(struct dispatch *dispatch, struct leg *leg,
			   const struct flow *from, msg_t *msg, sip_t *sip)
{
	const url_t *url = sip->sip_request->rq_url;
	sip_method_t method = sip->sip_request->rq_method;
	struct invite_speaker speaker;
	int status;

	if (method == sip_method_register) {
		registrar_request(dispatch->registrar, from, msg, sip);
		return;
	}
	if (method == sip_method_options && url->url_user == NULL &&
	    edge_url_is_self(dispatch->calls->edge, from->peer.realm, url)) {
		answer_options(from, msg);
		return;
	}
	status = check(sip);
	if (status == 0 && has_foreign_route(dispatch, from, sip))
		status = 403;
	if (status == 0)
		status = invite_check_loop(dispatch, sip);
	if (status != 0) {
		refuse(from, msg, sip, status);
		return;
	}
	speaker.trunk = trunk_find(&dispatch->trunks, from->peer.realm,
				   &from->peer.addr);
	if (speaker.trunk == TRUNK_NONE)
		speaker.trunk = flow_trunk(from);
	if (speaker.trunk == TRUNK_NONE &&
	    !registrar_authenticate(dispatch->registrar, from, msg, sip, 407))
		return;
	invite_start(dispatch, &speaker, leg, from, msg, sip);
}

void dispatch_request(const struct flow *from, msg_t *msg, sip_t *sip,
		      void *arg)
{
	struct dispatch *dispatch = arg;
	sip_method_t method = sip->sip_request->rq_method;
	struct leg *leg = NULL;

	if (sip->sip_request->rq_url->url_user != NULL)
		leg = call_find(dispatch->calls,
				sip->sip_request->rq_url->url_user);
	if (method == sip_method_cancel)
		edge_reply(from, msg, 481, NULL, NULL);
	else if (sip->sip_max_forwards != NULL &&
		 sip->sip_max_forwards->mf_count == 0 &&
		 method != sip_method_register && method != sip_method_options)
		edge_reply(from, msg, 483, NULL, NULL);
	else if (method == sip_method_ack || sip->sip_to->a_tag != NULL)
		within_dialog(dispatch, leg, from, msg, sip);
	else
		outside_dialog(dispatch, leg, from, msg, sip);
}

void dispatch_response(const struct flow *from, msg_t *msg, sip_t *sip,
		       void *arg)
{
	struct dispatch *dispatch = arg;

	(void)sip;
	relay_stray(dispatch->calls, from, msg);
}
