/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places that a request which starts something may go to, tried one after
 * the other: the next when one cannot be reached, is silent, or answers with a
 * status that the section route names.
 */
#ifndef VIADUCT_PROXY_HUNT_H
#define VIADUCT_PROXY_HUNT_H

#include "proxy/dispatch.h"
#include "proxy/relay.h"

#define HUNT_TARGETS_MAX 32

struct hunt_target {
	struct flow flow;
	const struct trunk *trunk; /* not owned; NULL: a user */
	const char *uri;           /* in the hunt's home */
};

struct hunt {
	su_home_t *home;                /* owned */
	const struct conf_route *route; /* not owned; or NULL */
	enum limit_how how;
	struct hunt_target targets[HUNT_TARGETS_MAX];
	size_t count;
	size_t next;     /* of `targets`: not tried yet */
	uint64_t due_ms; /* when the one under way has been silent for long */
};

/* NULL: no memory. `route`: whose statuses and time hold, or NULL. */
struct hunt *hunt_new(const struct conf_route *route);
void hunt_free(struct hunt *hunt);
/* A further target, `uri` is copied; false: no room. */
bool hunt_add(struct hunt *hunt, const struct flow *flow,
	      const struct trunk *trunk, const char *uri);
/* The next target whose trunk may take one more (`out`), or NULL. */
const struct hunt_target *hunt_take(struct hunt *hunt, struct limit **out);

/* The request of the call is sent: from now on the target has its time. */
void hunt_sent(struct call *call);
/* A provisional response other than 100: the target is no longer silent. */
void hunt_sign(struct call *call);
/*
 * A final status has come, or a request could not be sent. True: the request
 * goes to another target, and the relay may be gone.
 */
bool hunt_failed(struct relay *relay, int status);
/* What is due at this time. The call may be freed: true. */
bool hunt_tick(struct call *call, uint64_t now_ms);

#endif
