/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/sofia_guard.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sofia-sip/su.h>
#include <sofia-sip/su_time.h>

#include "common/mono.h"
#include "tests/proxy/suite.h"

#define LOOPBACK                                                            \
	(struct sockaddr_in)                                                \
	{                                                                   \
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) \
	}

static int bound_socket(struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(*ret);

	*ret = LOOPBACK;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)ret, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	return fd;
}

/* To port 0, which the kernel refuses. */
static ssize_t send_nowhere(int fd, const char *text)
{
	struct sockaddr_in to = LOOPBACK;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
			     .iov_len = strlen(text) };
	struct msghdr msg = { .msg_name = &to,
			      .msg_namelen = sizeof(to),
			      .msg_iov = &iov,
			      .msg_iovlen = 1 };

	return sendmsg(fd, &msg, 0);
}

START_TEST(names_are_not_looked_up)
{
	struct addrinfo hints = { .ai_family = AF_INET }, *list = NULL;

	ck_assert_int_eq(getaddrinfo("localhost", NULL, &hints, &list),
			 EAI_NONAME);
	ck_assert_int_eq(getaddrinfo("127.0.0.1", "5060", NULL, &list), 0);
	freeaddrinfo(list);
}
END_TEST

START_TEST(a_response_never_fails_and_a_request_may)
{
	struct sockaddr_in own;
	int fd = bound_socket(&own);
	uint64_t lost = sofia_guard_lost_responses();

	ck_assert_int_eq(send_nowhere(fd, "SIP/2.0 200 OK\r\n\r\n"), 18);
	ck_assert_uint_eq(sofia_guard_lost_responses(), lost + 1);
	ck_assert_int_lt(send_nowhere(fd, "OPTIONS sip:a SIP/2.0\r\n\r\n"), 0);
	close(fd);
}
END_TEST

/* What is received of a datagram. */
static void pass(const char *text, char *buf, size_t size)
{
	struct sockaddr_in own;
	int fd = bound_socket(&own);
	struct iovec iov = { .iov_base = buf, .iov_len = size - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t got;

	ck_assert_int_eq(sendto(fd, text, strlen(text), 0,
				(struct sockaddr *)&own, sizeof(own)),
			 (ssize_t)strlen(text));
	got = recvmsg(fd, &msg, 0);
	ck_assert_int_eq(got, (ssize_t)strlen(text));
	buf[got] = '\0';
	close(fd);
}

START_TEST(another_version_is_not_seen)
{
	static const char *const kept[] = {
		"OPTIONS sip:a@b SIP/2.0\r\nX: SIP/7.0\r\n\r\n",
		"OPTIONS  sip:a@b  SIP/2.0  \r\n\r\n",
		"SIP/2.0 200 OK\r\n\r\n",
		"no first line",
	};
	char buf[128];
	uint64_t seen = sofia_guard_other_versions();

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		pass(kept[i], buf, sizeof(buf));
		ck_assert_str_eq(buf, kept[i]);
	}
	pass("OPTIONS sip:a@b SIP/7.0\r\n\r\n", buf, sizeof(buf));
	ck_assert_ptr_null(strchr(buf, 'S'));
	pass("OPTIONS sip:a@b SIP/2.01 \r\n\r\n", buf, sizeof(buf));
	ck_assert_ptr_null(strchr(buf, 'S'));
	ck_assert_uint_eq(sofia_guard_other_versions(), seen + 2);
}
END_TEST

START_TEST(a_device_that_is_not_there_fails_the_bind)
{
	struct sockaddr_in own = LOOPBACK;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sofia_guard_bind_device("no-such-device");
	ck_assert_int_lt(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	ck_assert_int_lt(sofia_guard_bind_error(), 0);
	sofia_guard_bind_device(NULL);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	close(fd);
}
END_TEST

START_TEST(a_branch_is_random_and_carries_its_loop)
{
	char a[GUARD_BRANCH_TEXT], b[GUARD_BRANCH_TEXT];
	uint64_t loop = 0;

	sofia_guard_branch(0xfedcba9876543210, a);
	sofia_guard_branch(0xfedcba9876543210, b);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(strncmp(a, "z9hG4bK", 7), 0);
	ck_assert(sofia_guard_branch_loop(a, &loop));
	ck_assert_uint_eq(loop, 0xfedcba9876543210);
	ck_assert(!sofia_guard_branch_loop("z9hG4bKshort", &loop));
	ck_assert(!sofia_guard_branch_loop(NULL, &loop));
}
END_TEST

START_TEST(the_library_counts_monotonic_time_from_now)
{
	su_time_t first, second;

	sofia_guard_init();
	su_time(&first);
	ck_assert_uint_le(first.tv_sec - wall_seconds(), 2208988801UL);
	su_time(&second);
	ck_assert(su_time_cmp(first, second) <= 0);
}
END_TEST

int main(void)
{
	/* The leak checker takes the parent's stack for that of the child. */
	setenv("CK_FORK", "no", 1);
	return SUITE_RUN("sofia_guard", names_are_not_looked_up,
			 a_response_never_fails_and_a_request_may,
			 another_version_is_not_seen,
			 a_device_that_is_not_there_fails_the_bind,
			 a_branch_is_random_and_carries_its_loop,
			 the_library_counts_monotonic_time_from_now);
}
