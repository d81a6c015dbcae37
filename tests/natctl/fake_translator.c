/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator's end of the rule link, on a real socket. */
#include "tests/natctl/fake_translator.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sock.h"

static void set_rule(struct fake_translator *fake, uint64_t id, bool in_force)
{
	ck_assert_uint_lt(id, FAKE_IDS);
	fake->rules += in_force;
	fake->rules -= fake->in_force[id];
	fake->in_force[id] = in_force;
	fake->in_sync[id] = true;
}

void fake_translator_send(struct fake_translator *fake, const void *data,
			  size_t size)
{
	/* natctl may have given up meanwhile. */
	if (send(fake->fd, data, size, MSG_NOSIGNAL) < 0)
		ck_assert_int_eq(errno, EPIPE);
}

static void acknowledge(struct fake_translator *fake, uint32_t seq,
			enum wire_status status)
{
	uint8_t data[64];
	struct wire_head head = { .seq = seq, .type = WIRE_ACK };
	struct wire_writer writer;

	if (fake->is_silent)
		return;
	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data), head), 0);
	ck_assert_int_eq(wire_add_status(&writer, status), 0);
	fake_translator_send(fake, data, writer.used);
}

static void on_put(struct fake_translator *fake, struct wire_reader *reader)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	enum wire_status status = fake->refuse;
	struct rule rule;

	while (reader->count > 0) {
		ck_assert_int_eq(wire_read_rule(reader, conditions,
						RULE_CONDITIONS_MAX, &rule),
				 0);
		if (status == WIRE_OK)
			set_rule(fake, rule.id, true);
	}
	acknowledge(fake, reader->head.seq, status);
}

static void on_delete(struct fake_translator *fake, struct wire_reader *reader)
{
	uint64_t id;

	if (reader->count > fake->longest_removal)
		fake->longest_removal = reader->count;
	while (reader->count > 0) {
		ck_assert_int_eq(wire_read_id(reader, &id), 0);
		set_rule(fake, id, false);
	}
	acknowledge(fake, reader->head.seq, WIRE_OK);
}

static void on_sync_end(struct fake_translator *fake, uint32_t seq)
{
	ck_assert(fake->is_syncing);
	for (uint64_t id = 0; id < FAKE_IDS; id++)
		if (fake->in_force[id] && !fake->in_sync[id])
			set_rule(fake, id, false);
	fake->is_syncing = false;
	fake->synchronisations++;
	acknowledge(fake, seq, WIRE_OK);
}

static void on_record(struct fake_translator *fake, size_t size)
{
	struct wire_reader reader;

	ck_assert_int_eq(wire_open(&reader, fake->buffer, size), 0);
	switch (reader.head.type) {
	case WIRE_HELLO:
		break;
	case WIRE_SYNC_BEGIN:
		memset(fake->in_sync, 0, sizeof(fake->in_sync));
		fake->is_syncing = true;
		break;
	case WIRE_SYNC_END:
		on_sync_end(fake, reader.head.seq);
		break;
	case WIRE_PUT:
		on_put(fake, &reader);
		break;
	case WIRE_DELETE:
		on_delete(fake, &reader);
		break;
	case WIRE_WATCH:
		while (reader.count > 0)
			ck_assert_int_eq(wire_read_watch(&reader,
							 &fake->watched),
					 0);
		break;
	default:
		ck_abort_msg("record of type %u", reader.head.type);
	}
}

void fake_translator_hang_up(struct fake_translator *fake)
{
	if (fake->reading != NULL)
		event_free(fake->reading);
	if (fake->fd >= 0)
		close(fake->fd);
	fake->reading = NULL;
	fake->fd = -1;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct fake_translator *fake = arg;
	ssize_t size;

	(void)what;
	if (fake->is_deaf) {
		(void)event_del(fake->reading);
		return;
	}
	size = recv(fd, fake->buffer, sizeof(fake->buffer), MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0)
		fake_translator_hang_up(fake);
	else
		on_record(fake, (size_t)size);
}

void fake_translator_listen(struct fake_translator *fake)
{
	fake->is_deaf = false;
	if (fake->reading != NULL)
		ck_assert_int_eq(event_add(fake->reading, NULL), 0);
}

static void say_hello(struct fake_translator *fake)
{
	static struct wire_hello hello;
	struct wire_head head = { .type = WIRE_HELLO };
	struct wire_writer writer;

	memset(&hello, 0, sizeof(hello));
	hello.realm_count = (uint16_t)fake->names->count;
	for (size_t i = 0; i < fake->names->count; i++)
		strcpy(hello.realms[i], fake->names->names[i]);
	ck_assert_int_eq(wire_begin(&writer, fake->buffer, WIRE_MAX, head), 0);
	ck_assert_int_eq(wire_add_hello(&writer, &hello), 0);
	fake_translator_send(fake, fake->buffer, writer.used);
}

static void on_client(evutil_socket_t listener, short what, void *arg)
{
	struct fake_translator *fake = arg;

	(void)what;
	fake_translator_hang_up(fake);
	fake->fd = sock_accept(listener);
	ck_assert_int_ge(fake->fd, 0);
	fake->connections++;
	fake->is_syncing = false;
	fake->reading = event_new(fake->base, fake->fd, EV_READ | EV_PERSIST,
				  on_readable, fake);
	ck_assert_ptr_nonnull(fake->reading);
	ck_assert_int_eq(event_add(fake->reading, NULL), 0);
	say_hello(fake);
}

void fake_translator_start(struct fake_translator *fake,
			   struct event_base *base, const char *path,
			   const struct realm_names *names)
{
	memset(fake, 0, sizeof(*fake));
	fake->base = base;
	fake->names = names;
	fake->fd = -1;
	fake->listener = sock_listen(path, SOCK_SEQPACKET, 0600);
	ck_assert_int_ge(fake->listener, 0);
	fake->accepting = event_new(base, fake->listener, EV_READ | EV_PERSIST,
				    on_client, fake);
	ck_assert_ptr_nonnull(fake->accepting);
	ck_assert_int_eq(event_add(fake->accepting, NULL), 0);
}

void fake_translator_stop(struct fake_translator *fake)
{
	fake_translator_hang_up(fake);
	if (fake->accepting != NULL)
		event_free(fake->accepting);
	fake->accepting = NULL;
	if (fake->listener >= 0)
		close(fake->listener);
	fake->listener = -1;
}
