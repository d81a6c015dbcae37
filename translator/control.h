/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the translator tells on its read-only socket: rules, verdicts, status. */
#ifndef VIADUCT_TRANSLATOR_CONTROL_H
#define VIADUCT_TRANSLATOR_CONTROL_H

#include "common/conf.h"
#include "translator/link.h"
#include "translator/worker.h"

struct control;

struct control_options { /* none owned */
	struct event_base *base;
	const char *path;
	const struct conf *conf;
	struct worker *worker;
	const struct link *link;
	uint64_t epoch;
};

/* 0 or -Exxx. */
int control_new(const struct control_options *options,
		struct control **ret_control);
void control_free(struct control *control);

#endif
