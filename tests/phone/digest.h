/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication of RFC 2617: MD5, qop=auth or none. */
#ifndef PHONE_DIGEST_H
#define PHONE_DIGEST_H

#include "message.h"

struct digest_user {
	const char *name;
	const char *password;
};

/* The whole Authorization or Proxy-Authorization line that answers the first
 * MD5 challenge of a 401 or 407; the caller frees it. NULL when there is no
 * such challenge. */
char *digest_answer(const struct message *challenge,
		    const struct digest_user *user, const char *method,
		    const char *uri);

#endif
