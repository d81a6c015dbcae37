/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Client of the translator's rule socket. */
#include "natctl/rulelink.h"

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

enum rulelink_state {
	RULELINK_DOWN,   /* waits to connect */
	RULELINK_HELLO,  /* connected; has not been answered */
	RULELINK_SYNC,   /* sends what is in force; changes queue up behind */
	RULELINK_GRACE,  /* all sent; clients may announce what they had */
	RULELINK_SYNCED, /* the end was sent and is not acknowledged */
	RULELINK_UP,
	RULELINK_DOOMED, /* to be closed as soon as the loop runs */
};

struct rulelink {
	struct event_base *base;         /* not owned */
	const struct realm_names *names; /* not owned */
	struct rulelink_sync sync;
	char *path; /* owned */
	enum rulelink_state state;
	bool is_usable;         /* what the manager holds has been sent */
	const char *doom;       /* why; static */
	int fd;                 /* -1: none */
	struct event *readable; /* owned, while connected */
	struct event *writable; /* owned, while connected */
	struct event *timer;    /* owned: connect again, or time-out */
	struct event *grace;    /* owned: the time to announce is over */
	uint64_t grace_until_ms;
	struct record_queue queue;
	struct record *sending; /* owned; the socket has not taken it; or NULL */
	uint64_t taken_ms; /* when the socket last took a record, or was made */
	uint64_t acked_ms; /* likewise, an acknowledgement came */
	uint64_t sync_id;  /* last rule that was synchronised */
	size_t sync_count; /* rules */
	uint32_t sync_end_seq; /* once it was sent */
	uint32_t seq;          /* of the next record */
	unsigned backoff_ms;
	char told[64]; /* why it is down, as the log says; "": it is up */
	uint8_t buffer[WIRE_MAX];
};

static void set_timer(struct rulelink *link, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	(void)evtimer_add(link->timer, &tv);
}

static void close_socket(struct rulelink *link)
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

/* Whoever waits is told that it is not known. */
static void end_records(struct rulelink *link)
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

/* Once for each reason, not for each attempt. */
static void tell(struct rulelink *link, const char *why)
{
	if (strcmp(link->told, why) == 0)
		return;
	(void)snprintf(link->told, sizeof(link->told), "%s", why);
	log_warn("translator: %s; connecting again", why);
}

static void connect_later(struct rulelink *link)
{
	set_timer(link, link->backoff_ms);
	link->backoff_ms *= 2;
	if (link->backoff_ms > RULELINK_BACKOFF_MAX)
		link->backoff_ms = RULELINK_BACKOFF_MAX;
}

/* Closes; ends what is under way; connects again after the backoff. */
static void close_link(struct rulelink *link, const char *why)
{
	bool was_usable = link->is_usable;

	tell(link, why);
	close_socket(link);
	link->state = RULELINK_DOWN;
	link->is_usable = false;
	connect_later(link);
	end_records(link);
	if (was_usable)
		link->sync.on_link(false, link->sync.arg);
}

/* As close_link, for places from which nobody may be called back. */
static void doom_link(struct rulelink *link, const char *why)
{
	link->state = RULELINK_DOOMED;
	link->doom = why;
	event_active(link->timer, EV_TIMEOUT, 1);
}

/* What the manager holds is in force; changes are taken at once. */
static void on_usable(struct rulelink *link)
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
		on_usable(link);
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
		set_timer(link, RULELINK_TIMEOUT_MS);
}

/* Sends what the socket takes. 0, or -Exxx: the link is of no use. */
static int flush_queue(struct rulelink *link)
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

static int queue_record(struct rulelink *link, struct record *record)
{
	link->seq++;
	record_queue_add(&link->queue, record);
	return flush_queue(link);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;

	(void)fd;
	(void)what;
	if (link->state != RULELINK_DOOMED && flush_queue(link) != 0)
		close_link(link, "connection lost");
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
	return queue_record(link, record) == 0 ? NULL : "connection lost";
}

static void on_synchronised(struct rulelink *link)
{
	link->state = RULELINK_UP;
	if (!link->is_usable)
		on_usable(link);
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
			close_link(link, why);
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
	rc = queue_record(link, record);
	if (rc == 0)
		return 0;
	end_records(link);
fail:
	close_socket(link);
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
	tell(link, strerror(-rc));
	connect_later(link);
}

static void check_lost(struct rulelink *link)
{
	uint64_t now_ms = mono_ms();
	uint64_t at_ms = lost_at(link);

	if (at_ms <= now_ms)
		close_link(link, "it does not answer");
	else if (at_ms != UINT64_MAX)
		set_timer(link, at_ms - now_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rulelink *link = arg;

	(void)fd;
	(void)what;
	if (link->state == RULELINK_DOWN)
		try_open(link);
	else if (link->state == RULELINK_DOOMED)
		close_link(link, link->doom);
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
		close_link(link, "no memory");
		return;
	}
	link->sync_end_seq = link->seq;
	link->state = RULELINK_SYNCED;
	if (queue_record(link, record) != 0)
		close_link(link, "connection lost");
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
	close_socket(link);
	link->state = RULELINK_DOWN;
	end_records(link);
	free(link->path);
	free(link);
}

void rulelink_start(struct rulelink *link, const struct rulelink_sync *sync)
{
	struct timeval tv = { .tv_sec = (time_t)sync->grace_seconds };

	link->sync = *sync;
	link->grace_until_ms = mono_ms() + sync->grace_seconds * UINT64_C(1000);
	(void)evtimer_add(link->grace, &tv);
	set_timer(link, 0);
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
	if (queue_record(link, record) != 0)
		doom_link(link, "connection lost");
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
