/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that need no server: check, passwd, teardown. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/passwd.h"
#include "common/conf.h"

#define TRANSLATOR "viaduct-translator"

static enum exit_code run_check(const struct command_env *env, json_t *options,
				char *const *words)
{
	struct conf *conf = conf_read(words[0], stderr);

	(void)env;
	(void)options;
	if (!conf)
		return EXIT_ERROR;
	conf_free(conf);
	printf("%s: no mistakes\n", words[0]);
	return EXIT_OK;
}

static enum exit_code run_passwd(const struct command_env *env, json_t *options,
				 char *const *words)
{
	const char *algorithm = json_string_value(
		json_object_get(options, "algorithm"));
	bool sha256 = algorithm && strcmp(algorithm, "sha-256") == 0;
	char password[PASSWD_TEXT_MAX];
	int r;

	(void)env;
	if (algorithm && !sha256 && strcmp(algorithm, "md5") != 0) {
		command_fail("passwd: --algorithm is md5 or sha-256");
		return EXIT_USAGE;
	}
	if (!passwd_name_is_valid(words[1]) ||
	    !passwd_name_is_valid(words[2])) {
		command_fail("passwd: a user or domain is printable text "
			     "without ':', '\"' and blanks");
		return EXIT_USAGE;
	}
	r = passwd_ask(password);
	if (r == 0)
		r = passwd_set(words[0], words[1], words[2], password, sha256);
	explicit_bzero(password, sizeof(password));
	if (r == -EKEYREJECTED)
		return command_fail("the two passwords differ, are empty or "
				    "too long");
	if (r < 0)
		return command_fail("%s: %s", words[0], strerror(-r));
	return EXIT_OK;
}

/* Beside this program's own file, as in a tree that is not installed. */
static int translator_beside(char *buf, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (len < 0)
		return -errno;
	buf[len] = '\0';
	slash = strrchr(buf, '/');
	if (!slash || (size_t)(slash + 1 - buf) + sizeof(TRANSLATOR) > size)
		return -ENAMETOOLONG;
	strcpy(slash + 1, TRANSLATOR);
	return access(buf, X_OK) == 0 ? 0 : -errno;
}

static enum exit_code run_teardown(const struct command_env *env,
				   json_t *options, char *const *words)
{
	const char *conf = env->conf_path ? env->conf_path : CONF_DEFAULT_PATH;
	char path[PATH_MAX] = "";

	(void)options;
	(void)words;
	if (translator_beside(path, sizeof(path)) < 0)
		strcpy(path, SBINDIR "/" TRANSLATOR);
	execl(path, TRANSLATOR, "-c", conf, "--teardown", (char *)NULL);
	return command_fail("%s: %s", path, strerror(errno));
}

static const struct command_option no_options[] = { { NULL, OPTION_TEXT } };

static const struct command_option passwd_options[] = {
	{ "algorithm", OPTION_TEXT },
	{ NULL, OPTION_TEXT },
};

const struct command local_commands[] = {
	{ "check", "FILE", "tell all mistakes of a configuration", no_options,
	  1, run_check },
	{ "passwd", "FILE USER DOMAIN [--algorithm md5|sha-256]",
	  "set a user's password", passwd_options, 3, run_passwd },
	{ "teardown", "", "remove what the translator set up, its guard too",
	  no_options, 0, run_teardown },
	{ .name = NULL },
};
