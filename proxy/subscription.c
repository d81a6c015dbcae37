/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialogs without media: those of SUBSCRIBE and REFER. */
#include "proxy/subscription.h"

#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/mono.h"
#include "proxy/headers.h"

bool subscription_is_made_by(sip_method_t method)
{
	return method == sip_method_subscribe || method == sip_method_refer;
}

static uint32_t clamp(unsigned long seconds)
{
	return seconds > SUBSCRIPTION_MAX ? SUBSCRIPTION_MAX :
					    (uint32_t)seconds;
}

/* "Refer-Sub: false" (RFC 4488): there is nothing to tell. */
static bool is_refer_sub_false(msg_t *msg)
{
	char text[64];
	const char *value = headers_value(headers_find(msg, NULL, "Refer-Sub"),
					  text, sizeof(text));

	return value != NULL && strncasecmp(value, "false", 5) == 0;
}

static void note_state(struct relay *relay, const sip_subscription_state_t *ss)
{
	if (ss == NULL || ss->ss_substate == NULL)
		return;
	if (strcasecmp(ss->ss_substate, "terminated") == 0)
		relay->is_last = true;
	else if (ss->ss_expires != NULL)
		relay->lasts = clamp(strtoul(ss->ss_expires, NULL, 10));
}

void subscription_request(struct relay *relay, const sip_t *sip)
{
	switch (relay->method) {
	case sip_method_subscribe:
		relay->lasts = sip->sip_expires != NULL ?
				       clamp(sip->sip_expires->ex_delta) :
				       SUBSCRIPTION_DEFAULT;
		break;
	case sip_method_refer:
		relay->lasts = SUBSCRIPTION_REFER;
		break;
	case sip_method_notify:
		note_state(relay, sip->sip_subscription_state);
		break;
	default:
		break;
	}
}

void subscription_success(struct relay *relay, struct dialog *dialog,
			  msg_t *msg)
{
	const sip_t *sip = sip_object(msg);
	struct call *call = relay->call;
	uint32_t lasts = relay->lasts;

	if (call->is_invite)
		return;
	if (relay->method == sip_method_subscribe && sip->sip_expires != NULL)
		lasts = clamp(sip->sip_expires->ex_delta);
	else if (relay->method == sip_method_notify && lasts == 0)
		return;
	else if (relay->method == sip_method_refer && is_refer_sub_false(msg))
		return;
	else if (relay->method != sip_method_notify &&
		 !subscription_is_made_by(relay->method))
		return;
	/* A dialog of it may be known by its first NOTIFY already. */
	call_establish(call, dialog);
	call->end_ms = mono_ms() + (uint64_t)lasts * 1000 + CALL_LINGER_MS;
}

bool subscription_is_kept(const struct relay *relay)
{
	return relay->is_first && !relay->call->is_invite &&
	       relay->call->state == CALL_ESTABLISHED;
}

/* Is anything else on its way? */
static bool is_busy(const struct relay *relay)
{
	struct list *pos;

	list_for_each(pos, &relay->call->relays) {
		const struct relay *other = container_of(pos, struct relay,
							 node);

		if (other != relay && other->state < RELAY_LINGERING)
			return true;
	}
	return false;
}

void subscription_finish(const struct relay *relay)
{
	struct call *call = relay->call;
	struct list *pos;

	if (call->is_invite || !relay->is_last)
		return;
	relay->dialog->is_confirmed = false;
	list_for_each(pos, &call->dialogs)
		if (container_of(pos, struct dialog, node)->is_confirmed)
			return;
	if (is_busy(relay))
		call->end_ms = mono_ms() + CALL_LINGER_MS;
	else
		call_end(call);
}
