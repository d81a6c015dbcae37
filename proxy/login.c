/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that a carrier wants to see credentials with. */
#include "proxy/login.h"

#include <errno.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/log.h"
#include "proxy/carrier.h"
#include "proxy/headers.h"
#include "proxy/job.h"

static const char *method_of(const struct relay *relay)
{
	return sip_object(relay->spare)->sip_request->rq_method_name;
}

int login_challenged(struct relay *relay, int status, msg_t **response)
{
	struct call *call = relay->call;
	struct leg *leg = &call->legs[!relay->from];
	const char *answer;

	if (!carrier_has_login(leg->trunk) || relay->spare == NULL ||
	    relay->sent_uri == NULL || relay->server == NULL)
		return status;
	answer = carrier_answer(leg->trunk, *response, method_of(relay),
				relay->sent_uri, relay->home);
	/* The challenge of somebody behind the carrier is the caller's. */
	if (answer == NULL)
		return status;
	if (relay->credentials != NULL)
		log_warn("trunk %s: does not accept our credentials",
			 leg->trunk->conf->name);
	if (relay->credentials != NULL || relay->is_cancelled) {
		msg_destroy(*response);
		*response = NULL;
		return relay->is_cancelled ? 487 : 503;
	}
	leg->trunk->carrier->challenges++;
	relay->credentials = answer;
	leg->cseq_offset++;
	job_roll_back(relay, status);
	if (relay_again(relay, NULL))
		job_pump(call);
	return 0;
}

/* The number of the request that a PRACK speaks of. */
static uint32_t offset_of(const struct relay *prack, uint32_t cseq)
{
	struct list *pos;

	list_for_each(pos, &prack->call->relays) {
		const struct relay *relay = container_of(pos, struct relay,
							 node);

		if (relay->method == sip_method_invite &&
		    relay->from == prack->from && relay->cseq == cseq &&
		    !relay->is_replaced)
			return relay->sent_cseq - relay->cseq;
	}
	return prack->call->legs[!prack->from].cseq_offset;
}

/* "Authorization: VALUE\r\n", in its place among the headers. */
static int add_credentials(msg_t *msg, sip_t *sip, const char *line)
{
	su_home_t *home = msg_home(msg);
	const char *value = strchr(line, ':') + 2;
	char *text = su_strndup(home, value, (isize_t)strcspn(value, "\r"));
	void *header = NULL;

	if (text != NULL && line[0] == 'P')
		header = sip_proxy_authorization_make(home, text);
	else if (text != NULL)
		header = sip_authorization_make(home, text);
	if (header == NULL ||
	    msg_header_insert(msg, (msg_pub_t *)sip, header) < 0)
		return -ENOMEM;
	return 0;
}

int login_request(struct relay *relay, bool is_new, msg_t *msg, sip_t *sip)
{
	uint32_t offset = relay->call->legs[!relay->from].cseq_offset;

	if (is_new) {
		relay->sent_cseq = relay->cseq + offset;
		relay->sent_uri = headers_url(relay->home,
					      sip->sip_request->rq_url);
	}
	if (sip->sip_cseq->cs_seq != relay->sent_cseq) {
		sip->sip_cseq->cs_seq = relay->sent_cseq;
		msg_fragment_clear(sip->sip_cseq->cs_common);
	}
	if (sip->sip_rack != NULL && offset > 0) {
		sip->sip_rack->ra_cseq += offset_of(relay,
						    sip->sip_rack->ra_cseq);
		msg_fragment_clear(&sip->sip_rack->ra_common);
	}
	return relay->credentials != NULL ?
		       add_credentials(msg, sip, relay->credentials) :
		       0;
}
