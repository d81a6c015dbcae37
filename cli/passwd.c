/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users files: one line an account, user:domain:HA1. */
#include "config.h"

#include "cli/passwd.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define NAME_MAX_BYTES 255
#define HA1_TEXT       65 /* SHA-256 in hex, with NUL */

bool passwd_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == ':' ||
		    name[i] == '"')
			return false;
	return len > 0 && len <= NAME_MAX_BYTES;
}

static int read_line(char ret[PASSWD_TEXT_MAX])
{
	size_t len;

	if (!fgets(ret, PASSWD_TEXT_MAX, stdin))
		return -EKEYREJECTED;
	len = strcspn(ret, "\r\n");
	/* No end of the line: it was longer. */
	if (len == 0 || (ret[len] == '\0' && len == PASSWD_TEXT_MAX - 1))
		return -EKEYREJECTED;
	ret[len] = '\0';
	return 0;
}

static int prompt(const char *text, char ret[PASSWD_TEXT_MAX])
{
	struct termios old, quiet;
	int r;

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return -errno;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return -errno;
	/* Not before: who types at once would see it. */
	fputs(text, stderr);
	r = read_line(ret);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return r;
}

int passwd_ask(char ret[PASSWD_TEXT_MAX])
{
	char again[PASSWD_TEXT_MAX];
	int r;

	if (!isatty(STDIN_FILENO))
		return read_line(ret);
	r = prompt("Password: ", ret);
	if (r == 0)
		r = prompt("Again: ", again);
	if (r == 0 && strcmp(ret, again) != 0)
		r = -EKEYREJECTED;
	explicit_bzero(again, sizeof(again));
	return r;
}

/* H(user:domain:password) in hex: HA1 of RFC 7616, 3.4.2. */
static int ha1_of(const char *user, const char *domain, const char *password,
		  bool sha256, char ret[HA1_TEXT])
{
	const EVP_MD *type = sha256 ? EVP_sha256() : EVP_md5();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *text;
	int ok;

	if (asprintf(&text, "%s:%s:%s", user, domain, password) < 0)
		return -ENOMEM;
	ok = EVP_Digest(text, strlen(text), digest, &len, type, NULL);
	explicit_bzero(text, strlen(text));
	free(text);
	if (ok != 1 || 2 * len >= HA1_TEXT)
		return -ENOTSUP;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

/* Is it the line of that account? */
static bool is_line_of(const char *line, const char *user, const char *domain)
{
	size_t user_len = strlen(user), domain_len = strlen(domain);

	return strncmp(line, user, user_len) == 0 && line[user_len] == ':' &&
	       strncasecmp(line + user_len + 1, domain, domain_len) == 0 &&
	       line[user_len + 1 + domain_len] == ':';
}

/* The old file's lines with the account's own replaced, or added. */
static int copy_lines(FILE *from, FILE *to, const char *user,
		      const char *domain, const char *ha1)
{
	bool written = false;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (from && (len = getline(&line, &size, from)) > 0) {
		if (!is_line_of(line, user, domain)) {
			fwrite(line, 1, (size_t)len, to);
			if (line[len - 1] != '\n')
				fputc('\n', to);
		} else if (!written) {
			fprintf(to, "%s:%s:%s\n", user, domain, ha1);
			written = true;
		}
	}
	free(line);
	if (!written)
		fprintf(to, "%s:%s:%s\n", user, domain, ha1);
	if ((from && ferror(from)) || fflush(to) != 0 || ferror(to))
		return -EIO;
	return 0;
}

/* Mode and owner of the file that is replaced, else 0640. */
static int take_rights(int fd, FILE *from)
{
	struct stat st;

	if (!from)
		return fchmod(fd, 0640) < 0 ? -errno : 0;
	if (fstat(fileno(from), &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
	    fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	return fchmod(fd, st.st_mode & 0640) < 0 ? -errno : 0;
}

static int write_file(const char *path, const char *user, const char *domain,
		      const char *ha1)
{
	FILE *from = fopen(path, "re"), *to = NULL;
	char *temporary = NULL;
	int fd = -1, r = -errno;

	if (!from && r != -ENOENT)
		return r;
	r = -ENOMEM;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		goto out;
	}
	fd = mkstemp(temporary);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	to = fdopen(fd, "w");
	r = to ? take_rights(fd, from) : -ENOMEM;
	if (r == 0)
		r = copy_lines(from, to, user, domain, ha1);
	if (r == 0 && (fsync(fd) < 0 || rename(temporary, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(temporary);
out:
	if (to)
		fclose(to);
	else if (fd >= 0)
		close(fd);
	if (from)
		fclose(from);
	free(temporary);
	return r;
}

int passwd_set(const char *path, const char *user, const char *domain,
	       const char *password, bool sha256)
{
	char lower[NAME_MAX_BYTES + 1], ha1[HA1_TEXT];
	size_t i;
	int r;

	if (!passwd_name_is_valid(user) || !passwd_name_is_valid(domain))
		return -EINVAL;
	for (i = 0; domain[i]; i++)
		lower[i] = (char)tolower((unsigned char)domain[i]);
	lower[i] = '\0';
	r = ha1_of(user, lower, password, sha256, ha1);
	if (r == 0)
		r = write_file(path, user, lower, ha1);
	explicit_bzero(ha1, sizeof(ha1));
	return r;
}
