/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One descriptor watched by the proxy's loop. */
#define SU_WAKEUP_ARG_T struct watch
#include "proxy/watch.h"

#include <errno.h>

void watch_init(struct watch *watch, su_root_t *root, watch_fn on_event,
		void *arg)
{
	watch->root = root;
	watch->on_event = on_event;
	watch->arg = arg;
	watch->index = 0;
	watch->fd = -1;
	watch->events = 0;
}

static int on_wakeup(su_root_magic_t *magic, su_wait_t *wait,
		     struct watch *watch)
{
	(void)magic;
	watch->on_event(wait->revents, watch->arg);
	return 0;
}

int watch_start(struct watch *watch, int fd, short events)
{
	su_wait_t wait[1] = { SU_WAIT_INIT };

	if (su_wait_create(wait, fd, events) < 0)
		return -errno;
	watch->index = su_root_register(watch->root, wait, on_wakeup, watch, 0);
	if (watch->index <= 0) {
		watch->index = 0;
		return -ENOMEM;
	}
	watch->fd = fd;
	watch->events = events;
	return 0;
}

void watch_change(struct watch *watch, short events)
{
	if (watch->index == 0 || watch->events == events)
		return;
	watch->events = events;
	su_root_eventmask(watch->root, watch->index, watch->fd, events);
}

void watch_stop(struct watch *watch)
{
	if (watch->index == 0)
		return;
	su_root_deregister(watch->root, watch->index);
	watch->index = 0;
	watch->fd = -1;
}
