/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records for the translator: built, waiting to be sent or acknowledged. */
#include "natctl/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYNC_BYTES (32 * 1024) /* of a record, before another is begun */

void record_queue_init(struct record_queue *queue)
{
	list_init(&queue->unsent);
	list_init(&queue->sent);
	queue->count = 0;
	queue->bytes = 0;
}

static void move_all(struct list *from, struct list *to)
{
	while (!list_is_empty(from)) {
		struct list *node = from->next;

		list_remove(node);
		list_add_tail(to, node);
	}
}

void record_queue_take_all(struct record_queue *queue, struct record *between,
			   struct list *ret_all)
{
	list_init(ret_all);
	move_all(&queue->sent, ret_all);
	if (between != NULL)
		list_add_tail(ret_all, &between->node);
	move_all(&queue->unsent, ret_all);
	record_queue_init(queue);
}

void record_queue_add(struct record_queue *queue, struct record *record)
{
	list_add_tail(&queue->unsent, &record->node);
	queue->count++;
	queue->bytes += record->size;
}

static struct record *first(const struct list *list)
{
	return list_is_empty(list) ?
		       NULL :
		       container_of(list->next, struct record, node);
}

struct record *record_queue_unsent(const struct record_queue *queue)
{
	return first(&queue->unsent);
}

struct record *record_queue_sent(const struct record_queue *queue)
{
	return first(&queue->sent);
}

bool record_is_opening(const struct record *record)
{
	return record->type == WIRE_HELLO || record->type == WIRE_SYNC_BEGIN;
}

struct record *record_queue_pop_unsent(struct record_queue *queue)
{
	struct record *record = first(&queue->unsent);

	if (record == NULL)
		return NULL;
	list_remove(&record->node);
	queue->bytes -= record->size;
	queue->count--;
	return record;
}

struct record *record_queue_pop_sent(struct record_queue *queue)
{
	struct record *record = first(&queue->sent);

	if (record == NULL)
		return NULL;
	list_remove(&record->node);
	queue->count--;
	return record;
}

void record_queue_add_sent(struct record_queue *queue, struct record *record,
			   uint64_t now_ms)
{
	if (record_is_opening(record) || record->type == WIRE_WATCH) {
		free(record);
		return;
	}
	record->sent_ms = now_ms;
	list_add_tail(&queue->sent, &record->node);
	queue->count++;
}

/* A copy of what was written. */
static int record_new(const struct wire_writer *writer, struct wire_head head,
		      struct record **ret)
{
	struct record *record = calloc(1, sizeof(*record) + writer->used);

	if (record == NULL)
		return -ENOMEM;
	list_init(&record->node);
	record->seq = head.seq;
	record->type = head.type;
	record->size = writer->used;
	memcpy(record->data, writer->data, writer->used);
	*ret = record;
	return 0;
}

int record_new_hello(uint32_t seq, uint64_t epoch,
		     const struct realm_names *names, uint8_t *buffer,
		     struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = WIRE_HELLO };
	struct wire_hello *hello = calloc(1, sizeof(*hello));
	struct wire_writer writer;
	int rc;

	if (hello == NULL)
		return -ENOMEM;
	assert(names->count <= REALM_MAX);
	hello->epoch = epoch;
	hello->realm_count = (uint16_t)names->count;
	for (size_t i = 0; i < names->count; i++) {
		assert(strlen(names->names[i]) < REALM_NAME_MAX);
		strcpy(hello->realms[i], names->names[i]);
	}
	rc = wire_begin(&writer, buffer, WIRE_MAX, head);
	if (rc == 0)
		rc = wire_add_hello(&writer, hello);
	if (rc == 0)
		rc = record_new(&writer, head, ret);
	free(hello);
	return rc == -ENOSPC ? -EMSGSIZE : rc;
}

int record_new_rules(uint32_t seq, const struct rule *rules, size_t count,
		     uint8_t *buffer, struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = WIRE_PUT };
	struct wire_writer writer;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = wire_add_rule(&writer, &rules[i]);
	if (rc == 0)
		rc = record_new(&writer, head, ret);
	return rc == -ENOSPC ? -EMSGSIZE : rc;
}

int record_new_ids(uint32_t seq, const uint64_t *ids, size_t count,
		   uint8_t *buffer, struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = WIRE_DELETE };
	struct wire_writer writer;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = wire_add_id(&writer, ids[i]);
	if (rc == 0)
		rc = record_new(&writer, head, ret);
	return rc == -ENOSPC ? -EMSGSIZE : rc;
}

int record_new_watches(uint32_t seq, const struct wire_watch *watches,
		       size_t count, uint8_t *buffer, struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = WIRE_WATCH };
	struct wire_writer writer;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = wire_add_watch(&writer, &watches[i]);
	if (rc == 0)
		rc = record_new(&writer, head, ret);
	return rc == -ENOSPC ? -EMSGSIZE : rc;
}

int record_new_mark(uint32_t seq, enum wire_type type, uint8_t *buffer,
		    struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = (uint8_t)type };
	struct wire_writer writer;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	return rc == 0 ? record_new(&writer, head, ret) : -EMSGSIZE;
}

int record_new_sync(uint32_t seq, record_next_fn next, void *arg, uint64_t *id,
		    uint8_t *buffer, struct record **ret, size_t *ret_count)
{
	struct wire_head head = { .seq = seq, .type = WIRE_PUT };
	struct wire_writer writer;
	const struct rule *rule;
	uint64_t last_id = *id;
	size_t count = 0;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	while (rc == 0 && writer.used < SYNC_BYTES &&
	       (rule = next(arg, last_id)) != NULL) {
		rc = wire_add_rule(&writer, rule);
		if (rc == 0) {
			last_id = rule->id;
			count++;
		}
	}
	if (count > 0) /* what did not fit begins the next one */
		rc = record_new(&writer, head, ret);
	else if (rc == 0)
		rc = record_new_mark(seq, WIRE_SYNC_END, buffer, ret);
	if (rc != 0)
		return rc == -ENOSPC ? -EMSGSIZE : rc;
	*id = last_id;
	*ret_count = count;
	return 0;
}

static bool is_same_realms(const struct wire_hello *hello,
			   const struct realm_names *names)
{
	if (hello->realm_count != names->count)
		return false;
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(hello->realms[i], names->names[i]) != 0)
			return false;
	}
	return true;
}

int record_read_hello(struct wire_reader *reader,
		      const struct realm_names *names)
{
	struct wire_hello *hello = malloc(sizeof(*hello));
	int rc = 0;

	if (hello == NULL)
		return -ENOMEM;
	if (wire_read_hello(reader, hello) != 0 || wire_close(reader) != 0)
		rc = -EBADMSG;
	else if (!is_same_realms(hello, names))
		rc = -EINVAL;
	free(hello);
	return rc;
}

int record_result(enum wire_status status)
{
	switch (status) {
	case WIRE_OK:
		return 0;
	case WIRE_CONFLICT:
		return -EADDRINUSE;
	case WIRE_NO_MEMORY:
		return -ENOMEM;
	case WIRE_BAD_RECORD:
	case WIRE_REALMS:
		break;
	}
	return -ECONNRESET;
}
