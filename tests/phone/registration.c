/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REGISTER: one binding of our Contact, refreshed before it ends. */
#include "registration.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"

struct registration {
	struct phone *phone;   /* parent, not owned */
	struct event *refresh; /* owned */
	char *call_id;         /* owned: one for all of them */
	char *from_tag;        /* owned */
	unsigned cseq;
	unsigned expires; /* as last asked */
};

static void on_refresh(evutil_socket_t fd, short what, void *arg)
{
	struct registration *registration = arg;

	(void)fd;
	(void)what;
	registration_send(registration, registration->expires);
}

struct registration *registration_new(struct phone *phone)
{
	struct registration *registration = need(sizeof(*registration));

	registration->phone = phone;
	registration->call_id = random_word(12);
	registration->from_tag = random_word(6);
	registration->refresh = evtimer_new(phone->base, on_refresh,
					    registration);
	return registration;
}

void registration_free(struct registration *registration)
{
	if (!registration)
		return;
	exchange_free_of(registration->phone, registration);
	event_free(registration->refresh);
	free(registration->call_id);
	free(registration->from_tag);
	free(registration);
}

static bool is_ours(const struct registration *registration,
		    const osip_contact_t *contact)
{
	char *uri = NULL;
	bool found = contact->url && osip_uri_to_str(contact->url, &uri) == 0 &&
		     strstr(registration->phone->contact, uri) != NULL;

	osip_free(uri);
	return found;
}

/* How long the registrar keeps our binding. */
static unsigned granted(const struct registration *registration,
			const struct message *response)
{
	const char *value = message_header(response, "expires");
	osip_list_t *contacts = &response->sip->contacts;
	osip_contact_t *contact;

	for (int i = 0; (contact = osip_list_get(contacts, i)) != NULL; i++) {
		const char *own = message_param(&contact->gen_params,
						"expires");

		if (own && is_ours(registration, contact))
			value = own;
	}
	if (!*value || !registration->expires)
		return registration->expires;
	return (unsigned)strtoul(value, NULL, 10);
}

static void on_response(struct exchange *exchange,
			const struct message *response, void *arg)
{
	struct registration *registration = arg;
	struct report *report = registration->phone->report;
	int status = response ? message_status(response) : 408;
	unsigned expires;
	struct timeval delay = { 0, 0 };

	if (status < 200)
		return;
	if (status < 300) {
		expires = granted(registration, response);
		delay.tv_sec = expires - expires / 4;
		if (expires)
			event_add(registration->refresh, &delay);
		report_event(report, "registered",
			     json_pack("{s:i}", "expires", (int)expires));
	} else {
		report_event(report, "register_failed",
			     json_pack("{s:i}", "status", status));
	}
	exchange_free(exchange);
}

void registration_send(struct registration *registration, unsigned expires)
{
	struct phone *phone = registration->phone;
	const char *host = strchr(phone->options->aor, '@');
	struct text line = TEXT_EMPTY;
	struct request *request;

	event_del(registration->refresh);
	registration->expires = expires;
	text_add(&line, "sip:%s", host ? host + 1 : "invalid");
	request = phone_request(phone, "REGISTER", line.data,
				phone->options->aor);
	text_done(&line);
	text_add(&line, "<%s>;tag=%s", phone->options->aor,
		 registration->from_tag);
	keep(&request->from, line.data);
	keep(&request->call_id, registration->call_id);
	request->cseq = ++registration->cseq;
	text_done(&line);
	text_add(&line, "%sExpires: %u\r\n", phone->contact, expires);
	keep(&request->headers, line.data);
	text_done(&line);
	exchange_new(phone, request, &registration->cseq, on_response,
		     registration);
}
