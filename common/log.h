/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log lines to stderr: levels, escaping, rate limits. */
#ifndef VIADUCT_COMMON_LOG_H
#define VIADUCT_COMMON_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* `program` stands at the start of each line; not owned. */
void log_open(const char *program, enum log_level level);

/*
 * One line: object, fact, value. Bytes of a peer are escaped: whatever is not
 * printable ASCII leaves as \xHH.
 */
void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#define LOG_LIMIT_BURST     10
#define LOG_LIMIT_PERIOD_MS 10000

/*
 * At most LOG_LIMIT_BURST lines each LOG_LIMIT_PERIOD_MS; the next line tells
 * how many were left out. One per place, caller's storage, zeroed.
 */
struct log_limit {
	uint64_t start_ms;
	unsigned count;
	unsigned suppressed;
};

void log_limited(struct log_limit *limit, uint64_t now_ms, enum log_level level,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
