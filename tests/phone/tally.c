/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arrived on one socket: lost, reordered, duplicate, changed, from whom.
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void tally_done(struct tally *tally)
{
	for (unsigned i = 0; i < tally->n_senders; i++)
		free(tally->senders[i].seen);
	memset(tally, 0, sizeof(*tally));
}

static void add_source(struct tally *tally, const struct address *from,
		       const struct rtp_mark *mark)
{
	struct tally_source *source = NULL;

	for (unsigned i = 0; i < tally->n_sources && !source; i++) {
		if (address_is_equal(&tally->sources[i].from, from))
			source = &tally->sources[i];
	}
	if (!source && tally->n_sources == TALLY_SOURCES) {
		tally->other++;
		return;
	}
	if (!source) {
		source = &tally->sources[tally->n_sources++];
		source->from = *from;
	}
	source->packets++;
	if (mark)
		source->ssrc = mark->ssrc;
}

static struct tally_sender *find_sender(struct tally *tally, uint32_t ssrc)
{
	struct tally_sender *sender;

	for (unsigned i = 0; i < tally->n_senders; i++) {
		if (tally->senders[i].ssrc == ssrc)
			return &tally->senders[i];
	}
	if (tally->n_senders == TALLY_SENDERS)
		return NULL;
	sender = &tally->senders[tally->n_senders++];
	sender->ssrc = ssrc;
	return sender;
}

static void make_room(struct tally_sender *sender, uint32_t number)
{
	size_t size = sender->size ? sender->size : 256;
	uint8_t *seen;

	if (number / 8 < sender->size)
		return;
	while (size <= number / 8)
		size *= 2;
	seen = need(size);
	if (sender->size)
		memcpy(seen, sender->seen, sender->size);
	free(sender->seen);
	sender->seen = seen;
	sender->size = size;
}

static void add_number(struct tally *tally, struct tally_sender *sender,
		       uint32_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);

	make_room(sender, number);
	if (sender->seen[number / 8] & bit) {
		tally->duplicate++;
		return;
	}
	sender->seen[number / 8] |= bit;
	sender->distinct++;
	if (number < sender->highest)
		tally->reordered++;
	else
		sender->highest = number;
}

void tally_add(struct tally *tally, const struct address *from, size_t length,
	       const struct rtp_mark *mark)
{
	struct tally_sender *sender = NULL;

	tally->received++;
	tally->bytes += length;
	add_source(tally, from, mark);
	if (mark && mark->number < TALLY_NUMBERS)
		sender = find_sender(tally, mark->ssrc);
	if (sender)
		add_number(tally, sender, mark->number);
	else
		tally->corrupt++;
}

uint64_t tally_lost(const struct tally *tally)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < tally->n_senders; i++)
		lost += tally->senders[i].highest - tally->senders[i].distinct;
	return lost;
}

static json_t *sources_json(const struct tally *tally)
{
	json_t *list = json_array();
	char from[ADDRESS_TEXT], ssrc[16];

	for (unsigned i = 0; i < tally->n_sources; i++) {
		const struct tally_source *source = &tally->sources[i];

		address_format(&source->from, from);
		snprintf(ssrc, sizeof(ssrc), "%08x", (unsigned)source->ssrc);
		json_array_append_new(list,
				      json_pack("{s:s,s:I,s:s}", "from", from,
						"packets",
						(json_int_t)source->packets,
						"ssrc", ssrc));
	}
	return list;
}

json_t *tally_json(const struct tally *tally)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "sent",
			 (json_int_t)tally->sent, "received",
			 (json_int_t)tally->received, "lost",
			 (json_int_t)tally_lost(tally), "reordered",
			 (json_int_t)tally->reordered, "duplicate",
			 (json_int_t)tally->duplicate, "corrupt",
			 (json_int_t)tally->corrupt, "bytes",
			 (json_int_t)tally->bytes, "other",
			 (json_int_t)tally->other, "sources",
			 sources_json(tally));
}
