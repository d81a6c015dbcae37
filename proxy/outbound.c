/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a REGISTER asks for beyond RFC 3261. */
#include "proxy/outbound.h"

#include <string.h>

#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_alloc.h>

/* Of what may stand in the parameter of a URI. */
#define GRUU_CHARS                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"-_.!~*'()[]/:&+$"

/* Without STUN a flow of UDP cannot be watched by the phone (RFC 5626 8). */
static bool has_flows(const struct flow *from)
{
	return from->connection != STREAM_NONE;
}

const char *outbound_unknown(const struct flow *from, const sip_t *sip)
{
	const sip_require_t *require = sip->sip_require;

	if (require == NULL || require->k_items == NULL)
		return NULL;
	for (size_t i = 0; require->k_items[i] != NULL; i++) {
		const char *name = require->k_items[i];

		if (strcasecmp(name, "gruu") != 0 &&
		    (strcasecmp(name, "outbound") != 0 || !has_flows(from)))
			return name;
	}
	return NULL;
}

static bool is_asked_for(const sip_t *sip, const char *name)
{
	return sip_has_feature(sip->sip_supported, name) ||
	       sip_has_feature(sip->sip_require, name);
}

static bool names_a_flow(const sip_t *sip)
{
	for (const sip_contact_t *contact = sip->sip_contact; contact != NULL;
	     contact = contact->m_next)
		if (msg_header_find_param(contact->m_common, "reg-id") !=
			    NULL &&
		    msg_header_find_param(contact->m_common, "+sip.instance") !=
			    NULL)
			return true;
	return false;
}

const char *outbound_headers(const struct flow *from, const sip_t *sip,
			     unsigned seconds, su_home_t *home)
{
	if (!has_flows(from) || !is_asked_for(sip, "outbound") ||
	    !names_a_flow(sip))
		return "";
	return su_sprintf(home, "Require: outbound\r\nFlow-Timer: %u\r\n",
			  seconds);
}

/* "<urn:uuid:...>" in quotes, without them. */
static struct uri_part instance_id(const char *instance)
{
	struct uri_part part = { .text = instance, .len = strlen(instance) };

	if (part.len < 4 || strncmp(part.text, "\"<", 2) != 0 ||
	    strcmp(part.text + part.len - 2, ">\"") != 0)
		return (struct uri_part){ .text = instance, .len = 0 };
	part.text += 2;
	part.len -= 4;
	return part;
}

const char *outbound_gruu(const sip_t *sip, const char *domain,
			  const char *instance, su_home_t *home)
{
	struct uri_part id;

	if (instance == NULL || !is_asked_for(sip, "gruu"))
		return "";
	id = instance_id(instance);
	if (id.len == 0 || strspn(id.text, GRUU_CHARS) < id.len)
		return "";
	return su_sprintf(home, ";pub-gruu=\"sip:%s@%s;gr=%.*s\"",
			  sip->sip_to->a_url->url_user, domain, (int)id.len,
			  id.text);
}

bool outbound_is_gruu(const struct location_binding *binding,
		      struct uri_part gruu)
{
	struct uri_part id;

	if (binding->instance == NULL || gruu.len == 0)
		return false;
	id = instance_id(binding->instance);
	return id.len == gruu.len &&
	       strncasecmp(id.text, gruu.text, id.len) == 0;
}
