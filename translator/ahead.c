/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets are going to look up, into the cache. Pure. */
#include "translator/ahead.h"

#include "translator/packet.h"

/* Of a packet that ports lead to rules. */
static void begin(const struct translate_context *context, realm_id from,
		  struct ahead_packet *packet)
{
	struct endpoint src = { .realm = from }, dst;
	struct packet opened;

	if (packet_open(packet->data, packet->len, &opened) ||
	    (opened.protocol != PACKET_UDP && opened.protocol != PACKET_TCP) ||
	    opened.offset > 0)
		return;
	src.addr = packet_src(&opened);
	src.port = packet_src_port(&opened);
	dst.addr = packet_dst(&opened);
	dst.port = packet_dst_port(&opened);
	dst.realm = realms_of(context->realms, from, &dst.addr);
	packet->known = ruleset_ahead(context->ruleset, opened.protocol, &src,
				      &dst);
}

void ahead_fetch(const struct translate_context *context, realm_id from,
		 struct ahead_packet *packets, size_t count)
{
	bool is_large = ruleset_is_large(context->ruleset);

	for (size_t i = 0; i < count; i++) {
		packets[i].known.protocol = 0;
		if (is_large)
			begin(context, from, &packets[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (packets[i].known.protocol != 0)
			ruleset_fetch(context->ruleset, &packets[i].known);
}
