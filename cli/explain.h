/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `viaduct explain`: what would become of a packet, and why. */
#ifndef VIADUCT_CLI_EXPLAIN_H
#define VIADUCT_CLI_EXPLAIN_H

#include "cli/command.h"

/* words: protocol, source, destination. */
enum exit_code explain_run(const struct command_env *env, json_t *options,
			   char *const *words);

#endif
