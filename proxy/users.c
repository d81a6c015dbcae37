/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The users file: one account a line, user:domain:HA1. */
#include "config.h"

#include "proxy/users.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/text.h"

/* Where mistakes are told. */
struct place {
	const char *path;
	unsigned line;
	FILE *errors;
};

static int mistake(const struct place *place, const char *text)
{
	fprintf(place->errors, "%s:%u: %s\n", place->path, place->line, text);
	return -EINVAL;
}

static int compare(const void *left, const void *right)
{
	const struct users_account *a = left, *b = right;
	int order = strcmp(a->domain, b->domain);

	return order ? order : strcmp(a->user, b->user);
}

static void account_done(struct users_account *account)
{
	free(account->user);
	free(account->domain);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len >= USERS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || text[i] == 127)
			return false;
	}
	return true;
}

static bool is_ha1(const char *text, enum users_algorithm *ret)
{
	size_t len = strlen(text);

	if (len != 32 && len != 64)
		return false;
	*ret = len == 32 ? USERS_MD5 : USERS_SHA256;
	for (; *text; text++) {
		if (text_hex_value(*text) < 0)
			return false;
	}
	return true;
}

/* "user:domain:HA1" into an account of its own. */
static int read_account(const struct place *place, char *line,
			struct users_account *ret)
{
	struct users_account account = { 0 };
	char *domain = strchr(line, ':');
	char *ha1 = domain ? strchr(domain + 1, ':') : NULL;

	if (!ha1)
		return mistake(place, "not of the form user:domain:HA1");
	*domain++ = '\0';
	*ha1++ = '\0';
	if (!is_name(line))
		return mistake(place, "malformed user");
	if (!is_name(domain))
		return mistake(place, "malformed domain");
	if (!is_ha1(ha1, &account.algorithm))
		return mistake(place, "HA1 is not 32 (MD5) or 64 (SHA-256) "
				      "hex digits");
	account.line = place->line;
	account.user = strdup(line);
	account.domain = strdup(domain);
	if (!account.user || !account.domain) {
		account_done(&account);
		return -ENOMEM;
	}
	lower(account.domain);
	strcpy(account.ha1, ha1);
	lower(account.ha1);
	*ret = account;
	return 0;
}

static int add_line(struct users *users, const struct place *place, char *line)
{
	struct users_account account, *accounts;
	int r;

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	r = read_account(place, line, &account);
	if (r)
		return r;
	accounts = reallocarray(users->accounts, users->count + 1,
				sizeof(*accounts));
	if (!accounts) {
		account_done(&account);
		return -ENOMEM;
	}
	accounts[users->count++] = account;
	users->accounts = accounts;
	return 0;
}

/* After sorting, one account given twice stands side by side. */
static int find_doubles(const struct users *users, struct place *place)
{
	int result = 0;

	for (size_t i = 1; i < users->count; i++) {
		const struct users_account *a = &users->accounts[i - 1];
		const struct users_account *b = &users->accounts[i];

		if (compare(a, b) != 0)
			continue;
		place->line = a->line > b->line ? a->line : b->line;
		result = mistake(place, "account is there already");
	}
	return result;
}

int users_read_stream(struct users *users, FILE *in, const char *path,
		      FILE *errors)
{
	struct place place = { .path = path, .errors = errors };
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	while (result != -ENOMEM) {
		ssize_t len = getline(&line, &size, in);
		int r;

		if (len < 0)
			break;
		place.line++;
		if (memchr(line, '\0', (size_t)len))
			r = mistake(&place, "NUL in the line");
		else
			r = add_line(users, &place, line);
		if (r)
			result = r;
	}
	if (result == 0 && ferror(in))
		result = -EIO;
	free(line);
	if (users->count)
		qsort(users->accounts, users->count, sizeof(*users->accounts),
		      compare);
	if (find_doubles(users, &place) && result == 0)
		result = -EINVAL;
	return result;
}

int users_read(struct users *users, const char *path, FILE *errors)
{
	FILE *in = fopen(path, "re");
	int r;

	if (!in)
		return -errno;
	r = users_read_stream(users, in, path, errors);
	fclose(in);
	return r;
}

void users_done(struct users *users)
{
	for (size_t i = 0; i < users->count; i++)
		account_done(&users->accounts[i]);
	free(users->accounts);
	memset(users, 0, sizeof(*users));
}

struct key {
	const char *user;
	const char *domain;
};

static int compare_key(const void *left, const void *right)
{
	const struct key *key = left;
	const struct users_account *account = right;
	int order = strcasecmp(key->domain, account->domain);

	return order ? order : strcmp(key->user, account->user);
}

const struct users_account *users_find(const struct users *users,
				       const char *user, const char *domain)
{
	struct key key = { user, domain };

	if (users->count == 0)
		return NULL;
	return bsearch(&key, users->accounts, users->count,
		       sizeof(*users->accounts), compare_key);
}
