/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the test, one a line on stdin. */
#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "registration.h"

struct command {
	struct phone *phone;   /* not owned */
	struct event *reading; /* owned */
	size_t length;
	char line[4096]; /* what has come of the line so far */
};

static void on_options_answered(struct exchange *exchange,
				const struct message *response, void *arg)
{
	if (response && message_status(response) < 200)
		return;
	phone_report_response(arg, "OPTIONS", response);
	exchange_free(exchange);
}

static int do_options(struct phone *phone, char *uri)
{
	struct request *request;

	if (!*uri)
		return -EINVAL;
	request = phone_request(phone, "OPTIONS", uri, uri);
	exchange_new(phone, request, &phone->options_cseq, on_options_answered,
		     phone);
	return 0;
}

static int do_register(struct phone *phone, char *rest)
{
	(void)rest;
	registration_send(phone->registration, phone->options->expires);
	return 0;
}

static int do_unregister(struct phone *phone, char *rest)
{
	(void)rest;
	registration_send(phone->registration, 0);
	return 0;
}

static int do_call(struct phone *phone, char *uri)
{
	return *uri ? call_dial(phone, uri) : -EINVAL;
}

static int do_ring(struct phone *phone, char *rest)
{
	(void)rest;
	return call_ring(phone->call);
}

static int do_answer(struct phone *phone, char *rest)
{
	(void)rest;
	return call_answer(phone->call);
}

static int do_reject(struct phone *phone, char *status)
{
	return call_reject(phone->call, (int)strtol(status, NULL, 10));
}

static int do_cancel(struct phone *phone, char *rest)
{
	(void)rest;
	return call_cancel(phone->call);
}

static int do_hangup(struct phone *phone, char *rest)
{
	(void)rest;
	return call_hangup(phone->call);
}

static int do_reinvite(struct phone *phone, char *rest)
{
	struct address locals[MEDIA_STREAMS];
	unsigned n = 0;

	for (char *word; (word = strsep(&rest, " ")) != NULL;) {
		if (!*word)
			continue;
		if (n == MEDIA_STREAMS || address_parse(word, &locals[n]))
			return -EINVAL;
		n++;
	}
	return call_change(phone->call, locals, n);
}

static int do_hold(struct phone *phone, char *rest)
{
	(void)rest;
	return call_hold(phone->call, true);
}

static int do_unhold(struct phone *phone, char *rest)
{
	(void)rest;
	return call_hold(phone->call, false);
}

static int do_info(struct phone *phone, char *body)
{
	return call_info(phone->call, body);
}

static int do_media(struct phone *phone, char *what)
{
	if (!strcmp(what, "start"))
		media_start(phone->media);
	else if (!strcmp(what, "stop"))
		media_stop(phone->media);
	else if (!strcmp(what, "once"))
		return media_once(phone->media) ? 0 : -EDESTADDRREQ;
	else
		return -EINVAL;
	return 0;
}

static int do_stats(struct phone *phone, char *rest)
{
	(void)rest;
	report_event(phone->report, "stats", media_stats(phone->media));
	return 0;
}

static int do_quit(struct phone *phone, char *rest)
{
	(void)rest;
	event_base_loopbreak(phone->base);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct phone *phone, char *rest);
	bool needs_call;
} commands[] = {
	{ "register", do_register, false },
	{ "unregister", do_unregister, false },
	{ "call", do_call, false },
	{ "ring", do_ring, true },
	{ "answer", do_answer, true },
	{ "reject", do_reject, true },
	{ "cancel", do_cancel, true },
	{ "hangup", do_hangup, true },
	{ "reinvite", do_reinvite, true },
	{ "hold", do_hold, true },
	{ "unhold", do_unhold, true },
	{ "options", do_options, false },
	{ "info", do_info, true },
	{ "media", do_media, false },
	{ "stats", do_stats, false },
	{ "quit", do_quit, false },
};

static int run(struct phone *phone, const char *name, char *rest)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].needs_call && !phone->call)
			return -ENOENT;
		return commands[i].fn(phone, rest);
	}
	return -ENOSYS;
}

static const char *why(int error)
{
	switch (error) {
	case -ENOSYS:
		return "no such command";
	case -ENOENT:
		return "there is no call";
	case -EINVAL:
		return "not now, or not with these words";
	case -EDESTADDRREQ:
		return "no stream has a far end to send to";
	default:
		return strerror(-error);
	}
}

static void run_line(struct phone *phone, char *line)
{
	char *rest = line + strcspn(line, " ");
	int error;

	if (*rest)
		*rest++ = '\0';
	if (!*line)
		return;
	error = run(phone, line, rest);
	if (error)
		report_error(phone->report, "%s: %s", line, why(error));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct command *command = arg;
	char *line = command->line;
	ssize_t got = read(fd, line + command->length,
			   sizeof(command->line) - 1 - command->length);
	char *end;

	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		event_base_loopbreak(command->phone->base);
		return;
	}
	command->length += (size_t)got;
	line[command->length] = '\0';
	while ((end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		run_line(command->phone, line);
		line = end + 1;
	}
	command->length = strlen(line);
	memmove(command->line, line, command->length + 1);
	if (command->length == sizeof(command->line) - 1) {
		report_error(command->phone->report, "command line too long");
		command->length = 0;
	}
}

struct command *command_new(struct phone *phone, int fd)
{
	struct command *command = need(sizeof(*command));

	command->phone = phone;
	command->reading = event_new(phone->base, fd, EV_READ | EV_PERSIST,
				     on_readable, command);
	event_add(command->reading, NULL);
	return command;
}

void command_free(struct command *command)
{
	if (!command)
		return;
	event_free(command->reading);
	free(command);
}
