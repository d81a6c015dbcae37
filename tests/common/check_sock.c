/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/sock.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sock.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/viaduct-sock-XXXXXX";
static char path[64];

static void set_up(void)
{
	strcpy(folder, "/tmp/viaduct-sock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s", folder);
}

static void tear_down(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(a_socket_has_the_mode_that_was_asked_for)
{
	struct stat st;
	mode_t mask;
	int fd;

	set_up();
	mask = umask(0);
	fd = sock_listen(path, SOCK_STREAM, 0660);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	ck_assert_uint_eq(umask(mask), 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	tear_down();
}
END_TEST

START_TEST(a_client_and_its_server_know_each_other)
{
	struct sock_peer peer = { 0 };
	char byte = 0;
	int listener, client, server;

	set_up();
	listener = sock_listen(path, SOCK_SEQPACKET, 0600);
	ck_assert_int_eq(sock_accept(listener), -EAGAIN);
	client = sock_connect(path, SOCK_SEQPACKET);
	ck_assert_int_ge(client, 0);
	server = sock_accept(listener);
	ck_assert_int_ge(server, 0);
	ck_assert_int_eq(sock_peer(server, &peer), 0);
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_int_eq(write(client, "x", 1), 1);
	ck_assert_int_eq(read(server, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(read(server, &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(client);
	close(server);
	close(listener);
	tear_down();
}
END_TEST

START_TEST(the_path_of_a_dead_server_is_taken_over_that_of_a_living_one_not)
{
	int first, second;

	set_up();
	ck_assert_int_eq(sock_connect(path, SOCK_STREAM), -ENOENT);
	first = sock_listen(path, SOCK_STREAM, 0600);
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(sock_listen(path, SOCK_STREAM, 0600), -EADDRINUSE);
	ck_assert_int_eq(sock_listen(path, SOCK_SEQPACKET, 0600), -EADDRINUSE);
	close(first);
	ck_assert_int_eq(sock_connect(path, SOCK_STREAM), -ECONNREFUSED);
	second = sock_listen(path, SOCK_STREAM, 0600);
	ck_assert_int_ge(second, 0);
	close(second);
	tear_down();
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	struct stat st;
	FILE *file;

	set_up();
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(sock_listen(path, SOCK_STREAM, 0600), -EADDRINUSE);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	tear_down();
}
END_TEST

START_TEST(a_path_that_is_too_long_is_told)
{
	char longer[200];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(sock_listen(longer, SOCK_STREAM, 0600), -ENAMETOOLONG);
	ck_assert_int_eq(sock_connect(longer, SOCK_STREAM), -ENAMETOOLONG);
}
END_TEST

START_TEST(folders_are_made_where_they_are_missing)
{
	char deep[64];
	struct stat st;
	FILE *file;
	int fd;

	set_up();
	snprintf(deep, sizeof(deep), "%s/a/b", folder);
	ck_assert_int_eq(sock_make_dir(deep), 0);
	ck_assert_int_eq(sock_make_dir(deep), 0);
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	fd = open(folder, O_DIRECTORY | O_RDONLY);
	ck_assert_int_eq(unlinkat(fd, "a/b", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(fd, "a", AT_REMOVEDIR), 0);
	close(fd);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(sock_make_dir(path), -ENOTDIR);
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_socket_has_the_mode_that_was_asked_for,
		a_client_and_its_server_know_each_other,
		the_path_of_a_dead_server_is_taken_over_that_of_a_living_one_not,
		a_file_that_is_no_socket_is_left_alone,
		a_path_that_is_too_long_is_told,
		folders_are_made_where_they_are_missing,
		NULL,
	};

	return suite_run("sock", tests);
}
