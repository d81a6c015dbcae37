/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines to stderr: levels, escaping, rate limits. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* of the text, before it is escaped */

static struct {
	const char *program; /* not owned */
	enum log_level level;
} target = { "viaduct", LOG_LEVEL_INFO };

void log_open(const char *program, enum log_level level)
{
	target.program = program;
	target.level = level;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARN:
		return "warning: ";
	case LOG_LEVEL_INFO:
		return "";
	case LOG_LEVEL_DEBUG:
		return "debug: ";
	}
	return "";
}

/* At most 4 bytes leave for each that comes. */
static size_t escape(const char *text, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte >= ' ' && byte <= '~') {
			out[used++] = text[i];
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = digits[byte >> 4];
		out[used++] = digits[byte & 15];
	}
	return used;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *format, va_list args)
{
	char line[256 + LINE_MAX_BYTES * 4 + 1], text[LINE_MAX_BYTES];
	size_t len, used;
	ssize_t written;
	int n;

	n = vsnprintf(text, sizeof(text), format, args);
	if (n < 0)
		return;
	len = strlen(text);
	if ((size_t)n > len)
		memcpy(text + len - 3, "...", 3);
	n = snprintf(line, 256, "%.200s: %s", target.program,
		     level_name(level));
	used = (size_t)n;
	used += escape(text, len, line + used);
	line[used++] = '\n';
	/* One write a line: lines of several programs do not mix. */
	written = write(STDERR_FILENO, line, used);
	(void)written;
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > target.level)
		return;
	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}

void log_limited(struct log_limit *limit, uint64_t now_ms, enum log_level level,
		 const char *format, ...)
{
	unsigned suppressed = 0;
	va_list args;

	if (level > target.level)
		return;
	if (limit->count == 0 ||
	    now_ms - limit->start_ms >= LOG_LIMIT_PERIOD_MS) {
		suppressed = limit->suppressed;
		*limit = (struct log_limit){ .start_ms = now_ms };
	}
	if (limit->count >= LOG_LIMIT_BURST) {
		limit->suppressed++;
		return;
	}
	limit->count++;
	if (suppressed > 0)
		log_write(level, "%u lines like the next one were left out",
			  suppressed);
	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}
