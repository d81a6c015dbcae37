/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel: clients and their requests; and the manager's clock. */
#ifndef VIADUCT_NATCTL_CONTROL_H
#define VIADUCT_NATCTL_CONTROL_H

#include <sys/types.h>

struct conf;
struct control;
struct event_base;
struct guest_count;
struct manager;

#define CONTROL_CLIENTS_MAX 256
#define CONTROL_GUESTS_MAX  1024
#define CONTROL_MODE        0660
#define CONTROL_TICK_MS     1000 /* at the latest */

/*
 * Listens at `path` and brings requests to the manager, which is not owned.
 * 0 or -Exxx as rpcserver_new.
 */
int control_new(struct event_base *base, const struct conf *conf,
		const char *path, struct manager *manager,
		struct control **ret_control);
/* Listens for guests where the configuration says. 0 or -Exxx, logged. */
int control_open_doors(struct control *control, struct guest_count *count);
/* Reads the certificates of the doors again. */
void control_reload(struct control *control);
/* Requests without an answer get none; the manager may still answer them. */
void control_stop(struct control *control);
/* After the manager has answered all. */
void control_free(struct control *control);

#endif
