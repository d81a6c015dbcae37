/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of a batch, until the last one is there. */
#include "common/rpcbatch.h"

#include <stdlib.h>
#include <string.h>

struct rpcbatch *rpcbatch_new(unsigned waiting)
{
	struct rpcbatch *batch = calloc(1, sizeof(*batch));

	if (batch != NULL)
		batch->waiting = waiting;
	return batch;
}

void rpcbatch_free(struct rpcbatch *batch)
{
	if (batch == NULL)
		return;
	free(batch->text);
	free(batch);
}

/* One byte before it, and room for two behind it. */
static void append(struct rpcbatch *batch, const char *answer, size_t len)
{
	size_t needed = batch->used + len + 4;
	char *text;

	if (needed > RPCBATCH_BYTES_MAX)
		batch->failed = true;
	if (batch->failed)
		return;
	if (needed > batch->size) {
		text = realloc(batch->text, 2 * needed);
		if (text == NULL) {
			batch->failed = true;
			return;
		}
		batch->text = text;
		batch->size = 2 * needed;
	}
	batch->text[batch->used] = batch->used == 0 ? '[' : ',';
	memcpy(batch->text + batch->used + 1, answer, len);
	batch->used += len + 1;
}

bool rpcbatch_end(struct rpcbatch *batch, char *line)
{
	if (line != NULL)
		append(batch, line, strcspn(line, "\n"));
	free(line);
	return --batch->waiting == 0;
}

char *rpcbatch_take(struct rpcbatch *batch)
{
	char *text = batch->text;

	if (text == NULL)
		return NULL;
	strcpy(text + batch->used, "]\n");
	batch->text = NULL;
	return text;
}
