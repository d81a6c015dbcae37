/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel: clients and their requests; and the manager's clock. */
#ifndef VIADUCT_NATCTL_CONTROL_H
#define VIADUCT_NATCTL_CONTROL_H

#include <sys/types.h>

struct control;
struct event_base;
struct manager;

#define CONTROL_CLIENTS_MAX 256
#define CONTROL_MODE        0660
#define CONTROL_TICK_MS     1000 /* at the latest */

/*
 * Listens at `path` and brings requests to the manager, which is not owned.
 * 0 or -Exxx as rpcserver_new.
 */
int control_new(struct event_base *base, const char *path,
		struct manager *manager, struct control **ret_control);
/* Requests without an answer get none; the manager may still answer them. */
void control_stop(struct control *control);
/* After the manager has answered all. */
void control_free(struct control *control);

#endif
