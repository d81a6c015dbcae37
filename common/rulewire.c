/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules and acknowledgements to bytes and back, bounded. Pure. */
/*
 * Record:    version u8, type u8, count u16, seq u32, members
 * hello:     epoch u64, n u16, n names (text)
 * rule:      id u64, group (text), inner, outer (endpoint), remote prefix
 *            (prefix), remote port u16, timer u32, ports u16, kind u8,
 *            protocol u8, flags u8, n u16, n conditions, [latch]
 * condition: source (prefix), first u16, last u16, flags u8, [target]
 * latch:     prefix, round u32, n u8, n times: offset u8, endpoint
 * latched:   id u64, round u32, offset u16, remote (endpoint)
 * text:      n u8, n bytes; endpoint: address, port u16, realm u16
 * prefix:    address, [bits u8]; address: family u8, 0, 4 or 16 bytes
 */
#include "common/rulewire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define HEAD_BYTES   8
#define COUNT_OFFSET 2

enum rule_flag { FLAG_KEEP_SOURCE = 1, FLAG_LATCH = 2, RULE_FLAGS = 3 };
enum condition_flag { FLAG_DISCARD = 1, FLAG_TARGET = 2 };

/* Appends; what no longer fits is remembered, not written. */
static void put_bytes(struct wire_writer *w, const void *data, size_t len)
{
	if (w->used > w->size || len > w->size - w->used) {
		w->used = SIZE_MAX;
		return;
	}
	memcpy(w->data + w->used, data, len);
	w->used += len;
}

static void put_u8(struct wire_writer *w, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put_bytes(w, &byte, 1);
}

static void put_u16(struct wire_writer *w, unsigned value)
{
	uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	put_bytes(w, bytes, sizeof(bytes));
}

static void put_u32(struct wire_writer *w, uint32_t value)
{
	put_u16(w, value >> 16);
	put_u16(w, value & UINT16_MAX);
}

static void put_u64(struct wire_writer *w, uint64_t value)
{
	put_u32(w, (uint32_t)(value >> 32));
	put_u32(w, (uint32_t)value);
}

static void put_text(struct wire_writer *w, const char *text)
{
	size_t len = strlen(text);

	put_u8(w, (unsigned)len);
	put_bytes(w, text, len);
}

static void put_addr(struct wire_writer *w, const struct ip_addr *addr)
{
	put_u8(w, addr->family);
	if (addr->family != IP_NONE)
		put_bytes(w, addr->bytes, addr->family == IP_V6 ? 16 : 4);
}

static void put_prefix(struct wire_writer *w, const struct ip_prefix *prefix)
{
	put_addr(w, &prefix->addr);
	if (prefix->addr.family != IP_NONE)
		put_u8(w, prefix->bits);
}

static void put_endpoint(struct wire_writer *w, const struct endpoint *endpoint)
{
	put_addr(w, &endpoint->addr);
	put_u16(w, endpoint->port);
	put_u16(w, endpoint->realm);
}

static void put_condition(struct wire_writer *w,
			  const struct rule_condition *condition)
{
	bool target = condition->target.addr.family != IP_NONE;

	put_prefix(w, &condition->source);
	put_u16(w, condition->ports.first);
	put_u16(w, condition->ports.last);
	put_u8(w, (condition->discard ? FLAG_DISCARD : 0u) |
			  (target ? FLAG_TARGET : 0u));
	if (target)
		put_endpoint(w, &condition->target);
}

/* Takes the member that was begun at `start` into the record, or out again. */
static int end_member(struct wire_writer *w, size_t start)
{
	if (w->used == SIZE_MAX || w->used > WIRE_MAX ||
	    w->count == UINT16_MAX) {
		w->used = start;
		return -ENOSPC;
	}
	w->count++;
	w->data[COUNT_OFFSET] = (uint8_t)(w->count >> 8);
	w->data[COUNT_OFFSET + 1] = (uint8_t)w->count;
	return 0;
}

int wire_begin(struct wire_writer *writer, uint8_t *data, size_t size,
	       struct wire_head head)
{
	if (size < HEAD_BYTES)
		return -ENOSPC;
	*writer = (struct wire_writer){ .data = data, .size = size };
	put_u8(writer, WIRE_VERSION);
	put_u8(writer, head.type);
	put_u16(writer, 0);
	put_u32(writer, head.seq);
	return 0;
}

int wire_add_hello(struct wire_writer *writer, const struct wire_hello *hello)
{
	size_t start = writer->used;

	assert(hello->realm_count <= REALM_MAX);
	put_u64(writer, hello->epoch);
	put_u16(writer, hello->realm_count);
	for (size_t i = 0; i < hello->realm_count; i++)
		put_text(writer, hello->realms[i]);
	return end_member(writer, start);
}

static unsigned latched_count(const struct rule_latch *latch)
{
	unsigned count = 0;

	for (size_t i = 0; i < RULE_LATCH_PORTS; i++)
		count += latch->remotes[i].addr.family != IP_NONE;
	return count;
}

static void put_latch(struct wire_writer *w, const struct rule_latch *latch)
{
	put_prefix(w, &latch->prefix);
	put_u32(w, latch->round);
	put_u8(w, latched_count(latch));
	for (unsigned i = 0; i < RULE_LATCH_PORTS; i++) {
		if (latch->remotes[i].addr.family == IP_NONE)
			continue;
		put_u8(w, i);
		put_endpoint(w, &latch->remotes[i]);
	}
}

int wire_add_rule(struct wire_writer *writer, const struct rule *rule)
{
	size_t start = writer->used;
	bool latches = rule->latch.prefix.addr.family != IP_NONE;

	put_u64(writer, rule->id);
	put_text(writer, rule->group);
	put_endpoint(writer, &rule->inner);
	put_endpoint(writer, &rule->outer);
	put_prefix(writer, &rule->remote.prefix);
	put_u16(writer, rule->remote.port);
	put_u32(writer, rule->timer);
	put_u16(writer, rule->ports);
	put_u8(writer, rule->kind);
	put_u8(writer, rule->protocol);
	put_u8(writer, (rule->keep_source ? FLAG_KEEP_SOURCE : 0u) |
			       (latches ? FLAG_LATCH : 0u));
	put_u16(writer, rule->condition_count);
	for (size_t i = 0; i < rule->condition_count; i++)
		put_condition(writer, &rule->conditions[i]);
	if (latches)
		put_latch(writer, &rule->latch);
	return end_member(writer, start);
}

int wire_add_id(struct wire_writer *writer, uint64_t id)
{
	size_t start = writer->used;

	put_u64(writer, id);
	return end_member(writer, start);
}

int wire_add_status(struct wire_writer *writer, enum wire_status status)
{
	size_t start = writer->used;

	put_u8(writer, status);
	return end_member(writer, start);
}

int wire_add_latched(struct wire_writer *writer,
		     const struct wire_latched *latched)
{
	size_t start = writer->used;

	put_u64(writer, latched->id);
	put_u32(writer, latched->round);
	put_u16(writer, latched->offset);
	put_endpoint(writer, &latched->remote);
	return end_member(writer, start);
}

int wire_add_bytes(struct wire_writer *writer, const void *data, size_t size)
{
	size_t start = writer->used;

	put_bytes(writer, data, size);
	return end_member(writer, start);
}

/* Takes bytes off the front; after the first failure everything reads as 0. */
struct cursor {
	const uint8_t *next;
	size_t left;
	bool bad;
};

static bool get_bytes(struct cursor *c, void *ret, size_t len)
{
	if (c->bad || len > c->left) {
		c->bad = true;
		memset(ret, 0, len);
		return false;
	}
	memcpy(ret, c->next, len);
	c->next += len;
	c->left -= len;
	return true;
}

static uint8_t get_u8(struct cursor *c)
{
	uint8_t byte;

	get_bytes(c, &byte, 1);
	return byte;
}

static uint16_t get_u16(struct cursor *c)
{
	uint8_t b[2];

	get_bytes(c, b, sizeof(b));
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get_u32(struct cursor *c)
{
	uint32_t high = get_u16(c);

	return high << 16 | get_u16(c);
}

static uint64_t get_u64(struct cursor *c)
{
	uint64_t high = get_u32(c);

	return high << 32 | get_u32(c);
}

/* Text of min .. size - 1 printable bytes. */
static void get_text(struct cursor *c, char *ret, size_t size, size_t min)
{
	size_t len = get_u8(c);

	ret[0] = '\0';
	if (len < min || len >= size) {
		c->bad = true;
		return;
	}
	get_bytes(c, ret, len);
	ret[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)ret[i] < ' ' || ret[i] == 0x7f)
			c->bad = true;
}

static void get_addr(struct cursor *c, struct ip_addr *ret)
{
	*ret = (struct ip_addr){ .family = get_u8(c) };
	if (ret->family == IP_V4)
		get_bytes(c, ret->bytes, 4);
	else if (ret->family == IP_V6)
		get_bytes(c, ret->bytes, 16);
	else if (ret->family != IP_NONE)
		c->bad = true;
}

/* `family`: that of the rule. IP_NONE is taken where `optional`. */
static void get_prefix(struct cursor *c, uint8_t family, bool optional,
		       struct ip_prefix *ret)
{
	char text[IP_PREFIX_TEXT];

	*ret = (struct ip_prefix){ .bits = 0 };
	get_addr(c, &ret->addr);
	if (ret->addr.family == IP_NONE) {
		c->bad = c->bad || !optional;
		return;
	}
	ret->bits = get_u8(c);
	if (ret->addr.family != family || ret->bits > 128) {
		c->bad = true;
		return;
	}
	/* What is no prefix as text is none here either. */
	ip_prefix_format(ret, text);
	if (ip_prefix_parse(text, strlen(text), ret) < 0)
		c->bad = true;
}

static void get_endpoint(struct cursor *c, struct endpoint *ret)
{
	*ret = (struct endpoint){ .realm = REALM_NONE };
	get_addr(c, &ret->addr);
	ret->port = get_u16(c);
	ret->realm = get_u16(c);
	if (ret->addr.family == IP_NONE || ret->realm >= REALM_MAX)
		c->bad = true;
}

/* `ports` ports from `first` on are all ports. */
static bool ports_fit(uint16_t first, uint16_t ports)
{
	return first != 0 && first + ports - 1 <= UINT16_MAX;
}

static void get_condition(struct cursor *c, const struct rule *rule,
			  struct rule_condition *ret)
{
	uint8_t flags;

	*ret = (struct rule_condition){ .discard = false };
	get_prefix(c, rule->outer.addr.family, false, &ret->source);
	ret->ports.first = get_u16(c);
	ret->ports.last = get_u16(c);
	flags = get_u8(c);
	ret->discard = flags & FLAG_DISCARD;
	if (ret->ports.first == 0 || ret->ports.first > ret->ports.last ||
	    flags > FLAG_TARGET)
		c->bad = true;
	if (!(flags & FLAG_TARGET))
		return;
	get_endpoint(c, &ret->target);
	if (!ports_fit(ret->target.port, rule->ports))
		c->bad = true;
}

/* An endpoint of the rule's outer realm. */
static void get_remote(struct cursor *c, const struct rule *rule,
		       struct endpoint *ret)
{
	get_endpoint(c, ret);
	if (ret->addr.family != rule->outer.addr.family || ret->port == 0 ||
	    ret->realm != rule->outer.realm)
		c->bad = true;
}

static void get_latch(struct cursor *c, const struct rule *rule,
		      struct rule_latch *ret)
{
	int last = -1;
	uint8_t count;

	get_prefix(c, rule->outer.addr.family, false, &ret->prefix);
	ret->round = get_u32(c);
	count = get_u8(c);
	if (rule->protocol != RULE_UDP || rule->kind != RULE_BOTH ||
	    rule->ports > RULE_LATCH_PORTS)
		c->bad = true;
	for (uint8_t i = 0; i < count && !c->bad; i++) {
		uint8_t offset = get_u8(c);

		if (offset <= last || offset >= rule->ports) {
			c->bad = true;
			return;
		}
		get_remote(c, rule, &ret->remotes[offset]);
		last = offset;
	}
}

static void get_rule_head(struct cursor *c, struct rule *ret,
			  uint8_t *ret_flags)
{
	uint8_t flags;

	*ret = (struct rule){ .id = get_u64(c) };
	get_text(c, ret->group, sizeof(ret->group), 0);
	get_endpoint(c, &ret->inner);
	get_endpoint(c, &ret->outer);
	get_prefix(c, ret->outer.addr.family, true, &ret->remote.prefix);
	ret->remote.port = get_u16(c);
	ret->timer = get_u32(c);
	ret->ports = get_u16(c);
	ret->kind = get_u8(c);
	ret->protocol = get_u8(c);
	flags = get_u8(c);
	ret->keep_source = flags & FLAG_KEEP_SOURCE;
	ret->condition_count = get_u16(c);
	if (flags > RULE_FLAGS)
		c->bad = true;
	*ret_flags = flags;
}

static bool rule_head_is_valid(const struct rule *rule)
{
	return rule->id != 0 && rule->id < RULE_ID_DYNAMIC &&
	       rule->kind <= RULE_ORIGINATING &&
	       (rule->protocol == RULE_UDP || rule->protocol == RULE_TCP) &&
	       rule->ports >= 1 && rule->ports <= RULE_PORTS_MAX &&
	       (!rule->keep_source ||
		rule->inner.addr.family == rule->outer.addr.family) &&
	       ports_fit(rule->inner.port, rule->ports) &&
	       ports_fit(rule->outer.port, rule->ports) &&
	       (rule->remote.port == 0 ||
		ports_fit(rule->remote.port, rule->ports)) &&
	       rule->condition_count <= RULE_CONDITIONS_MAX;
}

static bool conditions_are_valid(const struct rule_condition *conditions,
				 size_t count)
{
	size_t a, b;

	for (size_t i = 1; i < count; i++)
		if (rule_condition_compare(&conditions[i - 1],
					   &conditions[i]) >= 0)
			return false;
	return rule_conditions_check(conditions, count, &a, &b) == 0;
}

int wire_open(struct wire_reader *reader, const uint8_t *data, size_t size)
{
	struct cursor c = { .next = data, .left = size };
	struct wire_reader opened = { .data = data,
				      .size = size,
				      .offset = HEAD_BYTES };
	bool count_ok = false;

	if (get_u8(&c) != WIRE_VERSION || size > WIRE_MAX)
		return -EBADMSG;
	opened.head.type = get_u8(&c);
	opened.count = get_u16(&c);
	opened.head.seq = get_u32(&c);
	if (opened.head.type == WIRE_HELLO || opened.head.type == WIRE_ACK ||
	    opened.head.type == WIRE_LATCHED)
		count_ok = opened.count == 1;
	else if (opened.head.type == WIRE_PUT ||
		 opened.head.type == WIRE_DELETE ||
		 opened.head.type == WIRE_WATCH ||
		 opened.head.type == WIRE_ACTIVITY)
		count_ok = opened.count >= 1;
	else if (opened.head.type == WIRE_SYNC_BEGIN ||
		 opened.head.type == WIRE_SYNC_END)
		count_ok = opened.count == 0;
	if (c.bad || !count_ok)
		return -EBADMSG;
	*reader = opened;
	return 0;
}

/* A cursor on the next member; `bad` when no member of that type is due. */
static struct cursor begin_read(const struct wire_reader *reader,
				enum wire_type type)
{
	return (struct cursor){
		.next = reader->data + reader->offset,
		.left = reader->size - reader->offset,
		.bad = reader->head.type != type || reader->count == 0,
	};
}

static int end_read(struct wire_reader *reader, const struct cursor *c)
{
	if (c->bad)
		return -EBADMSG;
	reader->offset = reader->size - c->left;
	reader->count--;
	return 0;
}

int wire_read_hello(struct wire_reader *reader, struct wire_hello *ret)
{
	struct cursor c = begin_read(reader, WIRE_HELLO);
	struct wire_hello hello = { .epoch = get_u64(&c) };

	hello.realm_count = get_u16(&c);
	if (hello.realm_count > REALM_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < hello.realm_count; i++)
		get_text(&c, hello.realms[i], REALM_NAME_MAX, 1);
	if (end_read(reader, &c) < 0)
		return -EBADMSG;
	*ret = hello;
	return 0;
}

int wire_read_rule(struct wire_reader *reader,
		   struct rule_condition *conditions, size_t max,
		   struct rule *ret)
{
	struct cursor c = begin_read(reader, WIRE_PUT);
	struct rule rule;
	uint8_t flags;

	get_rule_head(&c, &rule, &flags);
	if (c.bad || !rule_head_is_valid(&rule) || rule.condition_count > max)
		return -EBADMSG;
	for (size_t i = 0; i < rule.condition_count && !c.bad; i++)
		get_condition(&c, &rule, &conditions[i]);
	if (flags & FLAG_LATCH)
		get_latch(&c, &rule, &rule.latch);
	if (c.bad || !conditions_are_valid(conditions, rule.condition_count))
		return -EBADMSG;
	rule.conditions = conditions;
	if (end_read(reader, &c) < 0)
		return -EBADMSG;
	*ret = rule;
	return 0;
}

int wire_read_id(struct wire_reader *reader, uint64_t *ret)
{
	struct cursor c = begin_read(reader, WIRE_DELETE);
	uint64_t id = get_u64(&c);

	if (id == 0 || id >= RULE_ID_DYNAMIC || end_read(reader, &c) < 0)
		return -EBADMSG;
	*ret = id;
	return 0;
}

int wire_read_status(struct wire_reader *reader, enum wire_status *ret)
{
	struct cursor c = begin_read(reader, WIRE_ACK);
	uint8_t status = get_u8(&c);

	if (status > WIRE_REALMS || end_read(reader, &c) < 0)
		return -EBADMSG;
	*ret = status;
	return 0;
}

int wire_read_latched(struct wire_reader *reader, struct wire_latched *ret)
{
	struct cursor c = begin_read(reader, WIRE_LATCHED);
	struct wire_latched latched = { .id = get_u64(&c) };

	latched.round = get_u32(&c);
	latched.offset = get_u16(&c);
	get_endpoint(&c, &latched.remote);
	if (latched.id == 0 || latched.id >= RULE_ID_DYNAMIC ||
	    latched.offset >= RULE_LATCH_PORTS || latched.remote.port == 0 ||
	    end_read(reader, &c) < 0)
		return -EBADMSG;
	*ret = latched;
	return 0;
}

int wire_read_bytes(struct wire_reader *reader, enum wire_type type, void *ret,
		    size_t size)
{
	struct cursor c = begin_read(reader, type);

	get_bytes(&c, ret, size);
	return end_read(reader, &c);
}

int wire_close(const struct wire_reader *reader)
{
	if (reader->count != 0 || reader->offset != reader->size)
		return -EBADMSG;
	return 0;
}
