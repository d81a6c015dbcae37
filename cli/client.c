/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small client of a JSON-RPC server: one request, one answer, then closes. */
#include "config.h"

#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mono.h"
#include "common/sock.h"

#define REQUEST_ID 1

/* 0 when the descriptor is ready for `events`; -ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	do {
		now = mono_ms();
		if (now >= deadline_ms)
			return -ETIMEDOUT;
		n = poll(&poll_fd, 1, (int)(deadline_ms - now));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int send_line(int fd, const char *line, uint64_t deadline_ms)
{
	size_t left = strlen(line);

	while (left > 0) {
		int r = wait_for(fd, POLLOUT, deadline_ms);
		ssize_t n;

		if (r < 0)
			return r;
		n = send(fd, line, left, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			line += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

/* One line without its '\n', owned by the caller. */
static int receive_line(int fd, uint64_t deadline_ms, char **ret,
			size_t *ret_len)
{
	size_t used = 0, size = 0;
	char *line = NULL, *end;
	int r;

	for (;;) {
		ssize_t n;

		if (used == size) {
			size_t longer = size ? size * 2 : 16384;
			char *grown = NULL;

			r = -EMSGSIZE;
			if (longer <= CLIENT_ANSWER_MAX)
				grown = realloc(line, longer);
			if (!grown)
				break;
			line = grown;
			size = longer;
		}
		r = wait_for(fd, POLLIN, deadline_ms);
		if (r < 0)
			break;
		n = recv(fd, line + used, size - used, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		r = n < 0 ? -errno : -ECONNRESET;
		if (n <= 0)
			break;
		end = memchr(line + used, '\n', (size_t)n);
		used += (size_t)n;
		if (!end)
			continue;
		*ret = line;
		*ret_len = (size_t)(end - line);
		return 0;
	}
	free(line);
	return r;
}

int client_call(const char *path, const char *method, json_t *params,
		struct rpc_answer *ret)
{
	uint64_t deadline_ms = mono_ms() + CLIENT_TIMEOUT_MS;
	char *request = rpc_request_format(REQUEST_ID, method, params);
	char *line = NULL;
	size_t len = 0;
	int fd, r;

	if (!request)
		return -ENOMEM;
	fd = sock_connect(path, SOCK_STREAM);
	if (fd < 0) {
		free(request);
		return fd;
	}
	r = send_line(fd, request, deadline_ms);
	if (r == 0)
		r = receive_line(fd, deadline_ms, &line, &len);
	if (r == 0) {
		r = rpc_answer_parse(line, len, ret);
		free(line);
	}
	close(fd);
	free(request);
	return r;
}
