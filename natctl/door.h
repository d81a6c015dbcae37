/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where guests come in: TLS over TCP with certificates at both ends.
 *
 * Who connects has a few seconds (the setting handshake) to show a certificate of the
 * section's authorities that a client section is for; then the stream becomes
 * a client of the control channel's server. At most DOOR_WAITING_MAX are on
 * the way, the oldest of which makes room for one more; and no more than
 * DOOR_A_SECOND are let begin in a second, since each costs arithmetic.
 */
#ifndef VIADUCT_NATCTL_DOOR_H
#define VIADUCT_NATCTL_DOOR_H

#include "common/conf.h"
#include "natctl/manager.h"

#define DOOR_WAITING_MAX 128
#define DOOR_A_SECOND    200

struct door;
struct event_base;
struct rpcserver;

struct door_options {
	struct event_base *base;            /* not owned */
	const struct conf *conf;            /* not owned */
	const struct conf_control *control; /* not owned */
	struct rpcserver *server;           /* not owned */
	struct guest_count *count;          /* not owned */
};

/* Listens. 0 or -Exxx, with a line in the log. */
int door_new(const struct door_options *options, struct door **ret_door);
/* Who is on the way is closed. */
void door_free(struct door *door);
/*
 * Reads the certificates again, for those who come from now on. 0, or -Exxx
 * with a line in the log: those of before go on.
 */
int door_reload(struct door *door);

#endif
