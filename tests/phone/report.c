/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the phone tells its test: one JSON object a line on stdout. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

struct report {
	FILE *out; /* owned */
	FILE *log; /* owned, may be NULL */
};

struct report *report_new(const char *log_file)
{
	struct report *report = need(sizeof(*report));
	int fd = dup(STDOUT_FILENO);

	if (fd >= 0)
		report->out = fdopen(fd, "w");
	if (!report->out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		goto fail;
	if (log_file) {
		report->log = fopen(log_file, "a");
		if (!report->log)
			goto fail;
	}
	return report;
fail:
	report_free(report);
	return NULL;
}

void report_free(struct report *report)
{
	int error = errno;

	if (!report)
		return;
	if (report->out)
		fclose(report->out);
	if (report->log)
		fclose(report->log);
	free(report);
	errno = error;
}

static void log_line(struct report *report, const char *line)
{
	struct timespec now;

	if (!report->log)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(report->log, "%lld.%06ld %s\n", (long long)now.tv_sec,
		now.tv_nsec / 1000, line);
	fflush(report->log);
}

void report_event(struct report *report, const char *name, json_t *fields)
{
	json_t *object = json_object();
	char *line;

	json_object_set_new(object, "event", json_string(name));
	if (fields) {
		json_object_update(object, fields);
		json_decref(fields);
	}
	line = json_dumps(object, JSON_COMPACT);
	if (line) {
		fprintf(report->out, "%s\n", line);
		fflush(report->out);
		log_line(report, line);
	}
	free(line);
	json_decref(object);
}

void report_error(struct report *report, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	report_event(report, "error",
		     json_pack("{s:o}", "text", report_text(line)));
}

void report_message(struct report *report, const char *name, const char *bytes,
		    size_t length, const char *peer)
{
	report_event(report, name,
		     json_pack("{s:o,s:s}", "message",
			       report_string(bytes, length), "peer", peer));
}

json_t *report_string(const char *bytes, size_t length)
{
	json_t *string = json_stringn(bytes ? bytes : "", bytes ? length : 0);
	struct text wide = TEXT_EMPTY;

	if (string)
		return string;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		char pair[2] = { (char)(0xc0 | byte >> 6),
				 (char)(0x80 | (byte & 0x3f)) };

		if (byte < 0x80)
			text_add_bytes(&wide, &bytes[i], 1);
		else
			text_add_bytes(&wide, pair, 2);
	}
	string = json_stringn(wide.data, wide.length);
	text_done(&wide);
	return string;
}

json_t *report_text(const char *string)
{
	return report_string(string, string ? strlen(string) : 0);
}
