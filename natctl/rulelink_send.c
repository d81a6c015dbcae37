/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule link: what is sent, in which order; and how it ends. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "natctl/rulelink_parts.h"

void rulelink_set_timer(struct rulelink *link, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	(void)evtimer_add(link->timer, &tv);
}

void rulelink_close_socket(struct rulelink *link)
{
	if (link->readable != NULL)
		event_free(link->readable);
	if (link->writable != NULL)
		event_free(link->writable);
	link->readable = NULL;
	link->writable = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

void rulelink_end_records(struct rulelink *link)
{
	struct list all;

	record_queue_take_all(&link->queue, link->sending, &all);
	link->sending = NULL;
	while (!list_is_empty(&all)) {
		struct record *record = container_of(all.next, struct record,
						     node);

		list_remove(&record->node);
		if (record->done != NULL)
			record->done(-ECONNRESET, mono_ms(), record->arg);
		free(record);
	}
}

void rulelink_tell(struct rulelink *link, const char *why)
{
	if (strcmp(link->told, why) == 0)
		return;
	(void)snprintf(link->told, sizeof(link->told), "%s", why);
	log_warn("translator: %s; connecting again", why);
}

void rulelink_connect_later(struct rulelink *link)
{
	rulelink_set_timer(link, link->backoff_ms);
	link->backoff_ms *= 2;
	if (link->backoff_ms > RULELINK_BACKOFF_MAX)
		link->backoff_ms = RULELINK_BACKOFF_MAX;
}

void rulelink_close(struct rulelink *link, const char *why)
{
	bool was_usable = link->is_usable;

	rulelink_tell(link, why);
	rulelink_close_socket(link);
	link->state = RULELINK_DOWN;
	link->is_usable = false;
	rulelink_connect_later(link);
	rulelink_end_records(link);
	if (was_usable)
		link->sync.on_link(false, link->sync.arg);
}

void rulelink_doom(struct rulelink *link, const char *why)
{
	link->state = RULELINK_DOOMED;
	link->doom = why;
	event_active(link->timer, EV_TIMEOUT, 1);
}

void rulelink_on_usable(struct rulelink *link)
{
	bool was_usable = link->is_usable;

	link->is_usable = true;
	link->backoff_ms = RULELINK_BACKOFF_MIN;
	link->told[0] = '\0';
	log_info("translator: connected, %zu rules synchronised",
		 link->sync_count);
	if (!was_usable)
		link->sync.on_link(true, link->sync.arg);
}

/*
 * As many rules as fit one record, or the end; nothing: the end is not to be
 * sent yet. 0 or -Exxx.
 */
static int build_sync(struct rulelink *link, struct record **ret)
{
	size_t count;
	int rc = record_new_sync(link->seq, link->sync.next, link->sync.arg,
				 &link->sync_id, link->buffer, ret, &count);

	if (rc != 0)
		return rc;
	if (count == 0 && mono_ms() < link->grace_until_ms) {
		free(*ret);
		*ret = NULL;
		link->state = RULELINK_GRACE;
		rulelink_on_usable(link);
		return 0;
	}
	if (count == 0) {
		link->sync_end_seq = link->seq;
		link->state = RULELINK_SYNCED;
	}
	link->sync_count += count;
	link->seq++;
	return 0;
}

/* Fills link->sending; it stays NULL when there is nothing to send. */
static int pick_record(struct rulelink *link)
{
	const struct record *record = record_queue_unsent(&link->queue);

	if (link->sending != NULL)
		return 0;
	if (link->state == RULELINK_SYNC &&
	    (record == NULL || !record_is_opening(record))) {
		int rc = build_sync(link, &link->sending);

		if (rc != 0 || link->sending != NULL)
			return rc;
	}
	if (record != NULL)
		link->sending = record_queue_pop_unsent(&link->queue);
	return 0;
}

static void await(struct rulelink *link)
{
	if (!evtimer_pending(link->timer, NULL))
		rulelink_set_timer(link, RULELINK_TIMEOUT_MS);
}

int rulelink_flush(struct rulelink *link)
{
	for (;;) {
		struct record *record;
		int rc = pick_record(link);

		record = link->sending;
		if (rc != 0 || record == NULL)
			return rc;
		await(link);
		if (send(link->fd, record->data, record->size,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				return -errno;
			(void)event_add(link->writable, NULL);
			return 0;
		}
		link->taken_ms = mono_ms();
		link->sending = NULL;
		record_queue_add_sent(&link->queue, record, link->taken_ms);
	}
}

int rulelink_queue(struct rulelink *link, struct record *record)
{
	link->seq++;
	record_queue_add(&link->queue, record);
	return rulelink_flush(link);
}
