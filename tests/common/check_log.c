/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/log.c and common/mono.c. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "tests/common/suite.h"

static char told[64 * 1024];
static int ends[2], old_stderr;

static void capture(enum log_level level)
{
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	old_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	log_open("prog", level);
}

/* What was logged since; the stream is as it was. */
static const char *captured(void)
{
	ssize_t n = read(ends[0], told, sizeof(told) - 1);

	told[n > 0 ? n : 0] = '\0';
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(ends[0]);
	close(ends[1]);
	return told;
}

START_TEST(a_line_names_program_and_level)
{
	capture(LOG_LEVEL_DEBUG);
	log_error("a %d", 1);
	log_warn("b");
	log_info("c");
	log_debug("d");
	ck_assert_str_eq(captured(), "prog: error: a 1\nprog: warning: b\n"
				     "prog: c\nprog: debug: d\n");
}
END_TEST

START_TEST(levels_behind_the_chosen_one_are_left_out)
{
	capture(LOG_LEVEL_WARN);
	log_error("a");
	log_info("c");
	log_debug("d");
	ck_assert_str_eq(captured(), "prog: error: a\n");
}
END_TEST

START_TEST(bytes_of_a_peer_do_not_reach_the_terminal)
{
	capture(LOG_LEVEL_INFO);
	log_info("%s", "x\x1b[31m\r\nprog: error: no\x7f\xc3\xa9");
	ck_assert_str_eq(captured(), "prog: x\\x1b[31m\\x0d\\x0aprog: error: "
				     "no\\x7f\\xc3\\xa9\n");
}
END_TEST

START_TEST(a_line_has_an_end)
{
	static char text[10000];
	size_t len;

	memset(text, 1, sizeof(text) - 1);
	capture(LOG_LEVEL_INFO);
	log_info("%s", text);
	captured();
	len = strlen(told);
	ck_assert_uint_lt(len, 9000);
	ck_assert_str_eq(told + len - 4, "...\n");
	ck_assert_ptr_eq(strchr(told, '\n'), told + len - 1);
}
END_TEST

START_TEST(a_flood_is_cut_and_its_size_told)
{
	struct log_limit limit = { 0 };
	unsigned lines = 0;

	capture(LOG_LEVEL_INFO);
	for (unsigned i = 0; i < LOG_LIMIT_BURST + 7; i++)
		log_limited(&limit, 1000 + i, LOG_LEVEL_WARN, "x");
	for (const char *c = captured(); *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, LOG_LIMIT_BURST);
	capture(LOG_LEVEL_INFO);
	log_limited(&limit, 1000 + LOG_LIMIT_PERIOD_MS, LOG_LEVEL_WARN, "x");
	ck_assert_str_eq(captured(),
			 "prog: warning: 7 lines like the next one were left "
			 "out\nprog: warning: x\n");
	capture(LOG_LEVEL_INFO);
	log_limited(&limit, 1001 + LOG_LIMIT_PERIOD_MS, LOG_LEVEL_DEBUG, "x");
	ck_assert_str_eq(captured(), "");
}
END_TEST

START_TEST(the_clock_goes_forward_in_its_units)
{
	uint64_t ns = mono_ns(), ms = mono_ms();

	ck_assert_uint_ge(ms, ns / 1000000);
	ck_assert_uint_le(ms - ns / 1000000, 10000);
	ck_assert_uint_ge(mono_ns(), ns);
	ck_assert_uint_gt(wall_seconds(), 1700000000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_line_names_program_and_level,
		levels_behind_the_chosen_one_are_left_out,
		bytes_of_a_peer_do_not_reach_the_terminal,
		a_line_has_an_end,
		a_flood_is_cut_and_its_size_told,
		the_clock_goes_forward_in_its_units,
		NULL,
	};

	return suite_run("log", tests);
}
