/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mark of our entries in the kernel's conntrack table. Pure. */
#include "translator/mark.h"

#include <string.h>

#include "common/table.h"

#define TAG_SEED 0x56494144U /* the same in every program and at every start */

uint32_t mark_tag(const char *table)
{
	uint32_t tag = (uint32_t)hash_bytes(table, strlen(table), TAG_SEED);

	/* 0 is the mark of everybody else's. */
	return (tag & MARK_TAG) != 0 ? tag & MARK_TAG : MARK_TAG;
}

uint32_t mark_of(uint32_t tag, realm_id from, realm_id to)
{
	return tag | (uint32_t)from << 8 | to;
}

realm_id mark_from(uint32_t mark)
{
	return (realm_id)((mark & MARK_FROM) >> 8);
}

realm_id mark_to(uint32_t mark)
{
	return (realm_id)(mark & MARK_TO);
}
