/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users files: one line an account, user:domain:HA1. */
#ifndef VIADUCT_CLI_PASSWD_H
#define VIADUCT_CLI_PASSWD_H

#include <stdbool.h>

#define PASSWD_TEXT_MAX 256 /* bytes of a password, with the final NUL */

bool passwd_name_is_valid(const char *name);
/*
 * From the terminal, twice and without echo, or one line of standard input.
 * -EKEYREJECTED: empty, too long, or the two differ.
 */
int passwd_ask(char ret[PASSWD_TEXT_MAX]);
/*
 * Replaces the user's line of that domain or adds one; the file changes in
 * one step, a new one has mode 0640. The domain is written in lower case.
 * `sha256`: HA1 of SHA-256 (RFC 7616), else of MD5.
 * 0 or -Exxx.
 */
int passwd_set(const char *path, const char *user, const char *domain,
	       const char *password, bool sha256);

#endif
