/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases and limits in the words of the address manager's client library. */
#ifndef VIADUCT_PROXY_WANT_H
#define VIADUCT_PROXY_WANT_H

#include "natctl/client/natctl.h"
#include "proxy/grant.h"

/* Limits as texts. */
struct want_limits {
	struct natctl_condition conditions[GRANT_CONDITIONS_MAX];
	char sources[GRANT_CONDITIONS_MAX][IP_PREFIX_TEXT];
	char ports[GRANT_CONDITIONS_MAX][16];
	char targets[GRANT_CONDITIONS_MAX][ENDPOINT_TEXT];
	char remote[IP_PREFIX_TEXT + 16]; /* empty: anywhere */
	char latch[IP_PREFIX_TEXT];       /* empty: it does not latch */
	size_t count;
};

/* A lease that is asked for, as texts; points into itself: not to be copied. */
struct want {
	struct natctl_want want;
	char inner[ENDPOINT_TEXT];
	char outer[ENDPOINT_TEXT];
	struct want_limits limits;
};

void want_limits_format(struct want_limits *ret, const struct conf *conf,
			const struct grant_limits *limits);
/*
 * For an inner endpoint and the realm in which an outer one is wanted;
 * `request` says which, NULL: any.
 */
void want_format(struct want *ret, const struct conf *conf,
		 const struct endpoint *inner, realm_id realm, uint16_t ports,
		 const struct conf_media_rule *request,
		 const struct grant_limits *limits);
/* The same outer endpoint again, or none. */
void want_format_again(struct want *ret, const struct conf *conf,
		       const struct grant *grant);
/* What was asked for, as it was granted. -EBADMSG: not what was asked. */
int want_read(const struct natctl_lease *lease, const struct conf *conf,
	      realm_id realm, struct endpoint *ret_outer);

#endif
