/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the phone tells its test: one JSON object a line on stdout. */
#ifndef PHONE_REPORT_H
#define PHONE_REPORT_H

#include <jansson.h>
#include <stddef.h>

struct report;

/* Takes over stdout: from here on, whatever a library prints goes to stderr.
 * log_file may be NULL; it gets every event with a time stamp. NULL with errno
 * set when a file cannot be opened. */
struct report *report_new(const char *log_file);
void report_free(struct report *report);

/* Adds "event":name to the fields (consumed; NULL for none) and writes it. */
void report_event(struct report *report, const char *name, json_t *fields);
void report_error(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "sent" or "received": the whole message byte for byte. */
void report_message(struct report *report, const char *name, const char *bytes,
		    size_t length, const char *peer);
/* A JSON string of the bytes. What is not UTF-8 is taken as Latin-1, one
 * character a byte, so that nothing is lost. NULL gives "". */
json_t *report_string(const char *bytes, size_t length);
json_t *report_text(const char *string);

#endif
