/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes without a transaction: the ACK of a 2xx, and 2xx that are late. */
#include <stdlib.h>

#include <sofia-sip/sip_header.h>

#include "proxy/job.h"
#include "proxy/relay.h"

static struct relay *find_invite(const struct leg *leg, uint32_t cseq)
{
	struct list *pos;

	list_for_each(pos, &leg->call->relays) {
		struct relay *relay = container_of(pos, struct relay, node);

		if (relay->state == RELAY_LINGERING &&
		    relay->method == sip_method_invite &&
		    relay->from == leg->side && relay->cseq == cseq)
			return relay;
	}
	return NULL;
}

void relay_ack(struct leg *leg, struct dialog *dialog, msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	struct relay *relay = find_invite(leg, sip->sip_cseq->cs_seq);

	/* Another one is on its way while the first one still waits. */
	if (relay == NULL || (relay->is_acked && !relay->is_ack_sent)) {
		msg_destroy(msg);
		return;
	}
	relay->is_acked = true;
	job_add(relay, dialog, JOB_ACK, leg->side, 0, msg);
	job_pump(leg->call);
}

void relay_stray(struct calls *calls, const struct flow *from, msg_t *msg)
{
	const sip_t *sip = sip_object(msg);
	struct relay *relay = relay_of_branch(calls, sip->sip_via->v_branch);
	struct dialog *dialog;

	if (relay == NULL || relay->state != RELAY_LINGERING ||
	    relay->method != sip_method_invite ||
	    sip->sip_cseq->cs_method != sip_method_invite ||
	    sip->sip_cseq->cs_seq != relay->sent_cseq ||
	    sip->sip_status->st_status / 100 != 2) {
		edge_discard(from->listener, msg);
		return;
	}
	dialog = relay_dialog(relay, msg);
	if (dialog == NULL) {
		edge_discard(from->listener, msg);
		return;
	}
	leg_learn(&relay->call->legs[!relay->from], dialog, sip);
	job_add(relay, dialog, JOB_LATE, !relay->from,
		sip->sip_status->st_status, msg);
	job_pump(relay->call);
}
