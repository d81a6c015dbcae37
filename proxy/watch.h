/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One descriptor watched by the proxy's loop. */
#ifndef VIADUCT_PROXY_WATCH_H
#define VIADUCT_PROXY_WATCH_H

#include <sofia-sip/su_wait.h>

/* `revents` as of poll(). May stop or change the watch. */
typedef void (*watch_fn)(short revents, void *arg);

struct watch {
	su_root_t *root; /* not owned */
	watch_fn on_event;
	void *arg;
	int index; /* the loop's; 0: not watched */
	int fd;    /* not owned */
	short events;
};

void watch_init(struct watch *watch, su_root_t *root, watch_fn on_event,
		void *arg);
/* POLLIN and POLLOUT of a descriptor that is not watched. 0 or -Exxx. */
int watch_start(struct watch *watch, int fd, short events);
void watch_change(struct watch *watch, short events);
/* Before the descriptor is closed, or at once after it was. */
void watch_stop(struct watch *watch);

#endif
