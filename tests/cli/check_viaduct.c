/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of the program viaduct as it is called, against a server of the test. */
#include "config.h"

#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/rpc.h"
#include "common/sock.h"
#include "tests/common/suite.h"

#define SERVE_SECONDS 20

static char folder[40], told[20000];
static pid_t server;

static void path_of(const char *name, char path[100])
{
	snprintf(path, 100, "%s/%s", folder, name);
}

/* What the server of the test answers; NULL: nothing at all. */
static char *answer(const struct rpc_request *request)
{
	const json_t *after = json_object_get(request->params, "after");

	if (strcmp(request->method, "list") == 0 && !after)
		return rpc_result_format(request->id,
					 json_pack("{s[{sissss}]sb}", "leases",
						   "id", 7, "group", "g",
						   "inner", "1.1.1.1:1@a",
						   "more", 1));
	if (strcmp(request->method, "list") == 0)
		return rpc_result_format(request->id,
					 json_pack("{s[{sisssi}]sb}", "leases",
						   "id", 8, "group", "h",
						   "owner", 1001, "more", 0));
	if (strcmp(request->method, "release") == 0)
		return rpc_error_format(request->id, RPC_NOT_FOUND,
					"there is no such lease",
					json_pack("{ss}", "reason", "gone"));
	if (strcmp(request->method, "explain") == 0)
		return rpc_result_format(
			request->id,
			json_pack("{sssbsssOsssOsOssss, s[{sisssn}{siss}]}",
				  "verdict", "in", "forwarded", 1, "reason",
				  "because", "from",
				  json_object_get(request->params, "from"),
				  "to", "b", "source",
				  json_object_get(request->params, "source"),
				  "destination",
				  json_object_get(request->params,
						  "destination"),
				  "source_after", "1.1.1.1:1",
				  "destination_after", "2.2.2.2:2", "rules",
				  "id", 8, "part", "destination", "condition",
				  "id", 9, "part", "source"));
	if (strcmp(request->method, "pools") == 0)
		return NULL;
	if (strcmp(request->method, "status") == 0)
		return strdup("this is no answer\n");
	/* "ask": what was asked comes back. */
	return rpc_result_format(request->id,
				 json_pack("{sO}", "params", request->params));
}

static void serve_one(int listener)
{
	struct rpc_request request;
	const char *error;
	char line[4096];
	ssize_t len;
	json_t *id;
	char *text;
	int fd;

	do {
		fd = sock_accept(listener);
		if (fd < 0)
			usleep(1000);
	} while (fd < 0);
	do {
		len = recv(fd, line, sizeof(line), 0);
		if (len < 0)
			usleep(1000);
	} while (len < 0);
	if (rpc_request_parse(line, (size_t)len, &request, &id, &error) == 0) {
		text = answer(&request);
		if (text && write(fd, text, strlen(text)) < 0)
			_exit(1);
		free(text);
		rpc_request_done(&request);
	}
	close(fd);
}

static void set_up(void)
{
	char path[100];
	int listener;

	strcpy(folder, "/tmp/viaduct-cli-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path_of("natctl.sock", path);
	listener = sock_listen(path, SOCK_STREAM, 0600);
	ck_assert_int_ge(listener, 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		alarm(SERVE_SECONDS);
		for (;;)
			serve_one(listener);
	}
	close(listener);
}

static void tear_down(void)
{
	static const char *const names[] = { "natctl.sock", "conf",
					     "translator.sock" };
	char path[100];

	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	for (size_t i = 0; i < 3; i++) {
		path_of(names[i], path);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

/* Runs "viaduct --rundir FOLDER ARGUMENTS"; what it says is in `told`. */
static int run(const char *arguments)
{
	char command[1000];
	size_t len;
	FILE *out;
	int status;

	snprintf(command, sizeof(command), "./viaduct --rundir %s %s 2>&1",
		 folder, arguments);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	len = fread(told, 1, sizeof(told) - 1, out);
	told[len] = '\0';
	status = pclose(out);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(pages_are_joined_to_one_table)
{
	set_up();
	ck_assert_int_eq(run("leases"), 0);
	ck_assert_str_eq(
		told,
		"ID  GROUP  INNER        OUTER  KIND  PORTS  PROTOCOL  "
		"CONDITIONS  REMOTE  EXPIRES-IN\n"
		"7   g      1.1.1.1:1@a  -      -     -      -         -     "
		"      -       -\n"
		"8   h      -            -      -     -      -         -     "
		"      -       -\n");
	ck_assert_int_eq(run("leases --json"), 0);
	ck_assert_ptr_nonnull(strstr(told, "\"id\": 8"));
	tear_down();
}
END_TEST

START_TEST(an_ask_says_all_that_was_wanted)
{
	set_up();
	ck_assert_int_eq(
		run("--json ask --group g --inner 1.1.1.1:1@a --realm b "
		    "--ports 2 --kind both --outer 3.3.3.3 --pool p --mode "
		    "strict --source 9.9.9.0/24:5-6 --source 8.8.8.8 --remote "
		    "7.7.7.7 --lifetime 60 --protocol udp | tr -d ' \\n'"),
		0);
	ck_assert_str_eq(
		told, "{\"params\":{\"group\":\"g\",\"lifetime\":60,"
		      "\"leases\":[{\"inner\":\"1.1.1.1:1@a\",\"realm\":\"b\","
		      "\"ports\":2,\"kind\":\"both\",\"protocol\":\"udp\","
		      "\"remote\":\"7.7.7.7\",\"request\":{\"outer\":"
		      "\"3.3.3.3\",\"pool\":\"p\",\"mode\":\"strict\"},"
		      "\"conditions\":[{\"source\":\"9.9.9.0/24\",\"ports\":"
		      "\"5-6\"},{\"source\":\"8.8.8.8\"}]}]}}");
	tear_down();
}
END_TEST

START_TEST(explain_tells_verdict_rules_and_whose_they_are)
{
	char path[100];

	set_up();
	path_of("translator.sock", path);
	ck_assert_int_eq(symlink("natctl.sock", path), 0);
	ck_assert_int_eq(run("explain udp 1.1.1.1:1 3.3.3.3:3 --from a"), 0);
	ck_assert_str_eq(
		told,
		"in: because\n"
		"arrives  1.1.1.1:1 > 3.3.3.3:3  in realm a\n"
		"leaves   1.1.1.1:1 > 2.2.2.2:2  in realm b\n"
		"\n"
		"PART         ID  GROUP  OWNER  KIND  INNER  OUTER  PORTS  "
		"REMOTE  CONDITION\n"
		"destination  8   -      1001   -     -      -      -      "
		"-       -\n"
		"source       9   -      -      -     -      -      -      "
		"-       -\n");
	ck_assert_int_eq(run("explain udp 1.1.1.1:1 3.3.3.3:3 --from a --json"),
			 0);
	ck_assert_ptr_nonnull(strstr(told, "\"owner\": 1001"));
	ck_assert_int_eq(run("explain udp 1.1.1.1:1 3.3.3.3:3"), 2);
	ck_assert_int_eq(run("explain udp 1.1.1.1:1 --from a"), 2);
	tear_down();
}
END_TEST

START_TEST(failures_have_a_reason_and_a_status)
{
	set_up();
	ck_assert_int_eq(run("release --lease 5"), 1);
	ck_assert_str_eq(told, "viaduct: NOT_FOUND: there is no such lease "
			       "(gone)\n");
	ck_assert_int_eq(run("pools"), 1);
	ck_assert_ptr_nonnull(strstr(told, "natctl.sock: Connection reset"));
	ck_assert_int_eq(run("status"), 1);
	ck_assert_ptr_nonnull(strstr(told, "natctl.sock: Bad message"));
	ck_assert_ptr_nonnull(strstr(told, "proxy.sock: No such file"));
	ck_assert_int_eq(run("rules"), 1);
	ck_assert_int_eq(run("nonsense"), 2);
	ck_assert_int_eq(run("leases extra"), 2);
	ck_assert_int_eq(run("leases --color x"), 2);
	ck_assert_int_eq(run("ask --group g"), 2);
	ck_assert_int_eq(run("release"), 2);
	ck_assert_int_eq(run("refresh --group g"), 2);
	ck_assert_int_eq(run("refresh --lifetime 60"), 2);
	ck_assert_int_eq(run("tighten --lease 1"), 2);
	ck_assert_int_eq(run("tighten --remote 1.1.1.1"), 2);
	ck_assert_int_eq(run("events --event never"), 2);
	ck_assert_int_eq(run("release --group g --lease 1"), 2);
	ck_assert_int_eq(run(""), 2);
	ck_assert_int_eq(run("--help"), 0);
	ck_assert_ptr_nonnull(strstr(told, "usage: viaduct"));
	ck_assert_int_eq(run("--version"), 0);
	ck_assert_str_eq(told, "viaduct " PACKAGE_VERSION "\n");
	tear_down();
}
END_TEST

START_TEST(check_tells_mistakes_and_the_rundir_comes_from_the_file)
{
	char path[100], command[300];
	FILE *file;

	set_up();
	path_of("conf", path);
	file = fopen(path, "w");
	fprintf(file,
		"rundir = \"%s\"\nrealm a { interface = x\npool = "
		"\"1.1.1.1:2-%d\" }\n",
		folder, 3);
	fclose(file);
	snprintf(command, sizeof(command), "check %s", path);
	ck_assert_int_eq(run(command), 0);
	ck_assert_ptr_nonnull(strstr(told, "conf: no mistakes\n"));
	snprintf(command, sizeof(command),
		 "--json leases >/dev/null; ./viaduct -c %s leases", path);
	ck_assert_int_eq(run(command), 0);
	ck_assert_ptr_nonnull(strstr(told, "1.1.1.1:1@a"));
	file = fopen(path, "a");
	fputs("size = 5\n", file);
	fclose(file);
	snprintf(command, sizeof(command), "check %s", path);
	ck_assert_int_eq(run(command), 1);
	ck_assert_ptr_nonnull(strstr(told, "conf:4: \"size\" is no setting\n"));
	snprintf(command, sizeof(command),
		 "--json leases >/dev/null; ./viaduct -c %s leases", path);
	ck_assert_int_eq(run(command), 1);
	ck_assert_ptr_nonnull(strstr(told, "conf:4: \"size\" is no setting\n"));
	tear_down();
}
END_TEST

START_TEST(a_password_is_one_line_of_standard_input)
{
	char path[100], command[300];

	set_up();
	path_of("conf", path);
	snprintf(command, sizeof(command),
		 "passwd %s alice a.example </dev/null", path);
	ck_assert_int_eq(run(command), 1);
	snprintf(command, sizeof(command),
		 "passwd %s al:ice a.example </dev/null", path);
	ck_assert_int_eq(run(command), 2);
	snprintf(command, sizeof(command),
		 "--version; echo x | ./viaduct passwd %s alice a.example; cat "
		 "%s",
		 path, path);
	ck_assert_int_eq(run(command), 0);
	ck_assert_ptr_nonnull(strstr(told, "alice:a.example:"));
	tear_down();
}
END_TEST

/* Types two lines at the prompts of viaduct passwd; its exit status. */
static int type_passwords(const char *path, const char *first,
			  const char *second)
{
	char byte;
	int fd, status;
	pid_t child = forkpty(&fd, NULL, NULL, NULL);

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		alarm(SERVE_SECONDS);
		execl("./viaduct", "viaduct", "passwd", path, "al", "a.example",
		      (char *)NULL);
		_exit(99);
	}
	told[0] = '\0';
	for (size_t used = 0; used < sizeof(told) - 1;) {
		if (read(fd, &byte, 1) != 1)
			break;
		told[used++] = byte;
		told[used] = '\0';
		if (strcmp(told, "Password: ") == 0)
			ck_assert_int_gt(write(fd, first, strlen(first)), 0);
		if (used > 7 && strcmp(told + used - 7, "Again: ") == 0)
			ck_assert_int_gt(write(fd, second, strlen(second)), 0);
	}
	close(fd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(on_a_terminal_a_password_is_typed_twice_and_not_seen)
{
	char path[100];

	set_up();
	path_of("conf", path);
	ck_assert_int_eq(type_passwords(path, "secret\n", "secret\n"), 0);
	ck_assert_str_eq(told, "Password: \r\nAgain: \r\n");
	ck_assert_int_eq(access(path, R_OK), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(type_passwords(path, "secret\n", "sacred\n"), 1);
	ck_assert_ptr_nonnull(strstr(told, "the two passwords differ"));
	ck_assert_int_ne(access(path, R_OK), 0);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pages_are_joined_to_one_table,
		an_ask_says_all_that_was_wanted,
		explain_tells_verdict_rules_and_whose_they_are,
		failures_have_a_reason_and_a_status,
		check_tells_mistakes_and_the_rundir_comes_from_the_file,
		a_password_is_one_line_of_standard_input,
		on_a_terminal_a_password_is_typed_twice_and_not_seen,
		NULL,
	};

	return suite_run("viaduct", tests);
}
