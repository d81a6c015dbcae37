/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACK of a 2xx, 2xx that are late, and requests whose time is over. */
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

static struct relay *find_due(const struct call *call, uint64_t now_ms)
{
	struct list *pos;

	list_for_each(pos, &call->relays)
		if (now_ms >= container_of(pos, struct relay, node)->end_ms)
			return container_of(pos, struct relay, node);
	return NULL;
}

bool relay_tick(struct call *call, uint64_t now_ms)
{
	struct relay *relay;
	bool is_unacked = false;

	while ((relay = find_due(call, now_ms)) != NULL) {
		if (relay->state == RELAY_LINGERING) {
			is_unacked |= relay->method == sip_method_invite &&
				      !relay->is_acked;
			relay_free(relay);
		} else {
			int status = relay->is_cancelled ? 487 : 408;

			relay_answer(relay, status, NULL);
			relay_finish(relay, status);
		}
	}
	if (is_unacked && call->state == CALL_ESTABLISHED) {
		call->calls->counters.lost_acks++;
		relay_fail_call(call, 408, "no ACK came");
	}
	return call_settle(call);
}
