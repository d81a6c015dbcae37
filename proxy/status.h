/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proxy's read-only socket: JSON-RPC 2.0, one object a line. Methods
 * `status`, `calls`, `registrations`.
 */
#ifndef VIADUCT_PROXY_STATUS_H
#define VIADUCT_PROXY_STATUS_H

#include "proxy/dispatch.h"

#define STATUS_CLIENTS_MAX 16
#define STATUS_ROWS_MAX    100 /* of one answer; "more" tells of others */

struct status;

/* 0, or -Exxx after a log line. */
int status_new(const struct dispatch *dispatch, const char *path,
	       struct status **ret_status);
void status_free(struct status *status);

#endif
