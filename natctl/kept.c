/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the journal to bytes and back. */
#include "natctl/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/rulewire.h"

#define HEAD_SIZE 13 /* type, at_ms, length of the rest */
#define BODY_SIZE 64 /* at most, without rule and ids */
#define BYTES_MIN 4096

void keeper_add(const struct keeper *keeper, const struct kept_entry *entry)
{
	if (keeper->ops != NULL)
		keeper->ops->add(keeper->keeper, entry);
}

void keeper_commit(const struct keeper *keeper)
{
	if (keeper->ops != NULL)
		keeper->ops->commit(keeper->keeper);
}

static int reserve(struct kept_bytes *bytes, size_t more)
{
	size_t size = bytes->size == 0 ? BYTES_MIN : bytes->size;
	uint8_t *data;

	while (size - bytes->used < more)
		size *= 2;
	if (size == bytes->size)
		return 0;
	data = realloc(bytes->data, size);
	if (data == NULL)
		return -ENOMEM;
	bytes->data = data;
	bytes->size = size;
	return 0;
}

/* Room for it was made before. */
static void put_number(struct kept_bytes *bytes, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		bytes->data[bytes->used++] = (uint8_t)(value >>
						       (8 * (width - 1 - i)));
}

static int put_rule(struct kept_bytes *bytes, const struct rule *rule)
{
	struct wire_head head = { .type = WIRE_PUT };
	struct wire_writer writer;
	int rc = reserve(bytes, WIRE_MAX);

	if (rc != 0)
		return rc;
	rc = wire_begin(&writer, bytes->data + bytes->used, WIRE_MAX, head);
	if (rc == 0)
		rc = wire_add_rule(&writer, rule);
	if (rc != 0)
		return -EMSGSIZE;
	bytes->used += writer.used;
	return 0;
}

static void put_hold(struct kept_bytes *bytes, const struct pool_hold *hold)
{
	const struct endpoint *outer = &hold->outer;

	put_number(bytes, outer->addr.family, 1);
	for (size_t i = 0; i < sizeof(outer->addr.bytes); i++)
		put_number(bytes, outer->addr.bytes[i], 1);
	put_number(bytes, outer->port, 2);
	put_number(bytes, outer->realm, 2);
	put_number(bytes, hold->protocol, 1);
	put_number(bytes, hold->ports, 8);
	put_number(bytes, hold->owner, 8);
	put_number(bytes, hold->until_ms, 8);
}

static int put_body(struct kept_bytes *bytes, const struct kept_entry *entry)
{
	switch (entry->type) {
	case KEPT_LEASE:
		put_number(bytes, entry->owner, 8);
		put_number(bytes, entry->lifetime, 4);
		put_number(bytes, entry->expires_ms, 8);
		put_number(bytes, entry->preferred, 1);
		put_number(bytes, entry->key.name, 8);
		put_number(bytes, entry->key.digest, 8);
		put_number(bytes, entry->key.count, 1);
		return put_rule(bytes, entry->rule);
	case KEPT_EXPIRY:
		put_number(bytes, entry->lifetime, 4);
		put_number(bytes, entry->expires_ms, 8);
		break;
	case KEPT_HOLD:
		put_hold(bytes, &entry->hold);
		break;
	case KEPT_LAST:
	case KEPT_END:
		break;
	}
	for (size_t i = 0; i < entry->count; i++)
		put_number(bytes, entry->ids[i], 8);
	return 0;
}

int kept_encode(struct kept_bytes *bytes, const struct kept_entry *entry)
{
	size_t start = bytes->used;
	size_t end;
	int rc = reserve(bytes, HEAD_SIZE + BODY_SIZE + 8 * entry->count);

	if (rc != 0)
		return rc;
	put_number(bytes, entry->type, 1);
	put_number(bytes, entry->at_ms, 8);
	put_number(bytes, 0, 4);
	rc = put_body(bytes, entry);
	if (rc != 0) {
		bytes->used = start;
		return rc;
	}
	end = bytes->used;
	bytes->used = start + HEAD_SIZE - 4;
	put_number(bytes, end - start - HEAD_SIZE, 4);
	bytes->used = end;
	return 0;
}

/* A part of the bytes that is read from its start. */
struct part {
	const uint8_t *data;
	size_t size;
	bool failed; /* more was read than there is */
};

static uint64_t get_number(struct part *part, unsigned width)
{
	uint64_t value = 0;

	if (part->failed || part->size < width) {
		part->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < width; i++)
		value = value << 8 | part->data[i];
	part->data += width;
	part->size -= width;
	return value;
}

static int get_rule(const struct part *part, struct kept_space *space)
{
	struct wire_reader reader;

	if (wire_open(&reader, part->data, part->size) != 0 ||
	    reader.head.type != WIRE_PUT ||
	    wire_read_rule(&reader, space->conditions, RULE_CONDITIONS_MAX,
			   &space->rule) != 0 ||
	    wire_close(&reader) != 0)
		return -EBADMSG;
	return 0;
}

static int get_ids(struct part *part, struct kept_space *space,
		   struct kept_entry *ret)
{
	ret->count = part->size / 8;
	if (ret->count == 0 || part->size % 8 != 0 ||
	    (ret->type != KEPT_END && ret->count != 1))
		return -EBADMSG;
	free(space->ids);
	space->ids = calloc(ret->count, sizeof(*space->ids));
	if (space->ids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < ret->count; i++)
		space->ids[i] = get_number(part, 8);
	ret->ids = space->ids;
	return 0;
}

static int get_hold(struct part *part, struct pool_hold *ret)
{
	struct endpoint *outer = &ret->outer;

	outer->addr.family = (uint8_t)get_number(part, 1);
	for (size_t i = 0; i < sizeof(outer->addr.bytes); i++)
		outer->addr.bytes[i] = (uint8_t)get_number(part, 1);
	outer->port = (uint16_t)get_number(part, 2);
	outer->realm = (realm_id)get_number(part, 2);
	ret->protocol = (uint8_t)get_number(part, 1);
	ret->ports = get_number(part, 8);
	ret->owner = get_number(part, 8);
	ret->until_ms = get_number(part, 8);
	if (part->failed || part->size != 0 || outer->realm >= REALM_MAX ||
	    (outer->addr.family != IP_V4 && outer->addr.family != IP_V6))
		return -EBADMSG;
	return 0;
}

static int get_body(struct part *part, struct kept_space *space,
		    struct kept_entry *ret)
{
	switch (ret->type) {
	case KEPT_LEASE:
		ret->owner = get_number(part, 8);
		ret->lifetime = (uint32_t)get_number(part, 4);
		ret->expires_ms = get_number(part, 8);
		ret->preferred = get_number(part, 1) != 0;
		ret->key.name = get_number(part, 8);
		ret->key.digest = get_number(part, 8);
		ret->key.count = (uint8_t)get_number(part, 1);
		ret->rule = &space->rule;
		return part->failed ? -EBADMSG : get_rule(part, space);
	case KEPT_EXPIRY:
		ret->lifetime = (uint32_t)get_number(part, 4);
		ret->expires_ms = get_number(part, 8);
		return part->failed ? -EBADMSG : get_ids(part, space, ret);
	case KEPT_HOLD:
		return get_hold(part, &ret->hold);
	case KEPT_LAST:
	case KEPT_END:
		return get_ids(part, space, ret);
	}
	return -EBADMSG;
}

int kept_decode(const uint8_t **data, size_t *size, struct kept_space *space,
		struct kept_entry *ret)
{
	struct part part = { .data = *data, .size = *size };
	size_t rest;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->type = (enum kept_type)get_number(&part, 1);
	ret->at_ms = get_number(&part, 8);
	rest = get_number(&part, 4);
	if (part.failed || rest > part.size)
		return -EBADMSG;
	*data = part.data + rest;
	*size = part.size - rest;
	part.size = rest;
	rc = get_body(&part, space, ret);
	return rc;
}
