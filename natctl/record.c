/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records for the translator: built, waiting to be sent or acknowledged. */
#include "natctl/record.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	if (record_is_opening(record)) {
		free(record);
		return;
	}
	record->sent_ms = now_ms;
	list_add_tail(&queue->sent, &record->node);
	queue->count++;
}

int record_new(const struct wire_writer *writer, struct wire_head head,
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

int record_new_mark(uint32_t seq, enum wire_type type, uint8_t *buffer,
		    struct record **ret)
{
	struct wire_head head = { .seq = seq, .type = (uint8_t)type };
	struct wire_writer writer;
	int rc = wire_begin(&writer, buffer, WIRE_MAX, head);

	return rc == 0 ? record_new(&writer, head, ret) : -EMSGSIZE;
}
