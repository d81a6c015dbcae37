/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP dialog: identity, route set, remote target (RFC 3261 section 12). */
#include "dialog.h"

#include <stdlib.h>
#include <string.h>

void dialog_done(struct dialog *dialog)
{
	free(dialog->call_id);
	free(dialog->local);
	free(dialog->remote);
	free(dialog->local_tag);
	free(dialog->remote_tag);
	free(dialog->target);
	text_done(&dialog->routes);
	memset(dialog, 0, sizeof(*dialog));
}

void dialog_refresh(struct dialog *dialog, const struct message *message,
		    const struct address *proxy)
{
	osip_contact_t *contact = osip_list_get(&message->sip->contacts, 0);
	char *uri = NULL;

	if (!contact || !contact->url ||
	    osip_uri_to_str(contact->url, &uri) != 0)
		return;
	keep(&dialog->target, uri);
	osip_free(uri);
	if (!dialog->routes.length &&
	    message_uri_address(contact->url, &dialog->next_hop))
		dialog->next_hop = *proxy;
}

/* Strict routers (no lr) are left to the proxy: none has been made for twenty
 * years, and a request sent to them would be answered with an error. */
static void take_routes(struct dialog *dialog, osip_list_t *routes,
			bool reversed, const struct address *proxy)
{
	int n = osip_list_size(routes);

	text_done(&dialog->routes);
	for (int i = 0; i < n; i++) {
		osip_record_route_t *route =
			osip_list_get(routes, reversed ? n - 1 - i : i);
		char *value = NULL;

		if (i == 0 &&
		    message_uri_address(route->url, &dialog->next_hop))
			dialog->next_hop = *proxy;
		if (osip_record_route_to_str(route, &value) == 0)
			text_add(&dialog->routes, "Route: %s\r\n", value);
		osip_free(value);
	}
}

void dialog_from_response(struct dialog *dialog, const struct message *response,
			  const struct address *proxy)
{
	char *remote = message_party(response->sip->to);
	char *local = message_party(response->sip->from);

	keep(&dialog->call_id, response->call_id);
	keep(&dialog->local, local);
	keep(&dialog->remote, remote);
	keep(&dialog->local_tag, message_from_tag(response));
	keep(&dialog->remote_tag, message_to_tag(response));
	free(remote);
	free(local);
	take_routes(dialog, &response->sip->record_routes, true, proxy);
	dialog_refresh(dialog, response, proxy);
}

void dialog_from_invite(struct dialog *dialog, const struct message *invite,
			const char *local_tag, const struct address *proxy)
{
	char *remote = message_party(invite->sip->from);
	char *to = message_party(invite->sip->to);
	struct text local = TEXT_EMPTY;

	text_add(&local, "%s;tag=%s", to, local_tag);
	free(dialog->local);
	dialog->local = text_take(&local);
	keep(&dialog->call_id, invite->call_id);
	keep(&dialog->remote, remote);
	keep(&dialog->local_tag, local_tag);
	keep(&dialog->remote_tag, message_from_tag(invite));
	free(remote);
	free(to);
	dialog->remote_cseq = message_cseq(invite);
	take_routes(dialog, &invite->sip->record_routes, false, proxy);
	dialog_refresh(dialog, invite, proxy);
}

bool dialog_has(const struct dialog *dialog, const struct message *request)
{
	return dialog->call_id && dialog->remote_tag &&
	       !strcmp(dialog->call_id, request->call_id) &&
	       !strcmp(dialog->local_tag, message_to_tag(request)) &&
	       !strcmp(dialog->remote_tag, message_from_tag(request));
}

struct request *dialog_request(const struct dialog *dialog, const char *method)
{
	struct request *request = request_new(method);

	request->uri = copy(dialog->target ? dialog->target : "sip:invalid");
	request->routes = copy(dialog->routes.data);
	request->from = copy(dialog->local);
	request->to = copy(dialog->remote);
	request->call_id = copy(dialog->call_id);
	request->cseq = dialog->local_cseq;
	request->target = dialog->next_hop;
	return request;
}
