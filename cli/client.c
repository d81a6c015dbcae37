/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small client of a JSON-RPC server: one request, one answer, then closes. */
#include "config.h"

#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mono.h"

#define REQUEST_ID 1

/* 0 when there may be something to do; -ETIMEDOUT. */
static int wait_for(const struct channel *channel, bool has_output,
		    uint64_t deadline_ms)
{
	struct pollfd poll_fd = {
		.fd = channel->fd, .events = channel_events(channel, has_output)
	};
	uint64_t now;
	int n;

	do {
		now = mono_ms();
		if (now >= deadline_ms)
			return -ETIMEDOUT;
		if (channel_is_readable(channel))
			return 0;
		/* A UNIX socket that is to be sent on need not be read. */
		if (channel->ssl == NULL && has_output)
			poll_fd.events = POLLOUT;
		n = poll(&poll_fd, 1, (int)(deadline_ms - now));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int send_line(struct channel *channel, const char *line,
		     uint64_t deadline_ms)
{
	size_t left = strlen(line);

	while (left > 0) {
		ssize_t n = channel_send(channel, line, left);
		int r;

		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n > 0) {
			line += n;
			left -= (size_t)n;
			continue;
		}
		r = wait_for(channel, true, deadline_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One line without its '\n', owned by the caller. */
static int receive_line(struct channel *channel, uint64_t deadline_ms,
			char **ret, size_t *ret_len)
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
		r = wait_for(channel, false, deadline_ms);
		if (r < 0)
			break;
		n = channel_receive(channel, line + used, size - used);
		if (n == -EAGAIN)
			continue;
		r = n < 0 ? (int)n : -ECONNRESET;
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

int client_call(const struct channel_target *target, const char *method,
		json_t *params, struct rpc_answer *ret, char *fault)
{
	uint64_t deadline_ms = mono_ms() + CLIENT_TIMEOUT_MS;
	char *request = rpc_request_format(REQUEST_ID, method, params);
	struct channel channel = { .fd = -1 };
	char *line = NULL;
	size_t len = 0;
	int r = request ? channel_open(&channel, target) : -ENOMEM;

	if (r == 0)
		r = send_line(&channel, request, deadline_ms);
	if (r == 0)
		r = receive_line(&channel, deadline_ms, &line, &len);
	if (r == 0) {
		r = rpc_answer_parse(line, len, ret);
		free(line);
	}
	if (r < 0)
		snprintf(fault, TLS_FAULT_TEXT, "%s",
			 channel.fault[0] != '\0' ? channel.fault :
						    strerror(-r));
	channel_close(&channel);
	free(request);
	return r;
}
