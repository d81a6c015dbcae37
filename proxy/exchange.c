/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPINE: one body from text in to text out.
 *
 * read      the SDP is found in the body and its endpoints are read (mime,
 *           media); what cannot be understood is refused.
 * role      offer, answer, or a repeat of one (offer); a refused offer rolls
 *           the session back to what was agreed before.
 * plan      what each stream becomes (anchor): left as it is, told as it is, or
 *           an endpoint of the other side's realm. One that is held for the
 *           same inner endpoint is kept.
 * ask       for all that are missing, in one request. [granted]
 * tighten   with an answer both ends are known: only they may send. [in force]
 * write     the new endpoints into the text (rewrite), all else as it was.
 *
 * A step that fails ends with the status to refuse or to end with; what was
 * asked for by then goes with the rollback. Nothing leaves unrewritten.
 */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>

#include "common/log.h"
#include "common/rpc.h"
#include "proxy/headers.h"
#include "proxy/rewrite.h"
#include "proxy/tighten.h"
#include "proxy/want.h"

#define ASKS_MAX (2 * MEDIA_STREAMS_MAX)

/* Which lease of which stream an ask is for. */
struct exchange_ask {
	size_t stream;
	bool is_rtcp;
};

struct exchange {
	struct exchange_input input;
	enum offer_role role;
	struct offer saved; /* as it was before this message */
	struct mime_part part;
	struct media media; /* offsets into the SDP part */
	struct anchor_plan plan;
	struct session_party party;
	struct exchange_ask asks[ASKS_MAX];
	struct grant_limits limits[ASKS_MAX]; /* of each ask */
	size_t ask_count;
	struct tighten *tighten; /* owned; NULL: no limits are being set */
	uint64_t request;        /* under way at the manager; 0: none */
	exchange_fn on_done;
	void *arg;
	struct exchange_result result;
};

static bool is_request(const struct exchange *exchange)
{
	return exchange->input.event.status == 0 &&
	       exchange->input.event.method != OFFER_ACK;
}

static realm_id realm_of(const struct exchange *exchange, enum call_side side)
{
	return exchange->input.call->legs[side].flow.listener->realm;
}

static const char *body_of(const struct exchange *exchange, size_t *ret_len)
{
	const sip_payload_t *payload = exchange->input.sip->sip_payload;

	*ret_len = payload != NULL ? payload->pl_len : 0;
	return payload != NULL ? payload->pl_data : "";
}

static const char *sdp_of(const struct exchange *exchange, size_t *ret_len)
{
	size_t len;
	const char *body = body_of(exchange, &len);

	*ret_len = exchange->part.sdp.len;
	return body + exchange->part.sdp.at;
}

/* What cannot be done refuses a request, and ends a call otherwise. */
static void fail(struct exchange *exchange, int status, const char *reason)
{
	struct session *session = &exchange->input.dialog->session;

	exchange->result.verdict = is_request(exchange) ? EXCHANGE_REFUSE :
							  EXCHANGE_END;
	exchange->result.status = status;
	snprintf(exchange->result.reason, sizeof(exchange->result.reason), "%s",
		 reason);
	session->offer = exchange->saved;
	if (exchange->role == OFFER_ROLE_OFFER)
		session_rollback(session);
}

static void write_body(struct exchange *exchange, bool is_related)
{
	const struct call *call = exchange->input.call;
	struct rewrite rewrite = {
		.view = { .conf = call->calls->conf,
			  .from = realm_of(exchange, exchange->input.from),
			  .to = realm_of(exchange, !exchange->input.from) },
		.own = call->legs[!exchange->input.from]
			       .flow.listener->local.addr,
		.media = &exchange->media,
		.part = &exchange->part,
	};

	if (is_related && exchange->plan.direct) {
		exchange->result.verdict = EXCHANGE_PASS;
		return;
	}
	rewrite.body = body_of(exchange, &rewrite.len);
	exchange->result.verdict = EXCHANGE_BODY;
	if (rewrite_body(&rewrite, is_related ? &exchange->party : NULL,
			 &exchange->result.body, &exchange->result.len) < 0)
		fail(exchange, 500, "no memory");
}

static void exchange_free(struct exchange *exchange)
{
	free(exchange->tighten);
	free(exchange);
}

static void finish(struct exchange *exchange)
{
	exchange->on_done(&exchange->result, exchange->arg);
	exchange_free(exchange);
}

/* "address manager: NO_ENDPOINT". Its own words could name an address. */
static void fail_manager(struct exchange *exchange, int error)
{
	const char *name;
	char reason[96];

	if (error == -ETIMEDOUT)
		name = "no answer in time";
	else if (error == -ECONNRESET || error == -ENOTCONN)
		name = "not connected";
	else if (error > -1000)
		name = strerror(-error);
	else
		name = rpc_code_name((enum rpc_code)error);
	snprintf(reason, sizeof(reason), "address manager: %s", name);
	fail(exchange, 503, reason);
}

static void on_tightened(const struct natctl_answer *answer, void *arg)
{
	struct exchange *exchange = arg;

	exchange->request = 0;
	if (answer->error != 0) {
		log_warn("call %s: limits refused: %s %s",
			 exchange->input.call->token, answer->message,
			 answer->reason);
		fail_manager(exchange, answer->error);
	} else {
		tighten_done(exchange->tighten);
		write_body(exchange, true);
	}
	finish(exchange);
}

/*
 * The leases are there: the party's SDP becomes part of the session, and who
 * may send is cut to whom it names. 1: waits for the manager; 0: done.
 */
static int after_grant(struct exchange *exchange)
{
	struct session *session = &exchange->input.dialog->session;
	struct natctl_callback callback = { on_tightened, exchange };
	int result = 0;

	for (size_t i = 0; i < exchange->plan.count; i++) {
		int same = exchange->plan.streams[i].rtp.same_as;

		if (exchange->plan.streams[i].rtp.wanted && same >= 0)
			exchange->party.streams[i] =
				exchange->party.streams[same];
	}
	if (exchange->role != OFFER_ROLE_REPEAT)
		session->pending[exchange->input.from] = exchange->party;
	if (exchange->role == OFFER_ROLE_ANSWER)
		session_commit(session);
	if (exchange->role != OFFER_ROLE_OFFER)
		result = tighten_start(exchange->input.call, callback,
				       &exchange->tighten, &exchange->request);
	if (result == 0)
		write_body(exchange, true);
	else if (result < 0)
		fail_manager(exchange, result);
	return result > 0 ? 1 : 0;
}

static int take_leases(struct exchange *exchange,
		       const struct natctl_answer *answer)
{
	struct call *call = exchange->input.call;

	if (answer->lease_count != exchange->ask_count)
		return -EBADMSG;
	for (size_t i = 0; i < exchange->ask_count; i++) {
		const struct exchange_ask *ask = &exchange->asks[i];
		const struct anchor_stream *stream =
			&exchange->plan.streams[ask->stream];
		const struct anchor_ask *wanted = ask->is_rtcp ? &stream->rtcp :
								 &stream->rtp;
		struct grant value = {
			.lease = answer->leases[i].id,
			.side = (int)exchange->input.from,
			.inner = wanted->inner,
			.ports = wanted->ports,
			.request = wanted->request,
			.limits = exchange->limits[i],
		};
		struct grant *grant;

		if (want_read(&answer->leases[i], call->calls->conf,
			      wanted->realm, &value.outer) < 0)
			return -EBADMSG;
		grant = grant_add(&call->grants, &value);
		if (grant == NULL)
			return -ENOMEM;
		if (ask->is_rtcp)
			exchange->party.streams[ask->stream].rtcp = grant;
		else
			exchange->party.streams[ask->stream].rtp = grant;
	}
	return 0;
}

static void on_asked(const struct natctl_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	int error = answer->error;

	exchange->request = 0;
	if (error == 0)
		error = take_leases(exchange, answer);
	else
		log_info("call %s: %zu leases refused: %s %s",
			 exchange->input.call->token, exchange->ask_count,
			 answer->message, answer->reason);
	if (error != 0)
		fail_manager(exchange, error);
	else if (after_grant(exchange) == 1)
		return;
	finish(exchange);
}

/* Takes a lease that is held for this endpoint, or notes that one is to be
 * asked for. */
static void choose_lease(struct exchange *exchange, size_t stream, bool is_rtcp)
{
	const struct exchange_input *input = &exchange->input;
	const struct anchor_stream *planned = &exchange->plan.streams[stream];
	const struct anchor_ask *wanted = is_rtcp ? &planned->rtcp :
						    &planned->rtp;
	struct grant *grant;

	if (!wanted->wanted || wanted->same_as >= 0)
		return;
	grant = grant_find(&input->call->grants, (int)input->from,
			   &wanted->inner, wanted->realm, wanted->ports);
	if (grant == NULL) {
		exchange->asks[exchange->ask_count].stream = stream;
		exchange->asks[exchange->ask_count++].is_rtcp = is_rtcp;
	} else if (is_rtcp) {
		exchange->party.streams[stream].rtcp = grant;
	} else {
		exchange->party.streams[stream].rtp = grant;
	}
}

/*
 * A stream that is put on hold by an address of nobody names no endpoint, but
 * it goes on where it was: what was leased for it stays.
 */
static void keep_lease(struct exchange *exchange, size_t stream)
{
	const struct exchange_input *input = &exchange->input;
	const struct session_party *before =
		session_party(&input->dialog->session,
			      (enum session_side)input->from);

	if (exchange->media.streams[stream].hold &&
	    !exchange->media.streams[stream].refused && before->known &&
	    stream < before->media.count)
		exchange->party.streams[stream] = before->streams[stream];
}

/*
 * Of which IP version the endpoint for the far party has to be: its realm or
 * its media tells, else its signalling does, where the realm has such ones.
 */
static uint8_t outer_family(const struct exchange *exchange,
			    const struct anchor_ask *wanted)
{
	const struct call *call = exchange->input.call;
	const struct leg *far = &call->legs[!exchange->input.from];
	uint8_t family = far->trunk != NULL && far->trunk->count > 0 ?
				 far->trunk->addresses[0].family :
				 far->flow.peer.addr.family;

	if (wanted->request != NULL &&
	    wanted->request->outer.prefix.addr.family != IP_NONE)
		return wanted->request->outer.prefix.addr.family;
	if (wanted->family != IP_NONE)
		return wanted->family;
	return conf_pools_have_family(call->calls->conf, wanted->realm,
				      family) ?
		       family :
		       wanted->inner.addr.family;
}

/* Nothing is known of the far party's media: as `early` has it. */
static void early_limits(const struct exchange *exchange,
			 const struct anchor_ask *wanted,
			 struct grant_limits *ret)
{
	const struct call *call = exchange->input.call;
	const struct leg *far = &call->legs[!exchange->input.from];
	uint8_t family = outer_family(exchange, wanted);
	struct anchor_limits limits;

	if (far->trunk != NULL)
		anchor_early(call->calls->conf, wanted->realm,
			     far->flow.listener->realm, far->trunk->addresses,
			     far->trunk->count, family, &limits);
	else
		anchor_early(call->calls->conf, wanted->realm,
			     far->flow.listener->realm, &far->flow.peer.addr, 1,
			     family, &limits);
	grant_limits_from(ret, &limits);
}

static int send_ask(struct exchange *exchange)
{
	struct call *call = exchange->input.call;
	const struct conf *conf = call->calls->conf;
	const struct session *session = &exchange->input.dialog->session;
	enum call_side from = exchange->input.from;
	struct natctl_want wants[ASKS_MAX];
	struct want *texts = calloc(exchange->ask_count, sizeof(*texts));
	struct natctl_ask ask = {
		.group = call->group,
		.lifetime = NATLINK_LIFETIME,
		.wants = wants,
		.want_count = exchange->ask_count,
	};
	struct natctl_callback callback = { on_asked, exchange };
	int error;

	if (texts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < exchange->ask_count; i++) {
		const struct exchange_ask *one = &exchange->asks[i];
		const struct anchor_stream *stream =
			&exchange->plan.streams[one->stream];
		const struct anchor_ask *wanted = one->is_rtcp ? &stream->rtcp :
								 &stream->rtp;

		if (!session_stream_limits(conf, wanted->realm,
					   realm_of(exchange, !from),
					   session_party(session, !from),
					   one->stream, one->is_rtcp,
					   wanted->ports, &exchange->limits[i]))
			early_limits(exchange, wanted, &exchange->limits[i]);
		want_format(&texts[i], conf, &wanted->inner, wanted->realm,
			    wanted->ports, wanted->request,
			    &exchange->limits[i]);
		/* By name or address it is told already. */
		if (wanted->request == NULL)
			texts[i].want.family = outer_family(exchange, wanted) ==
							       IP_V6 ?
						       "ipv6" :
						       "ipv4";
		wants[i] = texts[i].want;
	}
	call->has_group = true;
	error = natlink_ask(call->calls->natlink, &ask, callback,
			    &exchange->request);
	free(texts);
	return error;
}

/* Where the party's streams are, if that is not where it says. */
static void locate(struct exchange *exchange)
{
	const struct exchange_input *input = &exchange->input;
	struct leg *leg = &input->call->legs[input->from];
	struct farnat_party party = leg_farnat(leg);

	if (farnat_is_media(input->call->calls->conf, &party, &exchange->media))
		leg->is_far = true;
	if (leg->is_far)
		farnat_apply(&party, &exchange->party.media);
}

/* Plans the streams and asks for what is missing. 1: waits; 0: done. */
static int map_streams(struct exchange *exchange)
{
	const struct exchange_input *input = &exchange->input;
	const struct session_party *peer =
		session_party(&input->dialog->session, !input->from);
	struct media_error error;
	int result;

	exchange->party.known = true;
	exchange->party.media = exchange->media;
	locate(exchange);
	if (anchor_plan(input->call->calls->conf,
			realm_of(exchange, input->from),
			realm_of(exchange, !input->from),
			&exchange->party.media,
			peer->known ? &peer->media : NULL,
			input->call->legs[!input->from].is_far,
			exchange->role != OFFER_ROLE_OFFER, &exchange->plan,
			&error) < 0) {
		fail(exchange, error.status, error.text);
		return 0;
	}
	for (size_t i = 0; i < exchange->plan.count; i++) {
		keep_lease(exchange, i);
		choose_lease(exchange, i, false);
		choose_lease(exchange, i, true);
	}
	if (exchange->ask_count == 0)
		return after_grant(exchange);
	result = send_ask(exchange);
	if (result < 0) {
		fail_manager(exchange, result);
		return 0;
	}
	return 1;
}

/* A message against the rules of offer and answer. */
static void refuse_role(struct exchange *exchange,
			const struct offer_result *result)
{
	if (is_request(exchange)) {
		fail(exchange, result->status, result->text);
	} else if (result->fatal) {
		fail(exchange, 500, result->text);
	} else {
		exchange->result.verdict = EXCHANGE_STRIP;
	}
}

static int act_on_role(struct exchange *exchange,
		       const struct offer_result *result)
{
	struct session *session = &exchange->input.dialog->session;
	bool has_sdp = exchange->input.event.sdp;

	exchange->role = result->role;
	switch (result->role) {
	case OFFER_ROLE_OFFER:
	case OFFER_ROLE_ANSWER:
	case OFFER_ROLE_PREVIEW:
	case OFFER_ROLE_REPEAT:
		return map_streams(exchange);
	case OFFER_ROLE_ERROR:
		refuse_role(exchange, result);
		return 0;
	case OFFER_ROLE_ROLLBACK:
		session_rollback(session);
		tighten_now(exchange->input.call);
		break;
	case OFFER_ROLE_NONE:
	case OFFER_ROLE_UNRELATED:
		break;
	}
	if (has_sdp)
		write_body(exchange, false);
	else
		exchange->result.verdict = EXCHANGE_PASS;
	return 0;
}

/* 0: read, or no SDP in it. */
static int read_body(struct exchange *exchange)
{
	const sip_t *sip = exchange->input.sip;
	struct media_error error = { 0, NULL };
	size_t len, sdp_len;
	const char *body = body_of(exchange, &len);
	const char *sdp;
	char type[256], encoding[64];

	exchange->input.event.sdp = false;
	if (len == 0)
		return 0;
	if (mime_find(headers_value(sip->sip_content_type, type, sizeof(type)),
		      headers_value(sip->sip_content_encoding, encoding,
				    sizeof(encoding)),
		      body, len, &exchange->part, &error) < 0)
		goto refuse;
	if (!exchange->part.found)
		return 0;
	sdp = sdp_of(exchange, &sdp_len);
	if (media_read(sdp, sdp_len, &exchange->media, &error) < 0)
		goto refuse;
	exchange->input.event.sdp = true;
	return 0;
refuse:
	fail(exchange, error.status, error.text);
	return -EINVAL;
}

/* A message without a body changes the state of offer and answer as well. */
static void start_without_body(const struct exchange_input *input,
			       struct exchange_result *ret)
{
	struct session *session = &input->dialog->session;
	struct offer_result result = offer_feed(&session->offer, &input->event);

	memset(ret, 0, sizeof(*ret));
	ret->verdict = EXCHANGE_PASS;
	if (result.role == OFFER_ROLE_ROLLBACK) {
		session_rollback(session);
		tighten_now(input->call);
	} else if (result.role == OFFER_ROLE_ERROR) {
		ret->status = result.fatal ? 500 : result.status;
		snprintf(ret->reason, sizeof(ret->reason), "%s", result.text);
		if (result.fatal)
			ret->verdict = EXCHANGE_END;
		else if (input->event.status == 0 &&
			 input->event.method != OFFER_ACK)
			ret->verdict = EXCHANGE_REFUSE;
	}
}

int exchange_start(const struct exchange_input *input, exchange_fn on_done,
		   void *arg, struct exchange_result *ret,
		   struct exchange **ret_exchange)
{
	struct exchange *exchange;
	struct offer_result result;
	int waits = 0;

	if (input->sip->sip_payload == NULL) {
		start_without_body(input, ret);
		return 0;
	}
	exchange = calloc(1, sizeof(*exchange));
	if (exchange == NULL) {
		memset(ret, 0, sizeof(*ret));
		ret->verdict = EXCHANGE_END;
		ret->status = 500;
		return 0;
	}
	exchange->input = *input;
	exchange->saved = input->dialog->session.offer;
	exchange->on_done = on_done;
	exchange->arg = arg;
	if (read_body(exchange) == 0) {
		result = offer_feed(&input->dialog->session.offer,
				    &exchange->input.event);
		waits = act_on_role(exchange, &result);
	}
	if (waits == 1) {
		*ret_exchange = exchange;
		return 1;
	}
	*ret = exchange->result;
	exchange_free(exchange);
	return 0;
}

void exchange_cancel(struct exchange *exchange)
{
	struct session *session;

	if (exchange == NULL)
		return;
	session = &exchange->input.dialog->session;
	natlink_cancel(exchange->input.call->calls->natlink, exchange->request);
	session->offer = exchange->saved;
	if (exchange->role == OFFER_ROLE_OFFER)
		session_rollback(session);
	exchange_free(exchange);
}
