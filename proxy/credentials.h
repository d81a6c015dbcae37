/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of an Authorization header taken apart (RFC 2617, 7616). */
#ifndef VIADUCT_PROXY_CREDENTIALS_H
#define VIADUCT_PROXY_CREDENTIALS_H

#include "proxy/text.h"

#define CREDENTIALS_NAME_MAX 256 /* bytes of username and realm, with NUL */

enum credentials_field {
	CREDENTIALS_USERNAME,
	CREDENTIALS_REALM,
	CREDENTIALS_NONCE,
	CREDENTIALS_URI,
	CREDENTIALS_RESPONSE,
	CREDENTIALS_ALGORITHM,
	CREDENTIALS_CNONCE,
	CREDENTIALS_OPAQUE,
	CREDENTIALS_QOP,
	CREDENTIALS_NC,
	CREDENTIALS_FIELDS
};

struct credentials {
	/* Without the quotes, in the text that was read; text NULL: absent. */
	struct text_word fields[CREDENTIALS_FIELDS];
	char username[CREDENTIALS_NAME_MAX]; /* escapes resolved */
	char realm[CREDENTIALS_NAME_MAX];
};

/*
 * "Digest name=value, name="value", ...". 0; -ENOENT: another scheme; -EINVAL:
 * malformed, a parameter twice, an escape where none makes sense.
 */
int credentials_parse(const char *text, struct credentials *ret);

#endif
