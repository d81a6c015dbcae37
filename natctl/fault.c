/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a request is refused. */
#include "natctl/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, enum rpc_code code, const char *format, ...)
{
	va_list args;

	fault->code = code;
	va_start(args, format);
	(void)vsnprintf(fault->reason, sizeof(fault->reason), format, args);
	va_end(args);
	return -EPROTO;
}

int fault_no_memory(struct fault *fault)
{
	return fault_set(fault, RPC_INTERNAL_ERROR, "out of memory");
}
