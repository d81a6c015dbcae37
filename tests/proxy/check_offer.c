/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the cases of tests/proxy/offer/. */
#include "config.h"

#include "proxy/offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/proxy/corpus.h"
#include "tests/proxy/suite.h"

#define FORKS_MAX 4

struct run {
	const char *path;
	int line;
	struct offer offer;
	struct {
		char name[32];
		struct offer offer;
	} forks[FORKS_MAX];
	size_t fork_count;
	size_t case_count;
	size_t step_count;
};

static enum offer_method method_of(const char *name)
{
	if (strcmp(name, "INVITE") == 0)
		return OFFER_INVITE;
	if (strcmp(name, "ACK") == 0)
		return OFFER_ACK;
	if (strcmp(name, "PRACK") == 0)
		return OFFER_PRACK;
	return strcmp(name, "UPDATE") == 0 ? OFFER_UPDATE : OFFER_OTHER;
}

static void format_result(const struct offer_result *result, char *buf,
			  size_t size)
{
	static const char *const names[] = {
		[OFFER_ROLE_NONE] = "none",
		[OFFER_ROLE_OFFER] = "offer",
		[OFFER_ROLE_ANSWER] = "answer",
		[OFFER_ROLE_PREVIEW] = "preview",
		[OFFER_ROLE_REPEAT] = "repeat",
		[OFFER_ROLE_ROLLBACK] = "rollback",
		[OFFER_ROLE_UNRELATED] = "unrelated",
		[OFFER_ROLE_ERROR] = "error",
	};

	if (result->fatal)
		snprintf(buf, size, "fatal");
	else if (result->status)
		snprintf(buf, size, "error %d", result->status);
	else
		snprintf(buf, size, "%s", names[result->role]);
}

/* "caller INVITE 183r sdp" */
static struct offer_event event_of(const struct run *run, char *text)
{
	struct offer_event event = { 0 };
	char *rest, *word = strtok_r(text, " ", &rest);

	ck_assert_msg(word && (strcmp(word, "caller") == 0 ||
			       strcmp(word, "callee") == 0),
		      "%s:%d: no side", run->path, run->line);
	event.from = strcmp(word, "callee") == 0 ? OFFER_CALLEE : OFFER_CALLER;
	word = strtok_r(NULL, " ", &rest);
	ck_assert_msg(word != NULL, "%s:%d: no method", run->path, run->line);
	event.method = method_of(word);
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		if (strcmp(word, "sdp") == 0) {
			event.sdp = true;
			continue;
		}
		event.status = atoi(word);
		event.reliable = word[strlen(word) - 1] == 'r';
		ck_assert_msg(event.status >= 100, "%s:%d: %s", run->path,
			      run->line, word);
	}
	return event;
}

static void run_step(struct run *run, char *text, const char *want)
{
	struct offer_event event = event_of(run, text);
	struct offer_result result = offer_feed(&run->offer, &event);
	char have[64];

	format_result(&result, have, sizeof(have));
	ck_assert_msg(strcmp(have, want) == 0, "%s:%d: %s, not %s (%s)",
		      run->path, run->line, have, want,
		      result.text ? result.text : "");
	ck_assert((result.role == OFFER_ROLE_ERROR) == (result.text != NULL));
	run->step_count++;
}

static void run_up(struct run *run)
{
	static const char *const steps[][2] = {
		{ "caller INVITE sdp", "offer" },
		{ "callee INVITE 200 sdp", "answer" },
		{ "caller ACK", "none" },
	};

	memset(&run->offer, 0, sizeof(run->offer));
	for (size_t i = 0; i < 3; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", steps[i][0]);
		run_step(run, text, steps[i][1]);
	}
}

static void take_fork(struct run *run, const char *name)
{
	for (size_t i = 0; i < run->fork_count; i++) {
		if (strcmp(run->forks[i].name, name) == 0) {
			run->offer = run->forks[i].offer;
			return;
		}
	}
	ck_abort_msg("%s:%d: no fork %s", run->path, run->line, name);
}

static void run_line(struct run *run, char *line)
{
	char *arrow;

	if (*line == '\0' || *line == '#')
		return;
	if (strncmp(line, "case ", 5) == 0) {
		memset(&run->offer, 0, sizeof(run->offer));
		run->fork_count = 0;
		run->case_count++;
	} else if (strcmp(line, "up") == 0) {
		run_up(run);
	} else if (strncmp(line, "fork ", 5) == 0) {
		ck_assert_uint_lt(run->fork_count, FORKS_MAX);
		snprintf(run->forks[run->fork_count].name, 32, "%s", line + 5);
		run->forks[run->fork_count++].offer = run->offer;
	} else if (strncmp(line, "take ", 5) == 0) {
		take_fork(run, line + 5);
	} else {
		arrow = strstr(line, " -> ");
		ck_assert_msg(arrow != NULL, "%s:%d: no ->", run->path,
			      run->line);
		*arrow = '\0';
		run_step(run, line, arrow + 4);
	}
}

static void run_file(const char *path, size_t cases)
{
	struct run run = { .path = path };
	size_t len;
	char *text = corpus_read(path, &len), *line = text, *next;

	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		run.line++;
		run_line(&run, line);
	}
	ck_assert_uint_ge(run.case_count, cases);
	ck_assert_uint_ge(run.step_count, 2 * run.case_count);
	free(text);
}

START_TEST(calls_are_set_up)
{
	run_file("tests/proxy/offer/calls.txt", 14);
}
END_TEST

START_TEST(sessions_are_changed)
{
	run_file("tests/proxy/offer/changes.txt", 7);
}
END_TEST

START_TEST(errors_are_seen)
{
	run_file("tests/proxy/offer/errors.txt", 9);
}
END_TEST

int main(void)
{
	return SUITE_RUN("proxy/offer", calls_are_set_up, sessions_are_changed,
			 errors_are_seen);
}
