/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the edge itself does with a trunk. */
#define SU_TIMER_ARG_T struct carriers
#include "proxy/carrier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/challenge.h"
#include "proxy/headers.h"
#include "proxy/sofia_guard.h"

#define TICK_MS          250
#define SIGN_UP_WAIT_MS  8000 /* for an answer to REGISTER */
#define RETRY_MIN_MS     2000
#define RETRY_DOUBLES    7 /* 2 s, 4 s ... 256 s */
#define MAX_FORWARDS_OWN 70

struct carriers {
	const struct conf *conf; /* not owned */
	struct edge *edge;       /* not owned */
	struct carrier *items;   /* owned; items[i] is that of trunks[i] */
	size_t count;
	su_timer_t *timer; /* owned; NULL: there is nothing to do */
};

bool carrier_has_login(const struct trunk *trunk)
{
	return trunk != NULL && trunk->conf->carrier.user != NULL;
}

static const struct conf_carrier *conf_of(const struct carrier *carrier)
{
	return &carrier->trunk->conf->carrier;
}

static const char *host_port(const struct conf_trunk *trunk, char *buf,
			     size_t size)
{
	if (trunk->port == 5060)
		snprintf(buf, size, "%s", trunk->host);
	else
		snprintf(buf, size, "%s:%u", trunk->host, trunk->port);
	return buf;
}

char *carrier_answer(const struct trunk *trunk, msg_t *response,
		     const char *method, const char *uri, su_home_t *home)
{
	const sip_t *sip = sip_object(response);
	const struct conf_carrier *conf = &trunk->conf->carrier;
	bool is_proxy = sip->sip_status->st_status == 407;
	uint64_t random;
	char cnonce[20], text[HEADERS_VALUE_MAX], value[CHALLENGE_ANSWER_SIZE];
	struct challenge_query query = {
		.user = conf->user,
		.password = conf->password,
		.auth_realm = conf->auth_realm,
		.method = method,
		.uri = uri,
		.cnonce = cnonce,
	};

	random_bytes(&random, sizeof(random));
	snprintf(cnonce, sizeof(cnonce), "%016llx", (unsigned long long)random);
	for (const msg_auth_t *auth = is_proxy ? sip->sip_proxy_authenticate :
						 sip->sip_www_authenticate;
	     auth != NULL; auth = auth->au_next)
		if (headers_value(auth, text, sizeof(text)) != NULL &&
		    challenge_answer(text, &query, value) == 0)
			return su_sprintf(home, "%s: %s\r\n",
					  is_proxy ? "Proxy-Authorization" :
						     "Authorization",
					  value);
	return NULL;
}

/* A request of ours to the trunk; NULL: no memory, or nowhere to send to. */
static msg_t *new_request(const struct carrier *carrier,
			  const struct flow *flow, sip_method_t method,
			  const char *name, const char *more)
{
	const struct conf_trunk *conf = carrier->trunk->conf;
	msg_t *msg = edge_message_new(flow->listener);
	su_home_t *home;
	char host[300];
	char *uri, *who, *from;
	sip_max_forwards_t max_forwards[1];

	if (msg == NULL)
		return NULL;
	home = msg_home(msg);
	host_port(conf, host, sizeof(host));
	uri = su_sprintf(home, "sip:%s", host);
	who = conf->carrier.user != NULL ?
		      su_sprintf(home, "<sip:%s@%s>", conf->carrier.user,
				 host) :
		      su_sprintf(home, "<sip:%s>", flow->listener->host_port);
	from = su_sprintf(home, "%s;tag=%s", who, carrier->tag);
	sip_max_forwards_init(max_forwards)->mf_count = MAX_FORWARDS_OWN;
	if (uri == NULL || who == NULL || from == NULL ||
	    sip_add_tl(msg, sip_object(msg),
		       SIPTAG_REQUEST(sip_request_create(
			       home, method, name, (const url_string_t *)uri,
			       NULL)),
		       SIPTAG_FROM_STR(from),
		       SIPTAG_TO_STR(method == sip_method_register ?
					     who :
					     su_sprintf(home, "<%s>", uri)),
		       SIPTAG_CALL_ID_STR(carrier->call_id),
		       SIPTAG_CSEQ(sip_cseq_create(home, carrier->cseq,
						   (unsigned)method, name)),
		       SIPTAG_MAX_FORWARDS(max_forwards),
		       SIPTAG_HEADER_STR(more), TAG_END()) < 0) {
		msg_destroy(msg);
		return NULL;
	}
	return msg;
}

/* To the address whose turn it is; false: nowhere. */
static bool find_way(struct carrier *carrier, struct flow *ret)
{
	struct trunk_hop hop;

	if (!trunk_next_hop(carrier->trunk, carrier->address, &hop)) {
		carrier->address = 0;
		if (!trunk_next_hop(carrier->trunk, 0, &hop))
			return false;
	}
	*ret = (struct flow){
		.listener = edge_listener_for(carrier->carriers->edge,
					      hop.at.realm, hop.transport,
					      hop.at.addr.family),
		.peer = hop.at,
		.trunk = carrier->trunk->conf,
	};
	return ret->listener != NULL;
}

static struct client *send_request(struct carrier *carrier, sip_method_t method,
				   const char *name, const char *more,
				   client_response_fn on_response)
{
	struct flow flow;
	struct client *client = NULL;
	char branch[GUARD_BRANCH_TEXT];
	msg_t *msg = NULL;

	carrier->cseq++;
	if (find_way(carrier, &flow))
		msg = new_request(carrier, &flow, method, name, more);
	if (msg == NULL)
		return NULL;
	sofia_guard_branch(0, branch);
	return client_new(&flow, msg, branch, on_response, carrier, &client) <
			       0 ?
		       NULL :
		       client;
}

/* Is anybody there who could take a call? */
static bool is_sign_of_life(int status)
{
	return status != 408 && (status < 500 || status == 501);
}

static void note_check(struct carrier *carrier, bool is_good)
{
	carrier->checks_failed += !is_good;
	if (!is_good)
		carrier->address++;
	if (is_good != carrier->is_down)
		carrier->streak = 0;
	else if (++carrier->streak >= CARRIER_STREAK) {
		carrier->is_down = !is_good;
		carrier->streak = 0;
		log_warn("trunk %s: %s", carrier->trunk->conf->name,
			 is_good ? "answers again" : "does not answer");
	}
}

static void on_checked(int status, msg_t *msg, void *arg)
{
	struct carrier *carrier = arg;

	if (msg != NULL)
		msg_destroy(msg);
	if (status < 200)
		return;
	client_free(carrier->check);
	carrier->check = NULL;
	note_check(carrier, is_sign_of_life(status));
}

static void check(struct carrier *carrier, uint64_t now)
{
	carrier->check_ms = now + 1000u * (uint64_t)conf_of(carrier)->check;
	if (carrier->check != NULL) {
		client_free(carrier->check);
		note_check(carrier, false);
	}
	carrier->check = send_request(carrier, SIP_METHOD_OPTIONS,
				      "Accept: application/sdp\r\n",
				      on_checked);
	if (carrier->check == NULL)
		note_check(carrier, false);
}

/* Seconds that the registrar grants to our Contact. */
static unsigned long granted(const struct carrier *carrier, const sip_t *sip)
{
	for (const sip_contact_t *pos = sip->sip_contact; pos != NULL;
	     pos = pos->m_next)
		if (pos->m_url->url_user != NULL &&
		    strcmp(pos->m_url->url_user, conf_of(carrier)->user) == 0 &&
		    pos->m_expires != NULL)
			return strtoul(pos->m_expires, NULL, 10);
	return sip->sip_expires != NULL ? sip->sip_expires->ex_delta :
					  conf_of(carrier)->expires;
}

static void note_refusal(struct carrier *carrier, int status)
{
	unsigned doubles = carrier->failures < RETRY_DOUBLES ?
				   carrier->failures :
				   RETRY_DOUBLES;

	if (carrier->failures++ == 0)
		log_warn("trunk %s: does not register us: %d",
			 carrier->trunk->conf->name, status);
	carrier->is_registered = false;
	carrier->sign_up_ms = mono_ms() + ((uint64_t)RETRY_MIN_MS << doubles);
}

static void note_registered(struct carrier *carrier, const sip_t *sip)
{
	uint64_t seconds = granted(carrier, sip);

	if (!carrier->is_registered)
		log_info("trunk %s: registered as %s",
			 carrier->trunk->conf->name, conf_of(carrier)->user);
	carrier->is_registered = true;
	carrier->failures = 0;
	/* While the refresh may still fail and be tried again. */
	seconds = seconds > 60 ? seconds - seconds / 5 : (seconds + 1) / 2;
	carrier->sign_up_ms = mono_ms() + 1000 * (seconds > 0 ? seconds : 1);
}

static void sign_up(struct carrier *carrier, const char *authorization);

static void on_signed_up(int status, msg_t *msg, void *arg)
{
	struct carrier *carrier = arg;
	su_home_t home[1] = { SU_HOME_INIT(home) };
	char *answer = NULL;

	if (status >= 200) {
		client_free(carrier->sign_up);
		carrier->sign_up = NULL;
	}
	su_home_init(home);
	if (msg != NULL && (status == 401 || status == 407) &&
	    !carrier->is_challenged) {
		char host[300], uri[310];

		host_port(carrier->trunk->conf, host, sizeof(host));
		snprintf(uri, sizeof(uri), "sip:%s", host);
		answer = carrier_answer(carrier->trunk, msg, "REGISTER", uri,
					home);
	}
	if (answer != NULL) {
		carrier->challenges++;
		sign_up(carrier, answer);
	} else if (status >= 300) {
		note_refusal(carrier, status);
	} else if (status >= 200 && msg != NULL) {
		note_registered(carrier, sip_object(msg));
	}
	su_home_deinit(home);
	if (msg != NULL)
		msg_destroy(msg);
}

static void sign_up(struct carrier *carrier, const char *authorization)
{
	const struct listener *listener;
	struct flow flow;
	char more[CHALLENGE_ANSWER_SIZE + 600];

	carrier->sign_up_ms = mono_ms() + SIGN_UP_WAIT_MS;
	carrier->is_challenged = authorization != NULL;
	if (find_way(carrier, &flow)) {
		listener = flow.listener;
		snprintf(more, sizeof(more),
			 "Contact: <sip:%.200s@%s%s>\r\nExpires: %u\r\n%s",
			 conf_of(carrier)->user, listener->host_port,
			 listener->param, conf_of(carrier)->expires,
			 authorization != NULL ? authorization : "");
		carrier->sign_up = send_request(carrier, SIP_METHOD_REGISTER,
						more, on_signed_up);
	}
	if (carrier->sign_up == NULL)
		note_refusal(carrier, 503);
}

static void on_tick(su_root_magic_t *magic, su_timer_t *timer,
		    struct carriers *carriers)
{
	uint64_t now = mono_ms();

	(void)magic;
	(void)timer;
	for (size_t i = 0; i < carriers->count; i++) {
		struct carrier *carrier = &carriers->items[i];

		if (conf_of(carrier)->check > 0 && now >= carrier->check_ms)
			check(carrier, now);
		if (conf_of(carrier)->user == NULL || now < carrier->sign_up_ms)
			continue;
		if (carrier->sign_up != NULL) {
			client_free(carrier->sign_up);
			carrier->sign_up = NULL;
			carrier->address++;
			note_refusal(carrier, 408);
		} else {
			sign_up(carrier, NULL);
		}
	}
}

static bool is_wanted(const struct carriers *carriers)
{
	for (size_t i = 0; i < carriers->count; i++)
		if (conf_of(&carriers->items[i])->check > 0 ||
		    conf_of(&carriers->items[i])->user != NULL)
			return true;
	return false;
}

static void init(struct carrier *carrier, struct carriers *carriers,
		 struct trunk *trunk)
{
	uint64_t random[3];

	random_bytes(random, sizeof(random));
	carrier->carriers = carriers;
	carrier->trunk = trunk;
	trunk->carrier = carrier;
	carrier->limit.conf = &trunk->conf->carrier.limit;
	snprintf(carrier->call_id, sizeof(carrier->call_id), "%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1]);
	snprintf(carrier->tag, sizeof(carrier->tag), "%016llx",
		 (unsigned long long)random[2]);
}

int carriers_new(su_root_t *root, struct edge *edge, const struct conf *conf,
		 struct trunk_list *trunks, struct carriers **ret_carriers)
{
	struct carriers *carriers = calloc(1, sizeof(*carriers));

	if (carriers == NULL)
		return -ENOMEM;
	*ret_carriers = carriers;
	carriers->conf = conf;
	carriers->edge = edge;
	carriers->items = calloc(trunks->count + 1, sizeof(*carriers->items));
	if (carriers->items == NULL)
		return -ENOMEM;
	carriers->count = trunks->count;
	for (size_t i = 0; i < trunks->count; i++)
		init(&carriers->items[i], carriers, &trunks->trunks[i]);
	if (!is_wanted(carriers))
		return 0;
	carriers->timer = su_timer_create(su_root_task(root), TICK_MS);
	if (carriers->timer == NULL ||
	    su_timer_set_for_ever(carriers->timer, on_tick, carriers) < 0)
		return -ENOMEM;
	return 0;
}

void carriers_free(struct carriers *carriers)
{
	if (carriers == NULL)
		return;
	if (carriers->timer != NULL)
		su_timer_destroy(carriers->timer);
	for (size_t i = 0; i < carriers->count; i++) {
		client_free(carriers->items[i].check);
		client_free(carriers->items[i].sign_up);
	}
	free(carriers->items);
	free(carriers);
}

const struct carrier *carriers_at(const struct carriers *carriers, size_t i)
{
	return &carriers->items[i];
}
