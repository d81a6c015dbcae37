/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains served here: who speaks, and where users can be reached. */
#include "proxy/registrar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_alloc.h>
#include <sofia-sip/url.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/headers.h"
#include "proxy/outbound.h"
#include "proxy/route.h"
#include "proxy/uri.h"

#define CREDENTIALS_MAX 8 /* Authorization headers that are looked at */

int registrar_init(struct registrar *registrar, const struct conf *conf,
		   FILE *errors)
{
	uint8_t key[DIGEST_KEY_SIZE];
	uint64_t seed;
	int error = 0;

	memset(registrar, 0, sizeof(*registrar));
	registrar->conf = conf;
	for (size_t i = 0; i < conf->domain_count && error == 0; i++)
		error = users_read(&registrar->users, conf->domains[i].users,
				   errors);
	if (error != 0) {
		users_done(&registrar->users);
		return error;
	}
	random_bytes(key, sizeof(key));
	random_bytes(&seed, sizeof(seed));
	registrar->digest = digest_new(key, seed);
	if (registrar->digest == NULL ||
	    location_init(&registrar->location, seed) < 0) {
		digest_free(registrar->digest);
		users_done(&registrar->users);
		return -ENOMEM;
	}
	return 0;
}

void registrar_done(struct registrar *registrar)
{
	location_done(&registrar->location);
	digest_free(registrar->digest);
	users_done(&registrar->users);
}

/* User and domain of one of ours; false: it is none. */
static bool account_of(const struct registrar *registrar,
		       const struct flow *from, const url_t *url,
		       char user[USERS_NAME_MAX],
		       const struct conf_domain **ret_domain)
{
	struct uri_part part;
	unsigned long port = 0;

	if (url->url_host == NULL || url->url_user == NULL)
		return false;
	if (url->url_port != NULL)
		port = strtoul(url->url_port, NULL, 10);
	part.text = url->url_user;
	part.len = strlen(url->url_user);
	if (port > UINT16_MAX || uri_unescape(part, user, USERS_NAME_MAX) < 0)
		return false;
	*ret_domain = route_domain(registrar->conf, from->listener->index,
				   url->url_host, strlen(url->url_host),
				   (uint16_t)port);
	return *ret_domain != NULL;
}

static void challenge(struct registrar *registrar, const struct flow *from,
		      msg_t *msg, const char *domain, const char *user,
		      int status, bool stale)
{
	const struct users_account *account = users_find(&registrar->users,
							 user, domain);
	uint8_t random[DIGEST_RANDOM_SIZE];
	char value[DIGEST_CHALLENGE_SIZE];
	char header[DIGEST_CHALLENGE_SIZE + 32];

	registrar->challenged++;
	random_bytes(random, sizeof(random));
	digest_challenge(registrar->digest, domain,
			 account ? account->algorithm : USERS_MD5,
			 &from->peer.addr, mono_ms(), random, stale, value);
	snprintf(header, sizeof(header), "%s: %s\r\n",
		 status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate",
		 value);
	edge_reply(from, msg, status, NULL, header);
}

static size_t read_credentials(const msg_auth_t *auth, su_home_t *home,
			       const char *texts[CREDENTIALS_MAX])
{
	size_t count = 0;

	for (; auth != NULL && count < CREDENTIALS_MAX; auth = auth->au_next) {
		char text[HEADERS_VALUE_MAX];

		if (headers_value(auth, text, sizeof(text)) == NULL)
			continue;
		texts[count] = su_strdup(home, text);
		if (texts[count] != NULL)
			count++;
	}
	return count;
}

static enum digest_result verify(struct registrar *registrar,
				 const struct flow *from, msg_t *msg,
				 const sip_t *sip, const char *domain,
				 const char *user, int status)
{
	su_home_t *home = msg_home(msg);
	const char *texts[CREDENTIALS_MAX];
	const struct users_account *account;
	struct digest_query query = {
		.credentials = texts,
		.method = sip->sip_request->rq_method_name,
		.request_uri = headers_url(home, sip->sip_request->rq_url),
		.auth_realm = domain,
		.aor_user = user,
		.source = from->peer.addr,
		.now_ms = mono_ms(),
	};

	query.credential_count =
		read_credentials(status == 401 ? sip->sip_authorization :
						 sip->sip_proxy_authorization,
				 home, texts);
	if (query.request_uri == NULL)
		return DIGEST_MALFORMED;
	return digest_verify(registrar->digest, &registrar->users, &query,
			     &account);
}

bool registrar_authenticate(struct registrar *registrar,
			    const struct flow *from, msg_t *msg, sip_t *sip,
			    int status)
{
	const struct conf_domain *domain;
	char user[USERS_NAME_MAX];

	if (!account_of(registrar, from, sip->sip_from->a_url, user, &domain)) {
		registrar->refused++;
		edge_reply(from, msg, 403, NULL, NULL);
		return false;
	}
	switch (verify(registrar, from, msg, sip, domain->name, user, status)) {
	case DIGEST_OK:
		return true;
	case DIGEST_ABSENT:
		challenge(registrar, from, msg, domain->name, user, status,
			  false);
		return false;
	case DIGEST_STALE:
		challenge(registrar, from, msg, domain->name, user, status,
			  true);
		return false;
	case DIGEST_MALFORMED:
		registrar->refused++;
		edge_reply(from, msg, 400, NULL, NULL);
		return false;
	case DIGEST_REFUSED:
	case DIGEST_FORBIDDEN:
		registrar->refused++;
		edge_reply(from, msg, 403, NULL, NULL);
		return false;
	}
	return false;
}

static unsigned q_of(const char *text)
{
	double q = text != NULL ? strtod(text, NULL) : 1.0;

	if (!(q > 0))
		return 0;
	return q >= 1.0 ? 1000 : (unsigned)(q * 1000);
}

static uint32_t seconds_of(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return *end != '\0' || value >= LOCATION_EXPIRES_NONE ?
		       LOCATION_EXPIRES_NONE :
		       (uint32_t)value;
}

static void read_contact(const sip_contact_t *from, su_home_t *home,
			 struct location_contact *to)
{
	const msg_common_t *common = from->m_common;
	const char *reg_id = msg_header_find_param(common, "reg-id");

	memset(to, 0, sizeof(*to));
	to->uri = headers_url(home, from->m_url);
	to->instance = msg_header_find_param(common, "+sip.instance");
	to->reg_id = reg_id != NULL ? (unsigned)strtoul(reg_id, NULL, 10) : 0;
	to->q = q_of(from->m_q);
	to->expires = from->m_expires != NULL ? seconds_of(from->m_expires) :
						LOCATION_EXPIRES_NONE;
}

/* A contact that names ourselves would be a loop. */
static int read_contacts(const sip_t *sip, const struct edge *edge,
			 su_home_t *home, struct location_request *request,
			 struct location_contact *contacts)
{
	for (const sip_contact_t *contact = sip->sip_contact; contact != NULL;
	     contact = contact->m_next) {
		if (contact->m_url->url_type == url_any) {
			request->star = true;
			continue;
		}
		if (request->contact_count == LOCATION_CONTACTS_MAX)
			return 403;
		if ((contact->m_url->url_type != url_sip &&
		     contact->m_url->url_type != url_sips) ||
		    contact->m_url->url_headers != NULL ||
		    edge_url_is_self(edge, request->received.realm,
				     contact->m_url))
			return 400;
		read_contact(contact, home, &contacts[request->contact_count]);
		if (contacts[request->contact_count++].uri == NULL)
			return 500;
	}
	return 0;
}

/* The bindings as they are now, one Contact line each. */
static char *format_bindings(struct registrar *registrar, const sip_t *sip,
			     su_home_t *home,
			     const struct location_request *request)
{
	struct location_aor *aor = location_find(&registrar->location,
						 request->user, request->domain,
						 request->now_ms);
	char *text = su_strdup(home, "");
	struct list *pos;

	if (aor == NULL)
		return text;
	list_for_each(pos, &aor->bindings) {
		const struct location_binding *binding = location_binding_of(
			pos);
		const char *instance = binding->instance;
		const char *gruu = outbound_gruu(sip, request->domain, instance,
						 home);
		char params[48] = "";
		size_t len = 0;

		if (binding->q < 1000)
			len = (size_t)snprintf(params, sizeof(params),
					       ";q=0.%03u", binding->q);
		if (binding->reg_id > 0)
			snprintf(params + len, sizeof(params) - len,
				 ";reg-id=%u", binding->reg_id);
		if (gruu == NULL)
			return NULL;
		text = su_sprintf(home,
				  "%sContact: <%s>;expires=%u%s%s%s%s\r\n",
				  text, binding->uri,
				  location_left(binding, request->now_ms),
				  params,
				  instance != NULL ? ";+sip.instance=" : "",
				  instance != NULL ? instance : "", gruu);
		if (text == NULL)
			return NULL;
	}
	return text;
}

static void answer(struct registrar *registrar, const struct flow *from,
		   msg_t *msg, const struct location_request *request,
		   enum location_result result)
{
	const sip_t *sip = sip_object(msg);
	su_home_t *home = msg_home(msg);
	const char *flows;
	char header[48];
	char *lines;

	switch (result) {
	case LOCATION_OK:
		registrar->registered++;
		lines = format_bindings(registrar, sip, home, request);
		flows = outbound_headers(
			from, sip,
			registrar->conf->listens[from->listener->index]
				.idle_time,
			home);
		if (lines != NULL && flows != NULL)
			lines = su_sprintf(home, "%s%s", lines, flows);
		edge_reply(from, msg, lines != NULL ? 200 : 500, NULL, lines);
		return;
	case LOCATION_INVALID:
		edge_reply(from, msg, 400, NULL, NULL);
		return;
	case LOCATION_TOO_BRIEF:
		snprintf(header, sizeof(header), "Min-Expires: %u\r\n",
			 registrar->location.expires_min);
		edge_reply(from, msg, 423, NULL, header);
		return;
	case LOCATION_TOO_MANY:
		edge_reply(from, msg, 403, NULL, NULL);
		return;
	case LOCATION_OLD:
	case LOCATION_NO_MEMORY:
		edge_reply(from, msg, 500, NULL, NULL);
		return;
	}
}

void registrar_request(struct registrar *registrar, const struct flow *from,
		       msg_t *msg, sip_t *sip)
{
	struct location_contact contacts[LOCATION_CONTACTS_MAX];
	const struct conf_domain *domain;
	char user[USERS_NAME_MAX], own[USERS_NAME_MAX];
	const struct conf_domain *own_domain;
	struct location_request request = {
		.contacts = contacts,
		.expires = sip->sip_expires != NULL ?
				   (uint32_t)sip->sip_expires->ex_delta :
				   LOCATION_EXPIRES_NONE,
		.call_id = sip->sip_call_id->i_id,
		.cseq = sip->sip_cseq->cs_seq,
		.received = from->peer,
		.listen = from->listener->slot,
		.connection = from->connection,
		.now_ms = mono_ms(),
	};
	const char *unknown = outbound_unknown(from, sip);
	int status;

	if (!registrar_authenticate(registrar, from, msg, sip, 401))
		return;
	if (unknown != NULL) {
		edge_reply(from, msg, 420, NULL,
			   su_sprintf(msg_home(msg), "Unsupported: %s\r\n",
				      unknown));
		return;
	}
	/* Nobody registers for somebody else. */
	if (!account_of(registrar, from, sip->sip_to->a_url, user, &domain) ||
	    !account_of(registrar, from, sip->sip_from->a_url, own,
			&own_domain) ||
	    domain != own_domain || strcmp(user, own) != 0) {
		registrar->refused++;
		edge_reply(from, msg, 403, NULL, NULL);
		return;
	}
	request.user = user;
	request.domain = domain->name;
	status = read_contacts(sip, from->listener->edge, msg_home(msg),
			       &request, contacts);
	if (status != 0) {
		edge_reply(from, msg, status, NULL, NULL);
		return;
	}
	answer(registrar, from, msg, &request,
	       location_register(&registrar->location, &request));
}

/* By the connection that it has registered on, or not at all. */
static bool is_reachable(struct edge *edge,
			 const struct location_binding *binding)
{
	struct flow flow = { .listener = edge_listener_at(edge,
							  binding->listen),
			     .peer = binding->received,
			     .connection = binding->connection };

	return flow.listener != NULL && flow_is_alive(&flow);
}

/*
 * One phone: an instance with several flows (RFC 5626, 5.3); or two contacts by
 * one flow, of which one is left over from before a restart of the phone.
 */
static bool is_one_phone(const struct location_binding *a,
			 const struct location_binding *b)
{
	bool told = a->instance != NULL && b->instance != NULL;
	bool same = told && strcmp(a->instance, b->instance) == 0;

	if (same && a->reg_id > 0 && b->reg_id > 0)
		return true;
	return (same || !told) && a->listen == b->listen &&
	       a->connection == b->connection &&
	       endpoint_equal(&a->received, &b->received);
}

static bool is_before(const struct location_binding *a,
		      const struct location_binding *b)
{
	return a->q > b->q || (a->q == b->q && a->expires_ms > b->expires_ms);
}

/* Into its place; of one phone the later flow replaces the one before. */
static size_t insert(const struct location_binding **list, size_t count,
		     const struct location_binding *binding)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_one_phone(list[i], binding))
			continue;
		if (list[i]->expires_ms > binding->expires_ms)
			return count;
		memmove(&list[i], &list[i + 1], (--count - i) * sizeof(*list));
	}
	while (at < count && !is_before(binding, list[at]))
		at++;
	memmove(&list[at + 1], &list[at], (count - at) * sizeof(*list));
	list[at] = binding;
	return count + 1;
}

size_t registrar_find(struct registrar *registrar, struct edge *edge,
		      const char *user, const char *domain,
		      const struct uri_part *gruu,
		      const struct location_binding *ret[LOCATION_CONTACTS_MAX])
{
	struct location_aor *aor = location_find(&registrar->location, user,
						 domain, mono_ms());
	struct list *pos, *tmp;
	size_t left = aor != NULL ? aor->count : 0;
	size_t count = 0;

	if (aor == NULL)
		return 0;
	/* The AOR is gone with its last binding, and the list with it. */
	for (pos = aor->bindings.next; left > 0; pos = tmp, left--) {
		struct location_binding *binding = location_binding_of(pos);

		tmp = pos->next;
		if (!is_reachable(edge, binding))
			location_remove(&registrar->location, binding);
		else if (gruu == NULL || outbound_is_gruu(binding, *gruu))
			count = insert(ret, count, binding);
	}
	return count;
}
