/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of sip.md applied to a message that goes to a leg. */
#include "proxy/headers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mime_protos.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>

#include "proxy/digest.h"

#define MAX_FORWARDS_DEFAULT 70

static msg_header_t *any(void *header)
{
	return header;
}

const char *headers_value(const void *header, char *buf, size_t size)
{
	const msg_header_t *known = header;
	issize_t len;

	if (header == NULL)
		return NULL;
	/* Of these the library writes the name as well. */
	if (known->sh_class == sip_unknown_class)
		return known->sh_unknown->un_value;
	len = msg_header_field_e(buf, (isize_t)size, header, 0);
	if (len < 0 || (size_t)len >= size)
		return NULL;
	buf[len] = '\0';
	return buf;
}

char *headers_url(su_home_t *home, const url_t *url)
{
	return url_as_string(home, url);
}

static bool is_redirect(const sip_t *sip)
{
	return sip->sip_status != NULL && sip->sip_status->st_status >= 300;
}

/* The name of a header; NULL for what is none (first line, body). */
static const char *name_of(const msg_header_t *header)
{
	if (header->sh_class == sip_unknown_class)
		return header->sh_unknown->un_name;
	if (header->sh_class->hc_name == NULL ||
	    header->sh_class->hc_name[0] == '\0')
		return NULL;
	return header->sh_class->hc_name;
}

msg_header_t *headers_find(msg_t *msg, const msg_header_t *after,
			   const char *name)
{
	msg_header_t *header = after != NULL ? after->sh_succ :
					       *msg_chain_head(msg);

	for (; header != NULL; header = header->sh_succ) {
		const char *own = name_of(header);

		if (own != NULL && strcasecmp(own, name) == 0)
			return header;
	}
	return NULL;
}

static int replace_value(msg_t *msg, sip_t *sip, msg_header_t *old,
			 const char *value)
{
	su_home_t *home = msg_home(msg);
	msg_header_t *new;

	if (old->sh_class == sip_unknown_class) {
		new = msg_header_alloc(home, sip_unknown_class, 0);
		if (new == NULL)
			return -ENOMEM;
		new->sh_unknown->un_name = old->sh_unknown->un_name;
		new->sh_unknown->un_value = su_strdup(home, value);
	} else {
		new = msg_header_make(home, old->sh_class, value);
		if (new == NULL)
			return -EBADMSG;
	}
	return msg_header_replace(msg, (msg_pub_t *)sip, old, new) < 0 ?
		       -EBADMSG :
		       0;
}

/* A Contact that is still theirs names where a redirection points to. */
static enum hide_kind kind_of(const sip_t *sip, const struct leg *to,
			      const msg_header_t *header)
{
	const char *name = name_of(header);

	if (name == NULL)
		return HIDE_NOT;
	/* Once the leg has a Call-ID, that is put in. */
	if (header == (const msg_header_t *)sip->sip_call_id)
		return to->call_id == NULL ? HIDE_CALL_ID : HIDE_NOT;
	if (header->sh_class == sip_contact_class)
		return is_redirect(sip) ? HIDE_ADDRESS : HIDE_NOT;
	return hide_kind_of(name);
}

static int hide_header(msg_t *msg, sip_t *sip, const struct leg *to,
		       const struct hide *hide, msg_header_t *header)
{
	enum hide_kind kind = kind_of(sip, to, header);
	char text[HEADERS_VALUE_MAX];
	const char *value;
	char *new = NULL;
	int result;

	if (kind == HIDE_NOT)
		return 0;
	value = headers_value(header, text, sizeof(text));
	if (value == NULL)
		return -EMSGSIZE;
	switch (hide_value(hide, kind, value, &new)) {
	case HIDE_SAME:
		return 0;
	case HIDE_DROPPED:
		return msg_header_remove(msg, (msg_pub_t *)sip, header) < 0 ?
			       -EBADMSG :
			       0;
	case HIDE_NO_MEMORY:
		return -ENOMEM;
	case HIDE_CHANGED:
		break;
	}
	result = replace_value(msg, sip, header, new);
	free(new);
	return result;
}

static int hide_all(msg_t *msg, sip_t *sip, const struct leg *to)
{
	const struct calls *calls = to->call->calls;
	const struct listener *listener = to->flow.listener;
	char host[IP_ADDR_TEXT];
	struct hide_view view = {
		.conf = calls->conf,
		.from = leg_other(to)->flow.listener->realm,
		.to = listener->realm,
	};
	struct hide hide = {
		.shown = hide_shown_in_view,
		.arg = &view,
		.host = ip_addr_format(&listener->local.addr, host),
		.port = listener->local.port,
		.key = calls->hide_key,
	};
	msg_header_t *header = *msg_chain_head(msg), *next;

	for (; header != NULL; header = next) {
		int error;

		next = header->sh_succ;
		error = hide_header(msg, sip, to, &hide, header);
		if (error < 0)
			return error;
	}
	return 0;
}

static void remove_all(msg_t *msg, sip_t *sip, void *header)
{
	if (header != NULL)
		msg_header_remove_all(msg, (msg_pub_t *)sip, any(header));
}

static int show_contact(msg_t *msg, sip_t *sip, const struct leg *to)
{
	su_home_t *home = msg_home(msg);
	char user[CALL_USER_TEXT];
	sip_contact_t *contact = sip->sip_contact;

	if (contact == NULL || is_redirect(sip))
		return 0;
	msg_fragment_clear_chain((msg_header_t *)contact);
	for (; contact != NULL; contact = contact->m_next) {
		url_t *url = url_format(home, "sip:%s@%s%s", leg_user(to, user),
					to->flow.listener->host_port,
					to->flow.listener->param);

		if (url == NULL)
			return -ENOMEM;
		*contact->m_url = *url;
	}
	return 0;
}

int headers_relay(msg_t *msg, sip_t *sip, const struct leg *to)
{
	su_home_t *home = msg_home(msg);
	int error;

	remove_all(msg, sip, sip->sip_via);
	remove_all(msg, sip, sip->sip_route);
	remove_all(msg, sip, sip->sip_record_route);
	remove_all(msg, sip, sip->sip_path);
	remove_all(msg, sip, sip->sip_service_route);
	/* What cannot be read cannot be looked through. */
	remove_all(msg, sip, sip->sip_error);
	error = show_contact(msg, sip, to);
	if (error == 0)
		error = hide_all(msg, sip, to);
	if (error == 0 && to->call_id != NULL &&
	    strcmp(sip->sip_call_id->i_id, to->call_id) != 0) {
		sip_call_id_t *call_id = sip_call_id_make(home, to->call_id);

		if (call_id == NULL)
			return -ENOMEM;
		msg_header_replace(msg, (msg_pub_t *)sip, any(sip->sip_call_id),
				   any(call_id));
	}
	return error;
}

static int drop_ours(msg_t *msg, sip_t *sip, msg_auth_t *first,
		     const struct conf *conf)
{
	msg_auth_t *auth, *next;

	for (auth = first; auth != NULL; auth = next) {
		char text[HEADERS_VALUE_MAX];
		const char *value = headers_value(auth, text, sizeof(text));

		next = auth->au_next;
		if (value == NULL)
			return -EMSGSIZE;
		for (size_t i = 0; i < conf->domain_count; i++) {
			if (!digest_is_ours(value, conf->domains[i].name))
				continue;
			msg_header_remove(msg, (msg_pub_t *)sip, any(auth));
			break;
		}
	}
	return 0;
}

int headers_drop_credentials(msg_t *msg, sip_t *sip, const struct conf *conf)
{
	int error = drop_ours(msg, sip, sip->sip_proxy_authorization, conf);

	if (error == 0)
		error = drop_ours(msg, sip, sip->sip_authorization, conf);
	return error;
}

int headers_forward(msg_t *msg, sip_t *sip)
{
	sip_max_forwards_t *header = sip->sip_max_forwards;

	if (header == NULL) {
		header = sip_max_forwards_format(msg_home(msg), "%d",
						 MAX_FORWARDS_DEFAULT);
		if (header == NULL)
			return -ENOMEM;
		return msg_header_insert(msg, (msg_pub_t *)sip, any(header)) <
				       0 ?
			       -ENOMEM :
			       0;
	}
	if (header->mf_count == 0)
		return -ELOOP;
	header->mf_count--;
	msg_fragment_clear(header->mf_common);
	return 0;
}

int headers_target(msg_t *msg, sip_t *sip, const char *uri,
		   const sip_route_t *routes)
{
	su_home_t *home = msg_home(msg);
	url_t *url = url_make(home, uri);

	if (url == NULL)
		return -ENOMEM;
	*sip->sip_request->rq_url = *url;
	msg_fragment_clear(sip->sip_request->rq_common);
	if (routes != NULL &&
	    sip_add_dup(msg, sip, (const sip_header_t *)routes) < 0)
		return -ENOMEM;
	return 0;
}

int headers_body(msg_t *msg, sip_t *sip, const char *body, size_t len)
{
	su_home_t *home = msg_home(msg);
	sip_payload_t *payload;

	remove_all(msg, sip, sip->sip_payload);
	remove_all(msg, sip, sip->sip_content_length);
	if (body == NULL) {
		remove_all(msg, sip, sip->sip_content_type);
		return 0;
	}
	payload = sip_payload_create(home, body, (isize_t)len);
	if (payload == NULL ||
	    msg_header_insert(msg, (msg_pub_t *)sip, any(payload)) < 0)
		return -ENOMEM;
	return 0;
}

/* Keeps the bytes of a header that says the same already. */
static int replace_if_other(msg_t *msg, sip_t *sip, void *old, void *new)
{
	char old_text[HEADERS_VALUE_MAX], new_text[HEADERS_VALUE_MAX];

	if (new == NULL)
		return -ENOMEM;
	if (headers_value(old, old_text, sizeof(old_text)) != NULL &&
	    headers_value(new, new_text, sizeof(new_text)) != NULL &&
	    strcmp(old_text, new_text) == 0)
		return 0;
	return msg_header_replace(msg, (msg_pub_t *)sip, any(old), any(new)) <
			       0 ?
		       -EBADMSG :
		       0;
}

int headers_answer(msg_t *msg, sip_t *sip, const sip_from_t *from,
		   const sip_to_t *to)
{
	su_home_t *home = msg_home(msg);
	const char *tag = sip->sip_to->a_tag;
	sip_to_t *tagged = sip_to_dup(home, to);
	int error;

	if (tagged == NULL)
		return -ENOMEM;
	if (tagged->a_tag == NULL && tag != NULL &&
	    sip_to_tag(home, tagged, su_sprintf(home, "tag=%s", tag)) < 0)
		return -ENOMEM;
	error = replace_if_other(msg, sip, sip->sip_to, tagged);
	if (error == 0)
		error = replace_if_other(msg, sip, sip->sip_from,
					 sip_from_dup(home, from));
	return error;
}
