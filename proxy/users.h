/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The users file: one account a line, user:domain:HA1. */
#ifndef VIADUCT_PROXY_USERS_H
#define VIADUCT_PROXY_USERS_H

#include <stdio.h>

#define USERS_HA1_TEXT 65 /* SHA-256 in hex, with NUL */
#define USERS_NAME_MAX 128

/* As which of them HA1 is stored, by its length: an account has one. */
enum users_algorithm { USERS_MD5, USERS_SHA256 };

struct users_account {
	char *user;
	char *domain;  /* lower case */
	unsigned line; /* in its file */
	enum users_algorithm algorithm;
	char ha1[USERS_HA1_TEXT]; /* of user:domain:password; lower case hex */
};

struct users {
	struct users_account *accounts; /* owned, sorted */
	size_t count;
};

/*
 * Reads the file into `users`, adding to what is there (a zeroed struct is
 * empty); a file must not be read twice. '#' starts a comment line. Every mistake goes to `errors` as
 * "path:line: text\n". 0, -EINVAL (mistakes), -ENOMEM or the -Exxx of open.
 */
int users_read(struct users *users, const char *path, FILE *errors);
/* The same from an open stream; `path` is for the messages. */
int users_read_stream(struct users *users, FILE *in, const char *path,
		      FILE *errors);
void users_done(struct users *users);
/* The user's case counts, the domain's does not. NULL: not there. */
const struct users_account *users_find(const struct users *users,
				       const char *user, const char *domain);

#endif
