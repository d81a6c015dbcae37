/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a section trunk says of the peer as a carrier. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

#define CHECK_MAX   3600
#define EXPIRES_MAX 86400
#define CALLS_MAX   1000000

static const struct conf_value *get_login(struct conf_part *part,
					  struct conf_carrier *carrier)
{
	size_t count = conf_value_count(part->section, "register");
	const struct conf_value *user =
		count > 0 ? conf_value_at(part->section, "register", 0) : NULL;

	if (count == 0)
		return NULL;
	if (count != 2) {
		conf_value_mistake(part->reader, user,
				   "register is a user and a password");
		return NULL;
	}
	if (*user->text == '\0' || strpbrk(user->text, " <>\"\\@:;?/"))
		conf_value_mistake(part->reader, user,
				   "\"%s\" is no user of a SIP URI",
				   user->text);
	conf_get_text(part->reader, user, &carrier->user);
	conf_get_text(part->reader, conf_value_at(part->section, "register", 1),
		      &carrier->password);
	return user;
}

void conf_build_limit(struct conf_part *part, struct conf_limit *limit)
{
	conf_get_number(part->reader, conf_part_value(part, "max_calls"), 1,
			CALLS_MAX, &limit->max_calls);
	conf_get_number(part->reader, conf_part_value(part, "calls_per_second"),
			1, CALLS_MAX, &limit->calls_per_second);
}

/* `host` stands for the auth realm where none is given. */
void conf_build_carrier(struct conf_part *part, const char *host,
			struct conf_carrier *carrier)
{
	const struct conf_value *auth_realm = conf_part_value(part,
							      "auth_realm");
	const struct conf_value *expires = conf_part_value(part, "expires");
	const struct conf_value *login = get_login(part, carrier);

	conf_build_limit(part, &carrier->limit);
	conf_get_number(part->reader, conf_part_value(part, "check"), 1,
			CHECK_MAX, &carrier->check);
	carrier->expires = 600;
	conf_get_number(part->reader, expires, 10, EXPIRES_MAX,
			&carrier->expires);
	if (!login && auth_realm)
		conf_value_mistake(part->reader, auth_realm,
				   "auth_realm is of no use without register");
	if (!login && expires)
		conf_value_mistake(part->reader, expires,
				   "expires is of no use without register");
	if (auth_realm) {
		conf_get_text(part->reader, auth_realm, &carrier->auth_realm);
	} else if (login && host) {
		carrier->auth_realm = strdup(host);
		if (!carrier->auth_realm)
			part->reader->mistakes.no_memory = true;
	}
}

void conf_free_carrier(struct conf_carrier *carrier)
{
	free(carrier->user);
	free(carrier->password);
	free(carrier->auth_realm);
}
