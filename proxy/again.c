/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that is sent once more: to another place, or with more in it. */
#include <stdlib.h>

#include "proxy/job.h"
#include "proxy/relay.h"

/* Another one in its place: it has the server's side. */
static struct relay *replace(struct relay *old)
{
	struct relay *relay = relay_new(old->call, old->dialog, old->from);
	su_home_t *home;

	if (relay == NULL)
		return NULL;
	home = relay->home;
	relay->home = old->home;
	old->home = home;
	relay->method = old->method;
	relay->cseq = old->cseq;
	relay->loop = old->loop;
	relay->request_uri = old->request_uri;
	relay->from_header = old->from_header;
	relay->to_header = old->to_header;
	relay->vias = old->vias;
	relay->lasts = old->lasts;
	relay->is_last = old->is_last;
	relay->credentials = old->credentials;
	relay->sent_uri = old->sent_uri;
	relay->spare = old->spare;
	old->spare = NULL;
	relay->server = old->server;
	old->server = NULL;
	server_rebind(relay->server, relay);
	relay->is_first = old->is_first;
	old->is_first = false;
	old->is_replaced = true;
	return relay;
}

bool relay_again(struct relay *relay, const char *uri)
{
	struct call *call = relay->call;
	struct relay *new;
	msg_t *msg = NULL;

	job_free_of(relay);
	new = replace(relay);
	if (new != NULL) {
		relay_abandon(relay);
		relay = new;
		if (uri != NULL)
			relay->request_uri = su_strdup(relay->home, uri);
		msg = msg_copy(relay->spare);
	}
	if (msg != NULL &&
	    job_add(relay, relay->dialog, JOB_REQUEST, relay->from, 0, msg))
		return true;
	relay_answer(relay, 500, NULL);
	relay_finish(relay, 500);
	call_settle(call);
	return false;
}
