/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers a carrier's challenge (RFC 2617, 7616; 8760 for SIP). */
#ifndef VIADUCT_PROXY_CHALLENGE_H
#define VIADUCT_PROXY_CHALLENGE_H

#include <stddef.h>
#include <stdint.h>

#define CHALLENGE_ANSWER_SIZE 2048

struct challenge_query {
	const char *user;
	const char *password;
	const char *auth_realm; /* the carrier's: another one gets no answer */
	const char *method;
	const char *uri; /* the Request-URI as it is sent */
	const char *cnonce;
};

/*
 * The value of Authorization for a value of WWW-Authenticate, or the same of a
 * proxy. 0; -ENOENT: it is not for that auth realm, or no digest; -ENOTSUP: an
 * algorithm or qop that is not known (MD5 and SHA-256, auth or none are);
 * -EINVAL: malformed; -ENAMETOOLONG.
 */
int challenge_answer(const char *challenge, const struct challenge_query *query,
		     char buf[CHALLENGE_ANSWER_SIZE]);

#endif
