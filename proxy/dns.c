/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of a DNS answer. Pure. */
#include "config.h"

#include "proxy/dns.h"

#include <errno.h>
#include <string.h>

#define JUMPS_MAX 32 /* compression pointers in one name */

struct reader {
	const uint8_t *data;
	size_t len;
	size_t at;
	bool is_bad;
};

static unsigned read_number(struct reader *reader, size_t bytes)
{
	unsigned value = 0;

	if (reader->is_bad || reader->len - reader->at < bytes) {
		reader->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | reader->data[reader->at++];
	return value;
}

static void skip(struct reader *reader, size_t bytes)
{
	if (reader->is_bad || reader->len - reader->at < bytes)
		reader->is_bad = true;
	else
		reader->at += bytes;
}

/* A character that may stand in the name of a host. */
static bool is_taken(uint8_t c)
{
	return c > ' ' && c < 127 && c != '.' && c != '\\' && c != '"';
}

/* The bytes of one label; false: not of this form. */
static bool add_label(const struct reader *reader, size_t at, size_t size,
		      char name[DNS_NAME_MAX], size_t *used)
{
	if (reader->len - at < size || *used + size + 2 > DNS_NAME_MAX)
		return false;
	if (*used > 0)
		name[(*used)++] = '.';
	for (size_t i = 0; i < size; i++) {
		if (!is_taken(reader->data[at + i]))
			return false;
		name[(*used)++] = (char)reader->data[at + i];
	}
	return true;
}

/* RFC 1035 4.1.4; the root is "". */
static void read_name(struct reader *reader, char name[DNS_NAME_MAX])
{
	size_t at = reader->at, used = 0;
	unsigned jumps = 0;
	bool is_end = false;

	name[0] = '\0';
	while (!reader->is_bad && !is_end) {
		uint8_t size = at < reader->len ? reader->data[at] : 0x80;

		at++;
		if (size >= 0xc0 && at < reader->len && jumps < JUMPS_MAX) {
			if (jumps++ == 0)
				reader->at = at + 1;
			at = (size_t)(size & 0x3f) << 8 | reader->data[at];
		} else if (size == 0) {
			is_end = true;
		} else if (size < 64 &&
			   add_label(reader, at, size, name, &used)) {
			at += size;
		} else {
			reader->is_bad = true;
		}
	}
	name[used] = '\0';
	if (jumps == 0)
		reader->at = at;
}

/* RFC 1035 3.3; what does not fit is cut. */
static void read_string(struct reader *reader, char *text, size_t size)
{
	size_t len = read_number(reader, 1), kept = len < size ? len : size - 1;

	text[0] = '\0';
	if (reader->is_bad || reader->len - reader->at < len) {
		reader->is_bad = true;
		return;
	}
	memcpy(text, reader->data + reader->at, kept);
	text[kept] = '\0';
	reader->at += len;
}

static void read_addr(struct reader *reader, enum ip_family family,
		      struct ip_addr *ret)
{
	size_t size = family == IP_V4 ? 4 : 16;
	size_t at = reader->at;

	skip(reader, size);
	if (reader->is_bad)
		return;
	ret->family = (uint8_t)family;
	memcpy(ret->bytes, reader->data + at, size);
}

static void read_record(struct reader *reader, enum dns_type type,
			struct dns_record *ret)
{
	char regexp[2];

	memset(ret, 0, sizeof(*ret));
	switch (type) {
	case DNS_A:
		read_addr(reader, IP_V4, &ret->addr);
		return;
	case DNS_AAAA:
		read_addr(reader, IP_V6, &ret->addr);
		return;
	case DNS_SRV:
		ret->priority = (uint16_t)read_number(reader, 2);
		ret->weight = (uint16_t)read_number(reader, 2);
		ret->port = (uint16_t)read_number(reader, 2);
		read_name(reader, ret->name);
		return;
	case DNS_NAPTR:
		ret->priority = (uint16_t)read_number(reader, 2);
		ret->weight = (uint16_t)read_number(reader, 2);
		read_string(reader, ret->flags, sizeof(ret->flags));
		read_string(reader, ret->service, sizeof(ret->service));
		read_string(reader, regexp, sizeof(regexp));
		read_name(reader, ret->name);
		return;
	}
}

/* One of the answer section. */
static void read_answer(struct reader *reader, enum dns_type type,
			struct dns_answer *ret)
{
	char name[DNS_NAME_MAX];
	struct dns_record record;
	unsigned found, class, size;
	uint32_t ttl;
	size_t end;

	read_name(reader, name);
	found = read_number(reader, 2);
	class = read_number(reader, 2);
	ttl = read_number(reader, 4);
	size = read_number(reader, 2);
	if (reader->is_bad || reader->len - reader->at < size) {
		reader->is_bad = true;
		return;
	}
	end = reader->at + size;
	if (ttl < ret->ttl)
		ret->ttl = ttl;
	if (class == 1 && found == (unsigned)type &&
	    ret->count < DNS_RECORDS_MAX) {
		read_record(reader, type, &record);
		if (reader->at > end)
			reader->is_bad = true;
		if (!reader->is_bad)
			ret->records[ret->count++] = record;
	}
	reader->at = end;
}

int dns_parse(const uint8_t *data, size_t len, enum dns_type type,
	      struct dns_answer *ret)
{
	struct reader reader = { .data = data, .len = len };
	unsigned questions, answers;
	char name[DNS_NAME_MAX];

	ret->ttl = UINT32_MAX;
	ret->count = 0;
	skip(&reader, 4);
	questions = read_number(&reader, 2);
	answers = read_number(&reader, 2);
	skip(&reader, 4);
	while (questions-- > 0 && !reader.is_bad) {
		read_name(&reader, name);
		skip(&reader, 4);
	}
	while (answers-- > 0 && !reader.is_bad)
		read_answer(&reader, type, ret);
	return reader.is_bad ? -EBADMSG : 0;
}
