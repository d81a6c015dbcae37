/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server of natctl's link: rules in, acknowledgements out. */
#include "translator/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/rulewire.h"
#include "common/sock.h"
#include "translator/fastpath.h"
#include "translator/latched.h"
#include "translator/silence.h"

#define LINK_MODE  0660
#define BATCH      512 /* records and rules before packets have their turn */
#define REPLY_SIZE 64  /* of an acknowledgement */

struct link {
	const struct conf *conf;   /* not owned */
	struct event_base *base;   /* not owned */
	struct ruleset *ruleset;   /* not owned */
	struct fastpath *fastpath; /* not owned; NULL: none */
	char *path;                /* owned */
	uint64_t epoch;
	int listener;
	struct event *acceptable; /* owned */
	int peer;                 /* natctl; -1: none */
	struct event *readable;   /* owned; of the peer */
	struct event *writable;   /* owned; of the peer: a reply waits */
	bool greeted;             /* its hello has come */
	struct latched *latched;  /* owned; to be told */
	struct event *news;       /* owned; there is some of it */
	struct silence *silence;  /* owned; once started */
	struct event *tick;       /* owned; of the silence */
	size_t reply_len;         /* of the reply that waits; 0: none */
	uint8_t reply[REPLY_SIZE];
	uint8_t record[WIRE_MAX];
};

/* The rules of one record. */
struct rules {
	struct rule *items;                 /* owned */
	struct rule_condition **conditions; /* owned; those of each item */
	size_t count;
};

static void hang_up(struct link *link)
{
	if (link->peer < 0)
		return;
	event_free(link->readable);
	event_free(link->writable);
	close(link->peer);
	link->peer = -1;
	link->reply_len = 0;
	silence_forget_all(link->silence);
	if (link->greeted)
		log_warn("natctl's link is closed, %zu rules stay in force",
			 ruleset_count(link->ruleset));
	link->greeted = false;
}

/* Sends what waits; when the socket takes it not, stops reading until then. */
static void reply_send(struct link *link)
{
	ssize_t len = send(link->peer, link->reply, link->reply_len,
			   MSG_DONTWAIT | MSG_NOSIGNAL);

	if (len >= 0) {
		link->reply_len = 0;
	} else if (errno == EAGAIN) {
		event_del(link->readable);
		event_add(link->writable, NULL);
	} else {
		log_warn("natctl's link: %s", strerror(errno));
		hang_up(link);
	}
}

static void acknowledge(struct link *link, uint32_t seq,
			enum wire_status status)
{
	struct wire_writer writer;
	struct wire_head head = { .seq = seq, .type = WIRE_ACK };

	if (wire_begin(&writer, link->reply, sizeof(link->reply), head) != 0 ||
	    wire_add_status(&writer, status) != 0) {
		hang_up(link);
		return;
	}
	link->reply_len = writer.used;
	reply_send(link);
}

/* What has latched, as long as the socket takes it; nobody there: nothing. */
static void tell_latched(struct link *link)
{
	struct wire_head head = { .type = WIRE_LATCHED };
	struct wire_latched latched;
	struct wire_writer writer;

	while (link->reply_len == 0 && latched_take(link->latched, &latched)) {
		if (!link->greeted)
			continue;
		if (wire_begin(&writer, link->reply, sizeof(link->reply),
			       head) != 0 ||
		    wire_add_latched(&writer, &latched) != 0)
			continue;
		link->reply_len = writer.used;
		reply_send(link);
	}
}

static void on_news(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_latched(arg);
}

/* The ports of a rule that have latched, which its sender does not know of. */
static void add_unknown(struct link *link, const struct rule *told)
{
	const struct ruleset_rule *rule = ruleset_find(link->ruleset, told->id);
	struct wire_latched latched = { .id = told->id,
					.round = told->latch.round };

	if (rule == NULL || ruleset_rule_latch(rule) == NULL)
		return;
	for (; latched.offset < rule->ports; latched.offset++)
		if (told->latch.remotes[latched.offset].addr.family ==
			    IP_NONE &&
		    latch_read(ruleset_rule_latch(rule), latched.offset,
			       &latched.remote))
			latched_add(link->latched, &latched);
}

static void rules_done(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->conditions[i]);
	free(rules->conditions);
	free(rules->items);
}

/* One more rule; its conditions in an allocation of their size. */
static int rules_read(struct rules *rules, struct wire_reader *reader,
		      struct rule_condition *scratch)
{
	struct rule_condition **conditions;
	struct rule *items;
	struct rule rule;
	int err = wire_read_rule(reader, scratch, RULE_CONDITIONS_MAX, &rule);

	if (err != 0)
		return err;
	items = reallocarray(rules->items, rules->count + 1, sizeof(*items));
	if (items == NULL)
		return -ENOMEM;
	rules->items = items;
	conditions = reallocarray(rules->conditions, rules->count + 1,
				  sizeof(struct rule_condition *));
	if (conditions == NULL)
		return -ENOMEM;
	rules->conditions = conditions;
	conditions[rules->count] = malloc((rule.condition_count + 1u) *
					  sizeof(*scratch));
	if (conditions[rules->count] == NULL)
		return -ENOMEM;
	memcpy(conditions[rules->count], scratch,
	       rule.condition_count * sizeof(*scratch));
	rule.conditions = conditions[rules->count];
	items[rules->count++] = rule;
	return 0;
}

/* What the kernel may still do otherwise is not acknowledged. */
static int in_force(int err)
{
	return err == 0 ? 0 : -EIO;
}

static int on_put(struct link *link, struct wire_reader *reader)
{
	struct rule_condition *scratch = malloc(RULE_CONDITIONS_MAX *
						sizeof(*scratch));
	struct rules rules = { 0 };
	int err = scratch == NULL ? -ENOMEM : 0;

	while (err == 0 && reader->count > 0)
		err = rules_read(&rules, reader, scratch);
	if (err == 0)
		err = wire_close(reader);
	if (err == 0)
		err = ruleset_put(link->ruleset, rules.items, rules.count);
	if (err == 0 && link->fastpath != NULL)
		err = in_force(fastpath_rules_put(link->fastpath, rules.items,
						  rules.count));
	for (size_t i = 0; err == 0 && i < rules.count; i++)
		add_unknown(link, &rules.items[i]);
	rules_done(&rules);
	free(scratch);
	return err;
}

static int on_delete(struct link *link, struct wire_reader *reader)
{
	size_t count = 0;
	uint64_t *ids = calloc(reader->count + 1u, sizeof(*ids));
	int err = ids == NULL ? -ENOMEM : 0;

	while (err == 0 && reader->count > 0)
		err = wire_read_id(reader, &ids[count++]);
	if (err == 0)
		err = wire_close(reader);
	if (err == 0)
		ruleset_delete(link->ruleset, ids, count);
	if (err == 0 && link->fastpath != NULL)
		err = in_force(
			fastpath_rules_deleted(link->fastpath, ids, count));
	free(ids);
	return err;
}

/* Natctl is told what it does not take now when it is found again. */
static int tell_activity(const struct wire_activity *activities, size_t count,
			 void *arg)
{
	const struct link *link = arg;
	struct wire_head head = { .type = WIRE_ACTIVITY };
	uint8_t data[32 * SILENCE_BATCH];
	struct wire_writer writer;
	int err = wire_begin(&writer, data, sizeof(data), head);

	for (size_t i = 0; i < count && err == 0; i++)
		err = wire_add_activity(&writer, &activities[i]);
	if (err == 0 && send(link->peer, data, writer.used,
			     MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		err = -errno;
	return err;
}

static void on_tick(int fd, short what, void *arg)
{
	const struct timeval tick = { .tv_usec = SILENCE_TICK_MS * 1000 };
	struct link *link = arg;

	(void)fd;
	(void)what;
	silence_tick(link->silence, mono_ms());
	if (silence_count(link->silence) > 0)
		evtimer_add(link->tick, &tick);
}

/* Silence that cannot be watched for is no reason to close the link. */
static int on_watch(struct link *link, struct wire_reader *reader)
{
	const struct timeval tick = { .tv_usec = SILENCE_TICK_MS * 1000 };
	uint64_t now_ms = mono_ms();
	struct wire_watch watch;

	while (reader->count > 0) {
		int err = wire_read_watch(reader, &watch);

		if (err != 0)
			return err;
		if (watch.lease == 0)
			silence_forget(link->silence, watch.watcher);
		else if (silence_watch(link->silence, &watch, now_ms) != 0)
			log_warn("rule %llu is not watched for silence",
				 (unsigned long long)watch.lease);
	}
	if (!evtimer_pending(link->tick, NULL))
		evtimer_add(link->tick, &tick);
	return wire_close(reader);
}

static int on_hello(struct link *link, struct wire_reader *reader)
{
	const struct conf *conf = link->conf;
	struct wire_hello hello;
	int err = wire_read_hello(reader, &hello);

	if (err == 0)
		err = wire_close(reader);
	if (err != 0)
		return err;
	if (hello.realm_count != conf->realm_count)
		return -EXDEV;
	for (size_t i = 0; i < conf->realm_count; i++)
		if (strcmp(hello.realms[i], conf->realms[i].name) != 0)
			return -EXDEV;
	link->greeted = true;
	log_info("natctl's link is up, epoch %llu",
		 (unsigned long long)hello.epoch);
	return 0;
}

static int on_sync_end(struct link *link, struct wire_reader *reader)
{
	size_t removed;
	int err = wire_close(reader);

	if (err != 0)
		return err;
	removed = ruleset_sync_end(link->ruleset);
	log_info("synchronised: %zu rules, %zu removed",
		 ruleset_count(link->ruleset), removed);
	return link->fastpath == NULL ?
		       0 :
		       in_force(fastpath_rules_synced(link->fastpath));
}

static enum wire_status status_of(int err)
{
	switch (err) {
	case 0:
		return WIRE_OK;
	case -EEXIST:
		return WIRE_CONFLICT;
	case -ENOMEM:
		return WIRE_NO_MEMORY;
	case -EXDEV:
		return WIRE_REALMS;
	default:
		return WIRE_BAD_RECORD;
	}
}

/* 0 or -Exxx as above; *ret_answer: is it to be acknowledged when it is 0? */
static int on_type(struct link *link, struct wire_reader *reader,
		   bool *ret_answer)
{
	int err;

	*ret_answer = true;
	if (link->greeted == (reader->head.type == WIRE_HELLO))
		return -EBADMSG;
	switch ((enum wire_type)reader->head.type) {
	case WIRE_HELLO:
		*ret_answer = false;
		return on_hello(link, reader);
	case WIRE_SYNC_BEGIN:
		*ret_answer = false;
		err = wire_close(reader);
		if (err == 0)
			ruleset_sync_begin(link->ruleset);
		return err;
	case WIRE_SYNC_END:
		return on_sync_end(link, reader);
	case WIRE_PUT:
		return on_put(link, reader);
	case WIRE_DELETE:
		return on_delete(link, reader);
	case WIRE_WATCH:
		*ret_answer = false;
		return on_watch(link, reader);
	case WIRE_ACK:
	case WIRE_LATCHED:
	case WIRE_ACTIVITY:
		break;
	}
	return -EBADMSG;
}

/* Returns how many members it had. */
static unsigned on_record(struct link *link, size_t len)
{
	struct wire_reader reader = { 0 };
	enum wire_status status;
	bool answer = true;
	unsigned count;
	int err = len > sizeof(link->record) ?
			  -EBADMSG :
			  wire_open(&reader, link->record, len);

	count = reader.count;
	if (err == 0)
		err = on_type(link, &reader, &answer);
	status = status_of(err);
	if (err == -EIO) {
		log_error("natctl's link: a change is not in force, closing");
		hang_up(link);
		return count;
	}
	if (answer || status != WIRE_OK)
		acknowledge(link, reader.head.seq, status);
	if (status == WIRE_BAD_RECORD || status == WIRE_REALMS) {
		log_error("natctl's link: %s, closing",
			  status == WIRE_REALMS ?
				  "it was started with other realms" :
				  "a record that cannot be");
		hang_up(link);
	}
	return count;
}

static void on_readable(int fd, short what, void *arg)
{
	struct link *link = arg;

	(void)what;
	for (unsigned done = 0;
	     done < BATCH && link->peer == fd && link->reply_len == 0; done++) {
		ssize_t len = recv(fd, link->record, sizeof(link->record),
				   MSG_DONTWAIT | MSG_TRUNC);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			hang_up(link);
			return;
		}
		done += on_record(link, (size_t)len);
	}
}

static void on_writable(int fd, short what, void *arg)
{
	struct link *link = arg;

	(void)fd;
	(void)what;
	event_add(link->readable, NULL);
	reply_send(link);
	tell_latched(link);
}

static int say_hello(const struct link *link, int fd)
{
	struct wire_hello hello = { .epoch = link->epoch };
	struct wire_head head = { .type = WIRE_HELLO };
	struct wire_writer writer;
	uint8_t *record = malloc(WIRE_MAX);
	int err = record == NULL ? -ENOMEM : 0;

	hello.realm_count = (uint16_t)link->conf->realm_count;
	for (size_t i = 0; i < link->conf->realm_count; i++)
		strcpy(hello.realms[i], link->conf->realms[i].name);
	if (err == 0)
		err = wire_begin(&writer, record, WIRE_MAX, head);
	if (err == 0)
		err = wire_add_hello(&writer, &hello);
	if (err == 0 &&
	    send(fd, record, writer.used, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		err = -errno;
	free(record);
	return err;
}

/* A natctl that died may not have been noticed yet. */
static bool peer_is_dead(const struct link *link)
{
	char byte;

	return recv(link->peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* 0, or why this one is not taken. */
static int take_peer(struct link *link, int fd)
{
	struct sock_peer peer;
	int err = sock_peer(fd, &peer);

	if (err != 0)
		return err;
	if (peer.uid != 0 && peer.uid != geteuid())
		return -EACCES;
	/* One that has not said who it is gives way. */
	if (link->greeted && !peer_is_dead(link))
		return -EBUSY;
	hang_up(link);
	err = say_hello(link, fd);
	if (err != 0)
		return err;
	link->readable = event_new(link->base, fd, EV_READ | EV_PERSIST,
				   on_readable, link);
	link->writable = event_new(link->base, fd, EV_WRITE, on_writable, link);
	if (link->readable == NULL || link->writable == NULL ||
	    event_add(link->readable, NULL) != 0) {
		if (link->readable != NULL)
			event_free(link->readable);
		if (link->writable != NULL)
			event_free(link->writable);
		return -ENOMEM;
	}
	link->peer = fd;
	return 0;
}

static void on_acceptable(int listener, short what, void *arg)
{
	struct link *link = arg;
	int fd = sock_accept(listener);
	int err;

	(void)what;
	if (fd == -EAGAIN)
		return;
	err = fd < 0 ? fd : take_peer(link, fd);
	if (err == 0)
		return;
	/* -EPIPE: it only looked whether somebody is here. */
	if (err != -EPIPE)
		log_warn("natctl's link: a connection is refused: %s",
			 strerror(-err));
	if (fd >= 0)
		close(fd);
}

static void link_done(struct link *link)
{
	latched_free(link->latched);
	silence_free(link->silence);
	if (link->tick != NULL)
		event_free(link->tick);
	free(link->path);
	free(link);
}

int link_new(const char *path, const struct conf *conf, uint64_t epoch,
	     struct link **ret_link)
{
	struct link *link = calloc(1, sizeof(*link));
	int err;

	if (link == NULL)
		return -ENOMEM;
	link->conf = conf;
	link->epoch = epoch;
	link->peer = -1;
	link->path = strdup(path);
	err = link->path == NULL ? -ENOMEM : latched_new(&link->latched);
	if (err == 0) {
		link->listener = sock_listen(path, SOCK_SEQPACKET, LINK_MODE);
		if (link->listener < 0)
			err = link->listener;
	}
	if (err != 0) {
		link_done(link);
		return err;
	}
	*ret_link = link;
	return 0;
}

void link_set_fastpath(struct link *link, struct fastpath *fastpath)
{
	link->fastpath = fastpath;
}

int link_start(struct link *link, struct event_base *base,
	       struct ruleset *ruleset)
{
	const struct silence_options options = { .ruleset = ruleset,
						 .fastpath = link->fastpath,
						 .tell = tell_activity,
						 .arg = link };

	link->base = base;
	link->ruleset = ruleset;
	link->silence = silence_new(&options);
	link->tick = evtimer_new(base, on_tick, link);
	link->acceptable = event_new(base, link->listener, EV_READ | EV_PERSIST,
				     on_acceptable, link);
	link->news = event_new(base, latched_fd(link->latched),
			       EV_READ | EV_PERSIST, on_news, link);
	return link->acceptable == NULL || link->news == NULL ||
			       link->silence == NULL || link->tick == NULL ||
			       event_add(link->acceptable, NULL) != 0 ||
			       event_add(link->news, NULL) != 0 ?
		       -ENOMEM :
		       0;
}

void link_latched(struct link *link, const struct wire_latched *latched)
{
	latched_add(link->latched, latched);
}

void link_free(struct link *link)
{
	if (link == NULL)
		return;
	hang_up(link);
	if (link->acceptable != NULL)
		event_free(link->acceptable);
	if (link->news != NULL)
		event_free(link->news);
	close(link->listener);
	unlink(link->path);
	link_done(link);
}

bool link_is_up(const struct link *link)
{
	return link->greeted;
}
