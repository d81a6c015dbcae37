/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offer/answer state of one dialog. Pure. */
#include "config.h"

#include "proxy/offer.h"

static struct offer_result result_of(enum offer_role role)
{
	return (struct offer_result){ .role = role };
}

static struct offer_result refuse(int status, const char *text)
{
	return (struct offer_result){
		.role = OFFER_ROLE_ERROR,
		.status = status,
		.text = text,
	};
}

/* In a response or an ACK, which nobody can refuse. */
static struct offer_result fault(bool fatal, const char *text)
{
	return (struct offer_result){
		.role = OFFER_ROLE_ERROR,
		.fatal = fatal,
		.text = text,
	};
}

static struct offer_result open_offer(struct offer *offer,
				      enum offer_carrier carrier,
				      enum offer_side from)
{
	offer->open = carrier;
	offer->open_from = from;
	return result_of(OFFER_ROLE_OFFER);
}

static struct offer_result close_offer(struct offer *offer)
{
	offer->last = offer->open;
	offer->open = OFFER_BY_NONE;
	offer->established = true;
	return result_of(OFFER_ROLE_ANSWER);
}

static struct offer_result roll_back(struct offer *offer)
{
	offer->open = OFFER_BY_NONE;
	return result_of(OFFER_ROLE_ROLLBACK);
}

/* One offer at a time: RFC 3261 14.2, RFC 3311 5.2. */
static struct offer_result refuse_second(enum offer_side open_from,
					 enum offer_side from)
{
	if (open_from == from)
		return refuse(500, "offer before the last one was answered");
	return refuse(491, "offers of both sides crossed");
}

static bool is_of_invite(enum offer_carrier carrier)
{
	return carrier == OFFER_BY_INVITE || carrier == OFFER_BY_PROVISIONAL ||
	       carrier == OFFER_BY_SUCCESS;
}

static struct offer_result on_invite(struct offer *offer,
				     const struct offer_event *event)
{
	if (offer->invite)
		return refuse_second(offer->invite_from, event->from);
	if (offer->open != OFFER_BY_NONE)
		return refuse_second(offer->open_from, event->from);
	offer->invite = true;
	offer->invite_from = event->from;
	offer->invite_sdp = event->sdp;
	offer->invite_offered = event->sdp;
	offer->invite_answered = false;
	offer->invite_previewed = false;
	offer->invite_first = !offer->established;
	if (event->sdp)
		return open_offer(offer, OFFER_BY_INVITE, event->from);
	return result_of(OFFER_ROLE_NONE);
}

static struct offer_result on_provisional(struct offer *offer,
					  const struct offer_event *event)
{
	if (!event->sdp)
		return result_of(OFFER_ROLE_NONE);
	if (offer->invite_answered || offer->open == OFFER_BY_PROVISIONAL)
		return result_of(OFFER_ROLE_REPEAT);
	if (offer->open == OFFER_BY_INVITE) {
		if (event->reliable) {
			offer->invite_answered = true;
			return close_offer(offer);
		}
		offer->invite_previewed = true;
		return result_of(OFFER_ROLE_PREVIEW);
	}
	if (!event->reliable)
		return fault(false, "offer in a 1xx that is not reliable");
	if (offer->invite_offered || offer->open != OFFER_BY_NONE)
		return fault(false, "offer in a 1xx while another is open");
	offer->invite_offered = true;
	return open_offer(offer, OFFER_BY_PROVISIONAL, event->from);
}

static struct offer_result on_success_with_sdp(struct offer *offer,
					       const struct offer_event *event)
{
	if (offer->open == OFFER_BY_INVITE) {
		offer->invite_answered = true;
		return close_offer(offer);
	}
	if (offer->invite_answered || offer->open == OFFER_BY_SUCCESS)
		return result_of(OFFER_ROLE_REPEAT);
	if (offer->invite_offered || offer->open != OFFER_BY_NONE)
		return fault(false, "offer in a 2xx while another is open");
	offer->invite_offered = true;
	return open_offer(offer, OFFER_BY_SUCCESS, event->from);
}

static struct offer_result on_success(struct offer *offer,
				      const struct offer_event *event)
{
	offer->invite = false;
	if (event->sdp)
		return on_success_with_sdp(offer, event);
	if (offer->open != OFFER_BY_INVITE)
		return result_of(OFFER_ROLE_NONE);
	if (!offer->invite_previewed) {
		offer->open = OFFER_BY_NONE;
		return fault(true, "2xx without an answer");
	}
	/* Some answer in a 183 only, and mean it. */
	offer->invite_answered = true;
	close_offer(offer);
	return result_of(OFFER_ROLE_NONE);
}

/* RFC 3261 14.1: as if the INVITE had never been. */
static struct offer_result on_failure(struct offer *offer,
				      const struct offer_event *event)
{
	bool changed = offer->invite &&
		       (is_of_invite(offer->open) || offer->invite_answered);

	offer->invite = false;
	offer->invite_answered = false;
	if (offer->invite_first)
		offer->established = false;
	if (is_of_invite(offer->open))
		offer->open = OFFER_BY_NONE;
	if (changed)
		return result_of(OFFER_ROLE_ROLLBACK);
	return result_of(event->sdp ? OFFER_ROLE_UNRELATED : OFFER_ROLE_NONE);
}

static struct offer_result on_ack(struct offer *offer,
				  const struct offer_event *event)
{
	if (offer->open == OFFER_BY_SUCCESS) {
		if (event->sdp) {
			offer->invite_answered = true;
			return close_offer(offer);
		}
		if (offer->established)
			return roll_back(offer);
		offer->open = OFFER_BY_NONE;
		return fault(true, "ACK without an answer");
	}
	if (!event->sdp)
		return result_of(OFFER_ROLE_NONE);
	if (offer->invite_answered && offer->last == OFFER_BY_SUCCESS)
		return result_of(OFFER_ROLE_REPEAT);
	return fault(false, "ACK with an answer to no offer");
}

/* An offer in a request of its own: PRACK or UPDATE. */
static struct offer_result on_request(struct offer *offer,
				      const struct offer_event *event,
				      enum offer_carrier carrier)
{
	if (!event->sdp)
		return result_of(OFFER_ROLE_NONE);
	if (offer->open != OFFER_BY_NONE)
		return refuse_second(offer->open_from, event->from);
	if (!offer->established)
		return refuse(500, "offer before the first was made");
	return open_offer(offer, carrier, event->from);
}

static struct offer_result on_prack(struct offer *offer,
				    const struct offer_event *event)
{
	if (offer->open == OFFER_BY_PROVISIONAL && event->sdp &&
	    event->from != offer->open_from) {
		offer->invite_answered = true;
		return close_offer(offer);
	}
	return on_request(offer, event, OFFER_BY_PRACK);
}

/* The final response to an offer in PRACK or UPDATE. */
static struct offer_result on_response(struct offer *offer,
				       const struct offer_event *event,
				       enum offer_carrier carrier)
{
	bool answers = offer->open == carrier &&
		       offer->open_from != event->from;

	if (event->status < 200)
		return event->sdp ?
			       fault(false, "SDP in a 1xx of this method") :
			       result_of(OFFER_ROLE_NONE);
	if (event->status >= 300) {
		if (answers)
			return roll_back(offer);
		return result_of(event->sdp ? OFFER_ROLE_UNRELATED :
					      OFFER_ROLE_NONE);
	}
	if (answers)
		return event->sdp ? close_offer(offer) : roll_back(offer);
	if (!event->sdp)
		return result_of(OFFER_ROLE_NONE);
	return fault(false, "answer to no offer");
}

static struct offer_result on_invite_response(struct offer *offer,
					      const struct offer_event *event)
{
	if (event->status < 200)
		return on_provisional(offer, event);
	return event->status < 300 ? on_success(offer, event) :
				     on_failure(offer, event);
}

static struct offer_result feed(struct offer *offer,
				const struct offer_event *event)
{
	bool response = event->status != 0;

	switch (event->method) {
	case OFFER_INVITE:
		return response ? on_invite_response(offer, event) :
				  on_invite(offer, event);
	case OFFER_ACK:
		return on_ack(offer, event);
	case OFFER_PRACK:
		return response ? on_response(offer, event, OFFER_BY_PRACK) :
				  on_prack(offer, event);
	case OFFER_UPDATE:
		return response ? on_response(offer, event, OFFER_BY_UPDATE) :
				  on_request(offer, event, OFFER_BY_UPDATE);
	case OFFER_OTHER:
		break;
	}
	return result_of(event->sdp ? OFFER_ROLE_UNRELATED : OFFER_ROLE_NONE);
}

struct offer_result offer_feed(struct offer *offer,
			       const struct offer_event *event)
{
	struct offer next = *offer;
	struct offer_result result = feed(&next, event);

	/* A refused request never was; a response has come, good or bad. */
	if (result.role != OFFER_ROLE_ERROR || result.status == 0)
		*offer = next;
	return result;
}
