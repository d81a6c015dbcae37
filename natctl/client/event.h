/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager tells unasked: out of JSON. Pure. */
#ifndef VIADUCT_NATCTL_CLIENT_EVENT_H
#define VIADUCT_NATCTL_CLIENT_EVENT_H

#include <jansson.h>

#include "natctl/client/natctl.h"

/* The parameters; NULL: no memory. */
json_t *event_subscribe(const struct natctl_subscription *wanted);
/*
 * A line that is no answer. 0; -ENOENT: of no kind that is known here;
 * -EBADMSG. *ret points into *ret_root, which the caller frees.
 */
int event_read(const char *line, size_t len, struct natctl_event *ret,
	       json_t **ret_root);

#endif
