/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What latched, on its way to natctl's link. */
#include "translator/latched.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct latched {
	pthread_mutex_t lock;       /* of all below but fd */
	struct wire_latched *items; /* owned; a ring of `size` */
	size_t size;                /* a power of two */
	size_t first;
	size_t count;
	int fd; /* an eventfd; owned */
};

int latched_new(struct latched **ret)
{
	struct latched *latched = calloc(1, sizeof(*latched));

	if (latched == NULL)
		return -ENOMEM;
	latched->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (latched->fd < 0) {
		free(latched);
		return -errno;
	}
	pthread_mutex_init(&latched->lock, NULL);
	*ret = latched;
	return 0;
}

void latched_free(struct latched *latched)
{
	if (latched == NULL)
		return;
	pthread_mutex_destroy(&latched->lock);
	close(latched->fd);
	free(latched->items);
	free(latched);
}

int latched_fd(const struct latched *latched)
{
	return latched->fd;
}

/* Room for one more? */
static bool reserve(struct latched *latched)
{
	size_t size = latched->size == 0 ? 16 : latched->size * 2;
	struct wire_latched *items;

	if (latched->count < latched->size)
		return true;
	if (size > LATCHED_MAX)
		return false;
	items = calloc(size, sizeof(*items));
	if (items == NULL)
		return false;
	for (size_t i = 0; i < latched->count; i++)
		items[i] = latched->items[(latched->first + i) % latched->size];
	free(latched->items);
	latched->items = items;
	latched->size = size;
	latched->first = 0;
	return true;
}

void latched_add(struct latched *latched, const struct wire_latched *item)
{
	bool added;

	pthread_mutex_lock(&latched->lock);
	added = reserve(latched);
	if (added)
		latched->items[(latched->first + latched->count++) %
			       latched->size] = *item;
	pthread_mutex_unlock(&latched->lock);
	if (added)
		(void)eventfd_write(latched->fd, 1);
}

bool latched_take(struct latched *latched, struct wire_latched *ret)
{
	eventfd_t count;
	bool taken;

	pthread_mutex_lock(&latched->lock);
	taken = latched->count > 0;
	if (taken) {
		*ret = latched->items[latched->first];
		latched->first = (latched->first + 1) % latched->size;
		latched->count--;
	} else {
		(void)eventfd_read(latched->fd, &count);
	}
	pthread_mutex_unlock(&latched->lock);
	return taken;
}
