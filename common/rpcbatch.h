/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of a batch, until the last one is there. Pure. */
#ifndef VIADUCT_COMMON_RPCBATCH_H
#define VIADUCT_COMMON_RPCBATCH_H

#include <stdbool.h>
#include <stddef.h>

#define RPCBATCH_MAX       256               /* members */
#define RPCBATCH_BYTES_MAX (4 * 1024 * 1024) /* of all answers */

struct rpcbatch {
	char *text; /* owned; "[" and the answers so far */
	size_t used;
	size_t size;
	unsigned waiting; /* members that have not ended */
	bool failed;      /* no memory, or too much */
};

/* NULL: no memory. */
struct rpcbatch *rpcbatch_new(unsigned waiting);
void rpcbatch_free(struct rpcbatch *batch);
/*
 * A member has ended; takes its answer over (a line; NULL: it has none). True:
 * it was the last.
 */
bool rpcbatch_end(struct rpcbatch *batch, char *line);
/* One line, to be freed by the caller; NULL: no member had an answer. */
char *rpcbatch_take(struct rpcbatch *batch);

#endif
