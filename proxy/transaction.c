/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Server and client transactions, on those of the SIP library. */
#define NTA_OUTGOING_MAGIC_T struct client
#define NTA_INCOMING_MAGIC_T struct server
#include "proxy/transaction.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>

#include "common/privs.h"
#include "proxy/sofia_guard.h"

struct server {
	nta_incoming_t *irq;              /* owned; NULL: a branch */
	const struct server_hooks *hooks; /* of a branch */
	void *branch;                     /* their argument, owned */
	server_cancel_fn on_cancel;
	void *arg;
};

struct client {
	nta_outgoing_t *orq;    /* owned */
	nta_outgoing_t *cancel; /* owned; NULL: the library's, or none */
	struct flow flow;
	client_response_fn on_response;
	void *arg;
	char *reason;        /* owned: Reason of the CANCEL, or NULL */
	bool is_provisional; /* a 1xx has come */
	bool is_wanted_cancelled;
	bool is_cancelled;
};

static int on_ack_or_cancel(struct server *server, nta_incoming_t *irq,
			    const sip_t *sip)
{
	(void)irq;
	if (sip != NULL && sip->sip_request != NULL &&
	    sip->sip_request->rq_method == sip_method_cancel &&
	    server->on_cancel != NULL)
		server->on_cancel(sip, server->arg);
	return 0;
}

struct server *server_new(const struct flow *from, msg_t *msg, sip_t *sip,
			  server_cancel_fn on_cancel, void *arg)
{
	struct server *server = calloc(1, sizeof(*server));
	sip_require_t *require;

	if (server == NULL) {
		nta_msg_discard(from->listener->agent, msg);
		return NULL;
	}
	require = sofia_guard_hide_require(sip);
	server->irq = nta_incoming_create(from->listener->agent, NULL, msg, sip,
					  TAG_END());
	if (server->irq == NULL) {
		free(server);
		return NULL;
	}
	sofia_guard_show_require(sip, require);
	server->on_cancel = on_cancel;
	server->arg = arg;
	nta_incoming_bind(server->irq, on_ack_or_cancel, server);
	if (sip->sip_request->rq_method == sip_method_invite)
		nta_incoming_treply(server->irq, SIP_100_TRYING, TAG_END());
	return server;
}

struct server *server_of_branch(const struct server_hooks *hooks, void *branch,
				server_cancel_fn on_cancel, void *arg)
{
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return NULL;
	server->hooks = hooks;
	server->branch = branch;
	server->on_cancel = on_cancel;
	server->arg = arg;
	return server;
}

void server_cancelled(struct server *server, const sip_t *cancel)
{
	server->on_cancel(cancel, server->arg);
}

msg_t *server_request(struct server *server)
{
	if (server->irq == NULL)
		return server->hooks->request(server->branch);
	return nta_incoming_getrequest(server->irq);
}

void server_rebind(struct server *server, void *arg)
{
	server->arg = arg;
}

static void tag_answer(struct server *server)
{
	uint64_t random;
	char tag[32];

	if (nta_incoming_gettag(server->irq) != NULL)
		return;
	random_bytes(&random, sizeof(random));
	snprintf(tag, sizeof(tag), "tag=%016llx", (unsigned long long)random);
	nta_incoming_tag(server->irq, tag);
}

void server_reply(struct server *server, int status, const char *phrase,
		  const char *headers)
{
	if (server->irq == NULL) {
		server->hooks->reply(status, server->branch);
		return;
	}
	if (status > 100)
		tag_answer(server);
	if (phrase == NULL)
		phrase = sip_status_phrase(status);
	nta_incoming_treply(server->irq, status, phrase,
			    TAG_IF(headers != NULL, SIPTAG_HEADER_STR(headers)),
			    TAG_END());
}

int server_forward(struct server *server, msg_t *msg)
{
	const sip_t *sip = sip_object(msg);

	if (server->irq == NULL)
		return server->hooks->forward(msg, server->branch);
	/* The library would abort on an answer to another method. */
	if (sip->sip_cseq->cs_method != nta_incoming_method(server->irq)) {
		msg_destroy(msg);
		return -EBADMSG;
	}
	if (nta_incoming_complete_response(server->irq, msg,
					   sip->sip_status->st_status, NULL,
					   TAG_END()) < 0) {
		msg_destroy(msg);
		return -ENOMEM;
	}
	return nta_incoming_mreply(server->irq, msg) < 0 ? -EIO : 0;
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	if (server->irq == NULL) {
		server->hooks->free(server->branch);
		free(server);
		return;
	}
	nta_incoming_bind(server->irq, NULL, NULL);
	nta_incoming_destroy(server->irq);
	free(server);
}

/* RFC 3261 9.1: of the request as it was sent. NULL: no memory. */
static msg_t *make_cancel(struct client *client)
{
	msg_t *request = nta_outgoing_getrequest(client->orq);
	const sip_t *sent = sip_object(request);
	msg_t *msg = edge_message_new(client->flow.listener);
	sip_t *sip = msg != NULL ? sip_object(msg) : NULL;
	sip_via_t via;
	su_home_t *home;

	if (sip == NULL) {
		msg_destroy(request);
		return NULL;
	}
	home = msg_home(msg);
	via = *sent->sip_via;
	via.v_next = NULL;
	if (sip_add_tl(msg, sip,
		       SIPTAG_REQUEST(sip_request_create(
			       home, SIP_METHOD_CANCEL,
			       (const url_string_t *)sent->sip_request->rq_url,
			       NULL)),
		       SIPTAG_VIA(&via), SIPTAG_ROUTE(sent->sip_route),
		       SIPTAG_FROM(sent->sip_from), SIPTAG_TO(sent->sip_to),
		       SIPTAG_CALL_ID(sent->sip_call_id),
		       SIPTAG_CSEQ(sip_cseq_create(home, sent->sip_cseq->cs_seq,
						   SIP_METHOD_CANCEL)),
		       SIPTAG_MAX_FORWARDS_STR("70"),
		       TAG_IF(client->reason != NULL,
			      SIPTAG_REASON_STR(client->reason)),
		       TAG_END()) < 0) {
		msg_destroy(msg);
		msg = NULL;
	}
	msg_destroy(request);
	return msg;
}

/* On a connection the library would end the INVITE with its own CANCEL. */
static void send_own_cancel(struct client *client)
{
	msg_t *msg = make_cancel(client);
	char url[FLOW_URL_TEXT];

	if (msg == NULL)
		return;
	client->cancel = nta_outgoing_mcreate(
		client->flow.listener->agent, NULL, NULL,
		(const url_string_t *)flow_url(&client->flow, url), msg,
		NTATAG_USER_VIA(1),
		NTATAG_BRANCH_KEY(nta_outgoing_branch(client->orq)), TAG_END());
	if (client->cancel == NULL)
		msg_destroy(msg);
}

static void send_cancel(struct client *client)
{
	client->is_cancelled = true;
	if (client->flow.listener->transport != CONF_UDP) {
		send_own_cancel(client);
		return;
	}
	nta_outgoing_tcancel(client->orq, NULL, NULL,
			     TAG_IF(client->reason != NULL,
				    SIPTAG_REASON_STR(client->reason)),
			     TAG_END());
}

static int on_response(struct client *client, nta_outgoing_t *orq,
		       const sip_t *sip)
{
	int status = 408;
	msg_t *msg = NULL;

	if (sip != NULL && sip->sip_status != NULL)
		status = sip->sip_status->st_status;
	if (sip != NULL && !nta_sip_is_internal(sip))
		msg = nta_outgoing_getresponse(orq);
	else if (status < 300)
		status = 503;
	if (status < 200) {
		client->is_provisional = true;
		if (client->is_wanted_cancelled && !client->is_cancelled)
			send_cancel(client);
	}
	client->on_response(status, msg, client->arg);
	return 0;
}

int client_new(const struct flow *to, msg_t *msg, const char *branch,
	       client_response_fn response, void *arg,
	       struct client **ret_client)
{
	struct client *client = calloc(1, sizeof(*client));
	char url[FLOW_URL_TEXT];
	int error;

	if (client == NULL) {
		msg_destroy(msg);
		return -ENOMEM;
	}
	client->on_response = response;
	client->arg = arg;
	client->flow = *to;
	error = flow_open(to);
	if (error == 0) {
		client->orq = nta_outgoing_mcreate(
			to->listener->agent, on_response, client,
			(const url_string_t *)flow_url(to, url), msg,
			NTATAG_BRANCH_KEY(branch), TAG_END());
		flow_close(to);
		if (client->orq == NULL)
			error = -EIO;
	}
	if (error != 0) {
		msg_destroy(msg);
		free(client);
		return error;
	}
	*ret_client = client;
	return 0;
}

void client_cancel(struct client *client, const char *reason)
{
	if (client->is_wanted_cancelled)
		return;
	client->is_wanted_cancelled = true;
	if (reason != NULL)
		client->reason = strdup(reason);
	/* Before a 1xx the library would abort on a 200 for the CANCEL. */
	if (client->is_provisional)
		send_cancel(client);
}

bool client_is_cancelled(const struct client *client)
{
	return client->is_wanted_cancelled;
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	nta_outgoing_bind(client->orq, NULL, NULL);
	nta_outgoing_destroy(client->orq);
	if (client->cancel != NULL)
		nta_outgoing_destroy(client->cancel);
	free(client->reason);
	free(client);
}
