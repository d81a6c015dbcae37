/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client of the translator's rule socket. */
#include "natctl/rulelink_parts.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/sock.h"

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;

	(void)fd;
	(void)what;
	if (link->state != RULELINK_DOOMED && rulelink_flush(link) != 0)
		rulelink_close(link, "connection lost");
}

/* NULL, or why the link must be closed. */
static const char *on_hello(struct rulelink *link, struct wire_reader *reader)
{
	struct record *record;
	int rc = -EBADMSG;

	if (link->state == RULELINK_HELLO)
		rc = record_read_hello(reader, link->names);
	if (rc == -EBADMSG)
		return "it broke the protocol";
	if (rc == -EINVAL)
		return "it was started with other realms";
	if (rc == 0)
		rc = record_new_mark(link->seq, WIRE_SYNC_BEGIN, link->buffer,
				     &record);
	if (rc != 0)
		return "no memory";
	link->state = RULELINK_SYNC;
	link->sync_id = 0;
	link->sync_count = 0;
	return rulelink_queue(link, record) == 0 ? NULL : "connection lost";
}

static void on_synchronised(struct rulelink *link)
{
	link->state = RULELINK_UP;
	if (!link->is_usable)
		rulelink_on_usable(link);
}

static const char *on_ack(struct rulelink *link, struct wire_reader *reader)
{
	struct record *record = record_queue_sent(&link->queue);
	enum wire_status status;
	int result;

	if (wire_read_status(reader, &status) != 0 || wire_close(reader) != 0)
		return "it broke the protocol";
	result = record_result(status);
	if (status == WIRE_REALMS)
		return "it was started with other realms";
	if (record == NULL || record->seq != reader->head.seq)
		return "it broke the protocol";
	if (result == -ECONNRESET)
		return "it did not understand a record";
	if (record->done == NULL && result != 0)
		return "it refused a rule of the synchronisation";
	if (record->type == WIRE_DELETE && result != 0)
		return "it refused to remove a rule";
	link->acked_ms = mono_ms();
	(void)record_queue_pop_sent(&link->queue);
	if (link->state == RULELINK_SYNCED && record->seq == link->sync_end_seq)
		on_synchronised(link);
	if (record->done != NULL)
		record->done(result, link->acked_ms, record->arg);
	free(record);
	return NULL;
}

static const char *on_latched(struct rulelink *link, struct wire_reader *reader)
{
	struct wire_latched latched;

	if (wire_read_latched(reader, &latched) != 0 ||
	    wire_close(reader) != 0 ||
	    latched.remote.realm >= link->names->count)
		return "it broke the protocol";
	link->sync.on_latched(&latched, mono_ms(), link->sync.arg);
	return NULL;
}

static const char *on_activity(struct rulelink *link,
			       struct wire_reader *reader)
{
	struct wire_activity activity;

	while (reader->count > 0) {
		if (wire_read_activity(reader, &activity) != 0)
			return "it broke the protocol";
		link->sync.on_activity(&activity, link->sync.arg);
	}
	return wire_close(reader) == 0 ? NULL : "it broke the protocol";
}

static const char *on_record(struct rulelink *link, size_t size)
{
	struct wire_reader reader;

	if (wire_open(&reader, link->buffer, size) != 0)
		return "it broke the protocol";
	if (reader.head.type == WIRE_HELLO)
		return on_hello(link, &reader);
	if (reader.head.type == WIRE_ACK)
		return on_ack(link, &reader);
	if (reader.head.type == WIRE_LATCHED && link->state != RULELINK_HELLO)
		return on_latched(link, &reader);
	if (reader.head.type == WIRE_ACTIVITY && link->is_usable)
		return on_activity(link, &reader);
	return "it broke the protocol";
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;

	(void)what;
	while (link->state != RULELINK_DOOMED) {
		ssize_t size = recv(fd, link->buffer, sizeof(link->buffer),
				    MSG_DONTWAIT);
		const char *why = "connection lost";

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == EAGAIN)
			return;
		if (size > 0)
			why = on_record(link, (size_t)size);
		if (why != NULL) {
			rulelink_close(link, why);
			return;
		}
	}
}

static int open_link(struct rulelink *link)
{
	int size = 2 * WIRE_MAX;
	struct record *record;
	int rc = sock_connect(link->path, SOCK_SEQPACKET);

	if (rc < 0)
		return rc;
	link->fd = rc;
	(void)setsockopt(rc, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	link->readable = event_new(link->base, link->fd, EV_READ | EV_PERSIST,
				   on_readable, link);
	link->writable = event_new(link->base, link->fd, EV_WRITE, on_writable,
				   link);
	rc = -ENOMEM;
	if (link->readable == NULL || link->writable == NULL ||
	    event_add(link->readable, NULL) != 0)
		goto fail;
	rc = record_new_hello(link->seq, link->sync.epoch, link->names,
			      link->buffer, &record);
	if (rc != 0)
		goto fail;
	link->state = RULELINK_HELLO;
	link->taken_ms = mono_ms();
	link->acked_ms = link->taken_ms;
	rc = rulelink_queue(link, record);
	if (rc == 0)
		return 0;
	rulelink_end_records(link);
fail:
	rulelink_close_socket(link);
	link->state = RULELINK_DOWN;
	return rc;
}

/* When what is waited for counts as lost; UINT64_MAX: nothing is. */
static uint64_t lost_at(const struct rulelink *link)
{
	const struct record *record = record_queue_sent(&link->queue);
	uint64_t since = UINT64_MAX - RULELINK_TIMEOUT_MS;

	if (record != NULL)
		since = record->sent_ms > link->acked_ms ? record->sent_ms :
							   link->acked_ms;
	if ((link->sending != NULL || link->state == RULELINK_HELLO) &&
	    link->taken_ms < since)
		since = link->taken_ms;
	return since + RULELINK_TIMEOUT_MS;
}

static void try_open(struct rulelink *link)
{
	int rc = open_link(link);

	if (rc == 0)
		return;
	rulelink_tell(link, strerror(-rc));
	rulelink_connect_later(link);
}

static void check_lost(struct rulelink *link)
{
	uint64_t now_ms = mono_ms();
	uint64_t at_ms = lost_at(link);

	if (at_ms <= now_ms)
		rulelink_close(link, "it does not answer");
	else if (at_ms != UINT64_MAX)
		rulelink_set_timer(link, at_ms - now_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;

	(void)fd;
	(void)what;
	if (link->state == RULELINK_DOWN)
		try_open(link);
	else if (link->state == RULELINK_DOOMED)
		rulelink_close(link, link->doom);
	else
		check_lost(link);
}

/* Rules that nobody has announced again are removed now. */
static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;
	struct record *record;

	(void)fd;
	(void)what;
	if (link->state != RULELINK_GRACE)
		return;
	if (record_new_mark(link->seq, WIRE_SYNC_END, link->buffer, &record) !=
	    0) {
		rulelink_close(link, "no memory");
		return;
	}
	link->sync_end_seq = link->seq;
	link->state = RULELINK_SYNCED;
	if (rulelink_queue(link, record) != 0)
		rulelink_close(link, "connection lost");
}

struct rulelink *rulelink_new(struct event_base *base, const char *path,
			      const struct realm_names *names)
{
	struct rulelink *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->base = base;
	link->names = names;
	link->fd = -1;
	link->state = RULELINK_DOWN;
	link->backoff_ms = RULELINK_BACKOFF_MIN;
	record_queue_init(&link->queue);
	link->path = strdup(path);
	link->timer = evtimer_new(base, on_timer, link);
	link->grace = evtimer_new(base, on_grace_over, link);
	if (link->path != NULL && link->timer != NULL && link->grace != NULL)
		return link;
	rulelink_free(link);
	return NULL;
}

void rulelink_free(struct rulelink *link)
{
	if (link == NULL)
		return;
	if (link->timer != NULL)
		event_free(link->timer);
	if (link->grace != NULL)
		event_free(link->grace);
	rulelink_close_socket(link);
	link->state = RULELINK_DOWN;
	rulelink_end_records(link);
	free(link->path);
	free(link);
}

void rulelink_start(struct rulelink *link, const struct rulelink_sync *sync)
{
	struct timeval tv = { .tv_sec = (time_t)sync->grace_seconds };

	link->sync = *sync;
	link->grace_until_ms = mono_ms() + sync->grace_seconds * UINT64_C(1000);
	(void)evtimer_add(link->grace, &tv);
	rulelink_set_timer(link, 0);
}

static bool takes_changes(const struct rulelink *link)
{
	return link->state >= RULELINK_SYNC && link->state <= RULELINK_UP;
}

static bool has_room(const struct rulelink *link)
{
	return link->queue.count < RULELINK_RECORDS_MAX &&
	       link->queue.bytes < RULELINK_BYTES_MAX;
}

static void queue_change(struct rulelink *link, struct record *record,
			 translator_done_fn done, void *arg)
{
	record->done = done;
	record->arg = arg;
	if (rulelink_queue(link, record) != 0)
		rulelink_doom(link, "connection lost");
}

static int put_rules(void *arg, const struct rule *rules, size_t count,
		     translator_done_fn done, void *done_arg)
{
	struct rulelink *link = arg;
	struct record *record;
	int rc;

	if (!takes_changes(link))
		return -ENOTCONN;
	if (!has_room(link))
		return -ENOBUFS;
	rc = record_new_rules(link->seq, rules, count, link->buffer, &record);
	if (rc == 0)
		queue_change(link, record, done, done_arg);
	return rc;
}

/* All of the records, or none: those of the list. */
static int build_removals(struct rulelink *link, const uint64_t *ids,
			  size_t count, struct list *list)
{
	uint32_t seq = link->seq;
	int rc = 0;

	for (size_t done = 0, part; done < count && rc == 0; done += part) {
		struct record *record;

		part = count - done;
		if (part > RULELINK_REMOVE_MAX)
			part = RULELINK_REMOVE_MAX;
		rc = record_new_ids(seq++, &ids[done], part, link->buffer,
				    &record);
		if (rc == 0)
			list_add_tail(list, &record->node);
	}
	return rc;
}

static int remove_rules(void *arg, const uint64_t *ids, size_t count,
			translator_done_fn done, void *done_arg)
{
	struct rulelink *link = arg;
	struct list records;
	int rc;

	if (!takes_changes(link))
		return -ENOTCONN;
	list_init(&records);
	rc = build_removals(link, ids, count, &records);
	while (!list_is_empty(&records)) {
		struct record *record = container_of(records.next,
						     struct record, node);
		bool last = records.next->next == &records;

		list_remove(&record->node);
		if (rc != 0)
			free(record);
		else
			queue_change(link, record, last ? done : NULL,
				     done_arg);
	}
	return rc;
}

static void watch_rules(void *arg, const struct wire_watch *watches,
			size_t count)
{
	struct rulelink *link = arg;
	struct record *record;

	if (!link->is_usable || !takes_changes(link))
		return; /* on_link tells when it can be done */
	if (link->queue.bytes >= RULELINK_BYTES_MAX ||
	    record_new_watches(link->seq, watches, count, link->buffer,
			       &record) != 0)
		log_warn("translator: does not keep up: %zu leases are not "
			 "watched for silence",
			 count);
	else
		queue_change(link, record, NULL, NULL);
}

static bool is_up(const void *arg)
{
	const struct rulelink *link = arg;

	return link->is_usable && link->state != RULELINK_DOOMED;
}

const struct translator_ops rulelink_ops = {
	.put = put_rules,
	.remove = remove_rules,
	.watch = watch_rules,
	.is_up = is_up,
};
