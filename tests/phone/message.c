/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP message as it came, with libosip2's reading of it. */
#include "message.h"

#include <errno.h>
#include <osipparser2/osip_parser.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const char *message_param(osip_list_t *params, const char *name)
{
	osip_generic_param_t *param = NULL;
	char *word = copy(name);
	const char *value = NULL;

	osip_generic_param_get_byname(params, word, &param);
	free(word);
	if (param)
		value = param->gvalue ? param->gvalue : "";
	return value;
}

static bool is_complete(osip_message_t *sip)
{
	if (!osip_list_get(&sip->vias, 0) || !sip->from || !sip->to)
		return false;
	if (!sip->call_id || !sip->call_id->number || !sip->cseq)
		return false;
	if (!sip->cseq->method || !sip->cseq->number)
		return false;
	if (!sip->from->url || !sip->to->url)
		return false;
	if (sip->sip_method && strcmp(sip->sip_method, sip->cseq->method) != 0)
		return false;
	if (sip->sip_method && !sip->req_uri)
		return false;
	return message_param(&sip->from->gen_params, "tag") != NULL;
}

static const char *find_body(const char *raw)
{
	const char *end = strstr(raw, "\r\n\r\n");

	return end ? end + 4 : "";
}

/* libosip2 splits a Call-ID at its '@'. */
static char *join_call_id(const osip_call_id_t *call_id)
{
	char *value = NULL;
	char *result;

	osip_call_id_to_str(call_id, &value);
	result = copy(value ? value : "");
	osip_free(value);
	return result;
}

struct message *message_parse(const char *bytes, size_t length,
			      const struct address *from)
{
	struct message *message = need(sizeof(*message));

	message->raw = need(length + 1);
	memcpy(message->raw, bytes, length);
	message->length = length;
	message->body = find_body(message->raw);
	message->from = *from;
	if (osip_message_init(&message->sip) ||
	    osip_message_parse(message->sip, bytes, length) ||
	    !is_complete(message->sip)) {
		message_free(message);
		return NULL;
	}
	message->call_id = join_call_id(message->sip->call_id);
	return message;
}

void message_free(struct message *message)
{
	if (!message)
		return;
	osip_message_free(message->sip);
	free(message->raw);
	free(message->call_id);
	free(message);
}

const char *message_branch(const struct message *message)
{
	osip_via_t *via = osip_list_get(&message->sip->vias, 0);
	const char *branch = message_param(&via->via_params, "branch");

	return branch ? branch : "";
}

const char *message_from_tag(const struct message *message)
{
	const char *tag = message_param(&message->sip->from->gen_params, "tag");

	return tag ? tag : "";
}

const char *message_to_tag(const struct message *message)
{
	const char *tag = message_param(&message->sip->to->gen_params, "tag");

	return tag ? tag : "";
}

const char *message_method(const struct message *message)
{
	return message->sip->cseq->method;
}

const char *message_header(const struct message *message, const char *name)
{
	osip_header_t *header = NULL;

	osip_message_header_get_byname(message->sip, name, 0, &header);
	return header && header->hvalue ? header->hvalue : "";
}

unsigned message_cseq(const struct message *message)
{
	return (unsigned)strtoul(message->sip->cseq->number, NULL, 10);
}

int message_status(const struct message *message)
{
	return message->sip->status_code;
}

const char *message_reason(const struct message *message)
{
	const char *reason = message->sip->reason_phrase;

	return reason ? reason : "";
}

char *message_party(osip_from_t *party)
{
	char *value = NULL;
	char *result;

	osip_from_to_str(party, &value);
	result = copy(value ? value : "");
	osip_free(value);
	return result;
}

int message_uri_address(const osip_uri_t *uri, struct address *ret_address)
{
	unsigned long port = 5060;

	if (!uri || !uri->host)
		return -EINVAL;
	if (uri->port)
		port = strtoul(uri->port, NULL, 10);
	if (port < 1 || port > 65535)
		return -EINVAL;
	return address_from_host(uri->host, (unsigned)port, ret_address);
}
