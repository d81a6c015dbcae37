/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a request is refused. */
#include "natctl/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Takes the start of a character off the end, where its rest was cut. */
static void trim(char *text, size_t len)
{
	static const unsigned char longer[] = { 0xc0, 0xe0, 0xf0 };

	for (size_t i = 0; i < 3 && i < len; i++) {
		unsigned char byte = (unsigned char)text[len - 1 - i];

		if (byte >= longer[i])
			text[len - 1 - i] = '\0';
		if (byte < 0x80 || byte >= 0xc0)
			return;
	}
}

int fault_set(struct fault *fault, enum rpc_code code, const char *format, ...)
{
	va_list args;

	fault->code = code;
	va_start(args, format);
	if (vsnprintf(fault->reason, sizeof(fault->reason), format, args) >=
	    FAULT_REASON_MAX)
		trim(fault->reason, FAULT_REASON_MAX - 1);
	va_end(args);
	return -EPROTO;
}

int fault_no_memory(struct fault *fault)
{
	return fault_set(fault, RPC_INTERNAL_ERROR, "out of memory");
}
