/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A manager of the test's own at the other end of a natctl client. */
#include "tests/natctl/server.h"

#include <check.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sock.h"
#include "tests/translator/faults.h"

struct server server;

static void on_up(uint64_t its_epoch, bool is_new, void *arg)
{
	(void)arg;
	server.ups++;
	server.news += is_new;
	server.epoch = its_epoch;
}

static void on_down(void *arg)
{
	(void)arg;
	server.downs++;
}

void server_on_answer(const struct natctl_answer *answer, void *arg)
{
	struct server_seen *seen = arg;

	seen->count++;
	seen->error = answer->error;
	seen->lease_count = answer->lease_count;
	seen->answer_count = answer->count;
	if (answer->lease_count > 0)
		seen->lease = answer->leases[0];
	(void)snprintf(seen->reason, sizeof(seen->reason), "%s",
		       answer->reason);
}

struct natctl_callback server_to(struct server_seen *seen)
{
	struct natctl_callback callback = { server_on_answer, seen };

	return callback;
}

void server_receive(char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size &&
	       recv(server.peer, line + used, 1, MSG_DONTWAIT) == 1)
		if (line[used++] == '\n')
			break;
	line[used] = '\0';
}

void server_answer(const char *text)
{
	char line[1024];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", text);

	for (size_t i = 0; i < len; i++)
		if (line[i] == '\'')
			line[i] = '"';
	ck_assert_int_eq(send(server.peer, line, len, MSG_NOSIGNAL), (int)len);
}

void server_answer_id(const char *format, int id)
{
	char text[1024];
	const char *mark = strstr(format, "%d");

	(void)snprintf(text, sizeof(text), "%.*s%d%s", (int)(mark - format),
		       format, id, mark + 2);
	server_answer(text);
}

void server_process(void)
{
	struct pollfd pollfd = { .fd = natctl_fd(server.client),
				 .events = natctl_events(server.client) };
	short revents = poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;

	natctl_process(server.client, revents, server.now_ms);
}

void server_take_client(int its_epoch)
{
	char line[256];
	char text[128];
	const char *mark;
	int id;

	server_process();
	server.peer = sock_accept(server.listener);
	ck_assert_int_ge(server.peer, 0);
	server_receive(line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "\"status\""));
	mark = strstr(line, "\"id\":");
	ck_assert_ptr_nonnull(mark);
	id = atoi(mark + 5);
	(void)snprintf(text, sizeof(text),
		       "{'jsonrpc':'2.0','id':%d,'result':{'epoch':%d}}", id,
		       its_epoch);
	server_answer(text);
	server_process();
	ck_assert(natctl_is_up(server.client));
}

void server_begin(void)
{
	struct natctl_hooks hooks = { .on_up = on_up, .on_down = on_down };

	json_set_alloc_funcs(malloc, free);
	faults_begin();
	(void)snprintf(server.path, sizeof(server.path),
		       "/tmp/viaduct-client-%d.sock", (int)getpid());
	server.listener = sock_listen(server.path, SOCK_STREAM, 0600);
	ck_assert_int_ge(server.listener, 0);
	server.peer = -1;
	server.now_ms = 10000;
	server.ups = server.news = server.downs = 0;
	server.client = natctl_new(server.path, SERVER_TIMEOUT, &hooks);
	ck_assert_ptr_nonnull(server.client);
}

void server_end(void)
{
	natctl_free(server.client);
	if (server.peer >= 0)
		close(server.peer);
	close(server.listener);
	unlink(server.path);
	faults_end();
}

const struct natctl_want server_want = { .inner = "2.2.2.2:2222@inside",
					 .realm = "outside",
					 .ports = 2 };
const struct natctl_ask server_ask = { .group = "g",
				       .wants = &server_want,
				       .want_count = 1 };
