/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a request is refused: a code for programs, words for people. */
#ifndef VIADUCT_NATCTL_FAULT_H
#define VIADUCT_NATCTL_FAULT_H

#include "common/rpc.h"

#define FAULT_REASON_MAX \
	256 /* bytes, with NUL; longer ones are cut, as UTF-8 */

struct fault {
	enum rpc_code code;
	char reason[FAULT_REASON_MAX];
};

/* Fills it; always -EPROTO, so that a caller can return it. */
int fault_set(struct fault *fault, enum rpc_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* RPC_INTERNAL_ERROR, "out of memory". */
int fault_no_memory(struct fault *fault);

#endif
