/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who says who is calling, and to whom it is told. */
#include "proxy/identity.h"

#include <errno.h>
#include <string.h>

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>

#include "proxy/headers.h"

static const char asserted[] = "P-Asserted-Identity";
static const char preferred[] = "P-Preferred-Identity";

static void drop(msg_t *msg, sip_t *sip, const char *name)
{
	msg_header_t *header;

	while ((header = headers_find(msg, NULL, name)) != NULL)
		if (msg_header_remove(msg, (msg_pub_t *)sip, header) < 0)
			return;
}

/* Is "id" one of the values of Privacy? */
static bool is_private(msg_t *msg)
{
	char text[256];
	const char *value = headers_value(headers_find(msg, NULL, "Privacy"),
					  text, sizeof(text));

	while (value != NULL && *value != '\0') {
		size_t len = strcspn(value, "; \t,");

		if (len == 2 && strncasecmp(value, "id", 2) == 0)
			return true;
		value += len;
		value += strspn(value, "; \t,");
	}
	return false;
}

/* Who has shown that he is the one whom From names. */
static int assert_user(const struct relay *relay, msg_t *msg, sip_t *sip)
{
	su_home_t *home = msg_home(msg);
	const url_t *url = relay->from_header->a_url;
	msg_header_t *header = msg_header_alloc(home, sip_unknown_class, 0);

	if (header == NULL || url->url_user == NULL || url->url_host == NULL)
		return -ENOMEM;
	header->sh_unknown->un_name = asserted;
	header->sh_unknown->un_value = su_sprintf(home, "<sip:%s@%s>",
						  url->url_user, url->url_host);
	if (header->sh_unknown->un_value == NULL ||
	    msg_header_insert(msg, (msg_pub_t *)sip, header) < 0)
		return -ENOMEM;
	return 0;
}

static enum conf_trust trust_of(const struct leg *leg)
{
	const struct conf *conf = leg->call->calls->conf;

	return conf->realms[leg->flow.listener->realm].trust;
}

int identity_apply(const struct relay *relay, const struct leg *to, msg_t *msg,
		   sip_t *sip)
{
	const struct leg *from = leg_other(to);
	enum conf_trust from_trust = trust_of(from), to_trust = trust_of(to);
	bool is_user = relay->is_first && sip->sip_request != NULL &&
		       from->side == CALL_A && from->trunk == NULL;

	if (from_trust == CONF_TRUST_NO)
		drop(msg, sip, asserted);
	if (from_trust == CONF_TRUST_NO || to_trust == CONF_TRUST_NO)
		drop(msg, sip, preferred);
	if (to_trust == CONF_TRUST_NO && is_private(msg))
		drop(msg, sip, asserted);
	if (to_trust != CONF_TRUST_YES || !is_user)
		return 0;
	drop(msg, sip, asserted);
	drop(msg, sip, preferred);
	return assert_user(relay, msg, sip);
}
